"""What the rules and the pages need to know, read from our own tables."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Case, CharField, Count, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast
from django.urls import reverse

from opsportal.accounts import queries as accounts
from opsportal.accounts.queries import SERVICE, By
from opsportal.accounts.rules import Verdict, cancelling, retrying
from opsportal.environments import holds
from opsportal.environments.models import Environment
from opsportal.operations import registry
from opsportal.operations.models import ENDED, HOLDING, UNDER_WAY, Operation, Push, State
from opsportal.operations.registry import Confirm, Kind, Needs
from opsportal.operations.rules import Facts, Finding, Hold, findings

#: The kinds after which another commit may run there.
BRING_CODE = ("deploy", "promote", "roll_back")

__all__ = [
    "BRING_CODE",
    "Operation",
    "State",
    "facts",
    "facts_of_operation",
    "findings_for",
    "history_of",
    "is_deployed",
    "last_ended",
    "last_failed",
    "last_that_brought_code",
    "may_cancel",
    "may_retry",
    "place_of",
    "position_in_queue",
    "pushes_to",
    "queue_of",
    "requester_of",
]

place_of = holds.place_of


def requester_of(operation: Operation) -> By:
    """Who asked for it; the portal itself where no person did."""
    return operation.requested_by or SERVICE


def facts(
    *,
    kind: Kind,
    environment: Environment,
    params: Mapping[str, Any],
    by: By,
    reason: str = "",
    confirmed: str = "",
    passes_hold: bool = False,
    own: Operation | None = None,
) -> Facts:
    """Everything the rules look at. ``own``: the operation itself, when it asks again about itself.

    ``confirmed``: the name typed to confirm; ``passes_hold``: the person says that they pass the hold.
    """
    verdict = accounts.may(by, kind.permission or kind.name, place_of(environment))
    others = environment.operations.filter(state__in=UNDER_WAY)
    gate = registry.gate(kind.name, environment.kind)
    ref = kind.ref(params)
    duplicate = None if own else _duplicate(others, kind, params)
    return Facts(
        kind=kind.name,
        kind_title=kind.title,
        allowed_on=kind.allowed_on,
        environment=environment.name,
        environment_kind=environment.kind,
        permitted=verdict.allowed,
        permission_reason=verdict.sentence,
        who_can=verdict.who_can,
        by_portal=by is SERVICE,
        in_repository=environment.in_repository,
        manifest_problem=environment.manifest_problem,
        ref=ref,
        ref_exists=ref is None or ref.kind != "any",
        deployed=is_deployed(kind, environment, own),
        # Who waits behind it no longer matters once it has begun (RULES_AT_START).
        duplicate=_in_words(duplicate) if duplicate else "",
        duplicate_url=reverse("operations:operation", args=[duplicate.id]) if duplicate else "",
        waiting=0 if own else others.filter(state=State.WAITING).count(),
        needs_reason=environment.kind in kind.reason_on,
        reason=reason,
        needs_name=kind.confirm == Confirm.TYPED,
        typed_name=confirmed,
        hold=_hold(environment, by, passes_hold, own),
        gate=tuple(gate(environment, params)) if gate else None,
    )


def _hold(environment: Environment, by: By, passes: bool, own: Operation | None) -> Hold | None:
    held = holds.active(environment)
    if held is None:
        return None
    passed = held.pk == own.passed_hold if own is not None else passes
    may_release = bool(holds.may_release(held, by))
    return Hold(
        holds.words(held), holds.may_pass(held, by), passed, may_release, holds.who_may_pass(held),
        reverse("environments:hold", args=[environment.name]),
    )  # fmt: skip


def _duplicate(others: QuerySet[Operation], kind: Kind, params: Mapping[str, Any]) -> Operation | None:
    return next((each for each in others.filter(kind=kind.name) if each.params == params), None)


def _in_words(operation: Operation) -> str:
    return f"operation {operation.short_id} ({operation.headline}, {operation.get_state_display().lower()})"


def is_deployed(kind: Kind, environment: Environment, own: Operation | None = None) -> bool:
    """Whether what the kind works on is there, as far as the portal has seen; what nobody looked at may be there.

    What waits behind an operation that brings code may find it there when its turn comes, and is asked again then.
    """
    looked = environment.refreshed_at is not None and not environment.refresh_problem
    if kind.needs == Needs.NOTHING or not looked:
        return True
    if environment.app_guid and (kind.needs == Needs.APP or environment.droplet_guid):
        return True
    coming = environment.operations.filter(state__in=UNDER_WAY, kind__in=BRING_CODE)
    return own is None and coming.exists()


def facts_of_operation(operation: Operation) -> Facts:
    """The facts of an operation that already exists, as they are now."""
    kind = registry.kind(operation.kind)
    if kind is None:
        raise LookupError(operation.kind)
    environment = Environment.objects.select_related("owner").get(pk=operation.environment_id)
    return facts(
        kind=kind,
        environment=environment,
        params=operation.params,
        by=requester_of(operation),
        reason=operation.reason,
        own=operation,
    )


def findings_for(*, kind: Kind, environment: Environment, params: Mapping[str, Any], by: By) -> list[Finding]:
    """Every rule's answer, for the form."""
    return findings(facts(kind=kind, environment=environment, params=params, by=by))


def may_cancel(operation: Operation, by: By) -> Verdict:
    """Whether it can be cancelled by this person now; why not, and who can."""
    kind = registry.kind(operation.kind)
    if operation.state in ENDED:
        return Verdict(False, f"It has ended: {operation.get_state_display().lower()}.")
    if operation.cancel_requested_at is not None or operation.outcome:
        return Verdict(False, "It is being stopped already.")
    if kind is not None and not kind.cancel_safe and operation.state != State.WAITING:
        return Verdict(False, f"{kind.title} cannot be stopped safely once it runs.")
    return accounts.may(by, cancelling(operation.kind), place_of(operation.environment))


def may_retry(operation: Operation, by: By) -> Verdict:
    """Whether it can be retried from the step that failed; why not, and who can."""
    if operation.state not in {State.FAILED, State.CANCELLED, State.UNKNOWN}:
        return Verdict(False, "Only what failed, was cancelled or is unknown can be retried.")
    if registry.kind(operation.kind) is None:
        return Verdict(False, "This portal no longer knows this kind of operation.")
    if not operation.steps.filter(tidy=False).exclude(started_at=None).exists():
        return Verdict(False, "It never started: start a new one.")
    newer = operation.environment.operations.filter(created_at__gt=operation.created_at)
    overtaken = newer.filter(state=State.SUCCEEDED).order_by("-created_at").first()
    if overtaken is not None and operation.state != State.UNKNOWN:
        return Verdict(
            False, f"{overtaken.headline} has changed {operation.environment.name} since: start a new one."
        )
    return accounts.may(by, retrying(operation.kind), place_of(operation.environment))


def queue_of(environment: Environment) -> list[Operation]:
    """What runs on an environment and what waits behind it, in order."""
    rows = environment.operations.filter(state__in=UNDER_WAY).select_related("environment")
    return sorted(rows, key=lambda each: (each.state not in HOLDING, each.created_at, str(each.id)))


def position_in_queue(operation: Operation) -> int:
    """How many operations of the same environment are before this one; 0 when it holds the environment."""
    if operation.state != State.WAITING:
        return 0
    before = Q(state__in=HOLDING) | Q(state=State.WAITING, created_at__lt=operation.created_at)
    counted = Operation.objects.filter(before, environment_id=operation.environment_id).aggregate(
        number=Count("id")
    )
    return int(counted["number"])


def last_failed() -> dict[str, UUID]:
    """Environment name → its newest operation, for those whose newest one failed."""
    failed = When(state=State.FAILED, then=Cast("id", CharField()))
    newest = Operation.objects.filter(environment=OuterRef("pk")).order_by("-created_at")
    newest_failed = newest.values(failed=Case(failed, default=Value(""), output_field=CharField()))[:1]
    found = Environment.objects.order_by().annotate(failed=Subquery(newest_failed))
    return {name: UUID(failed) for name, failed in found.values_list("name", "failed") if failed}


def last_that_brought_code(environment: Environment) -> Operation | None:
    """The newest operation that succeeded and put a commit there."""
    return (
        environment.operations.filter(kind__in=BRING_CODE, state=State.SUCCEEDED)
        .order_by("-created_at")
        .first()
    )


def last_ended(environment: Environment) -> Operation | None:
    """The newest operation that ended, however it did."""
    return environment.operations.filter(state__in=ENDED).order_by("-created_at").first()


def history_of(environment: Environment, limit: int) -> list[Operation]:
    """The newest operations of an environment."""
    rows = environment.operations.select_related("requested_by").order_by("-created_at")
    return list(rows[:limit])


def pushes_to(environment: Environment, limit: int) -> QuerySet[Push]:
    """What was decided about the newest pushes that an environment follows."""
    return environment.pushes.select_related("operation")[:limit]
