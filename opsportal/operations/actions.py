"""What people (and schedules, and the shell) do with operations. Page, API and command call these same functions.

Keyword-only, ``by=`` who; one transaction; the audit entry in it; the bell after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from opsportal.accounts.models import Person
from opsportal.accounts.queries import By
from opsportal.accounts.rules import Refused as PermissionRefused
from opsportal.accounts.rules import Verdict
from opsportal.audit import actions as audit
from opsportal.environments import holds
from opsportal.environments.models import Environment
from opsportal.operations import bell, queries, registry, store
from opsportal.operations.models import Operation, State, Step, StepState
from opsportal.operations.registry import BadParameter, Kind
from opsportal.operations.rules import Finding, findings, refusals


class Refused(Exception):
    """The rules say no. ``findings`` holds each no with its reason, remedy and who can."""

    def __init__(self, closed: Sequence[Finding]) -> None:
        super().__init__(" ".join(f"{each.reason} {each.remedy}".strip() for each in closed))
        self.findings = list(closed)


class TooLate(Exception):
    """The operation is no longer in the state that the click was about; the words say what it is now."""


def kind_named(name: str) -> Kind:
    """The kind, or :class:`Refused` naming those that exist."""
    kind = registry.kind(name)
    if kind is None:
        known = ", ".join(each.name for each in registry.kinds())
        raise Refused([Finding("kind", False, f"There is no operation “{name}”.", f"There are: {known}.")])
    return kind


@dataclass(frozen=True)
class Said:
    """What goes with a request besides its parameters.

    ``confirmed``: the environment's name as typed, where that is asked for. ``passes_hold``: they pass the hold that
    lies on it. ``undo_seconds``: for so long nothing begins and a cancel leaves no trace. ``via``: page, shell,
    schedule, push.
    """

    reason: str = ""
    confirmed: str = ""
    passes_hold: bool = False
    undo_seconds: float = 0.0
    via: str = "page"


def request(
    *,
    kind: str,
    environment: str,
    given: Mapping[str, str],
    by: By,
    reason: str = "",
    via: str = "page",
    confirmed: str = "",
    passes_hold: bool = False,
    undo_seconds: float = 0.0,
) -> Operation:
    """Ask for an operation. It starts at once when nothing holds the environment, else it waits in sight.

    ``given``: the parameters as typed; the rest as :class:`Said` tells. Raises :class:`Refused` (rules) or
    BadParameter (a value that cannot be used).
    """
    said = Said(reason, confirmed, passes_hold, undo_seconds, via)
    chosen = kind_named(kind)
    place = Environment.objects.select_related("owner").filter(name=environment).first()
    if place is None:
        raise Refused(
            [Finding("environment", False, f"There is no environment “{environment}”.", "See home for all.")]
        )
    unknown = sorted(given.keys() - {each.name for each in chosen.parameters})
    if unknown:
        known = ", ".join(each.name for each in chosen.parameters) or "none"
        raise BadParameter(unknown[0], f"{chosen.title} has no parameter “{unknown[0]}”. It has: {known}.")
    params = chosen.clean(place, given)
    try:
        operation = _request(chosen, place, params, by, said)
    except Refused as refused:
        if any(finding.rule == "permitted" for finding in refused.findings):
            _audit_refusal(chosen, place, by, refused)
        raise
    bell.announce_on_commit(operation.id)
    return operation


def _request(kind: Kind, place: Environment, params: dict[str, object], by: By, said: Said) -> Operation:
    with transaction.atomic():
        # The lock makes "not twice" and the queue's limit true for a hundred clicks at once.
        Environment.objects.select_for_update().get(pk=place.pk)
        facts = queries.facts(
            kind=kind, environment=place, params=params, by=by,
            reason=said.reason, confirmed=said.confirmed, passes_hold=said.passes_hold,
        )  # fmt: skip
        closed = refusals(findings(facts))
        if closed:
            raise Refused(closed)
        operation = _create(kind, place, params, by, said)
        store.promote(place.pk)
        passed = {"passed_hold": facts.hold.words} if facts.hold else {}
        _audit(
            operation,
            by,
            "operation.request",
            {"params": params, "via": said.via, "kind": kind.name, **passed},
        )
    operation.refresh_from_db()
    return operation


def _audit_refusal(kind: Kind, place: Environment, by: By, refused: Refused) -> None:
    audit.record(
        actor=by.username,
        actor_kind="person" if isinstance(by, Person) else "service",
        action="operation.request",
        target=place.name,
        target_kind="environment",
        result="refused",
        reason=str(refused),
        details={"kind": kind.name},
    )


def _create(kind: Kind, place: Environment, params: dict[str, object], by: By, said: Said) -> Operation:
    hold = holds.active(place) if said.passes_hold else None
    undo_until = timezone.now() + timedelta(seconds=said.undo_seconds) if said.undo_seconds > 0 else None
    operation = Operation.objects.create(
        kind=kind.name,
        environment=place,
        environment_kind=place.kind,
        params=params,
        headline=kind.headline(place, params)[:400],
        requested_by=by if isinstance(by, Person) else None,
        requester=by.username,
        reason=said.reason.strip(),
        via=said.via,
        undo_until=undo_until,
        passed_hold=hold.pk if hold else None,
        notes=[f"Passed the hold. {holds.words(hold)}"] if hold else [],
    )
    Step.objects.bulk_create(
        Step(operation=operation, position=position, name=each.name, title=each.title)
        for position, each in enumerate(kind.steps, 1)
    )
    return operation


def cancel(*, operation: UUID, by: By, reason: str = "") -> Operation:
    """Stop an operation: at once while it waits, otherwise as soon as its step can be left safely."""
    with transaction.atomic():
        row = _locked(operation)
        _require(queries.may_cancel(row, by))
        if row.state == State.WAITING or row.can_be_undone:
            changes = {"state": State.CANCELLED, "ended_at": timezone.now(), "whose_move": "cancelled"}
            changes |= {
                "problem": f"Cancelled by {by.name or by.username} before it started.",
                "error_id": "operation:cancelled",
            }
        else:
            changes = {"due_at": timezone.now()}
            if row.state in {State.NEEDS_YOU, State.UNKNOWN}:
                changes |= {"state": State.RUNNING}
        Operation.objects.filter(id=operation).update(
            cancel_requested_at=timezone.now(),
            cancel_requested_by=by.name or by.username,
            version=F("version") + 1,
            **changes,
        )
        if changes.get("state") == State.CANCELLED:
            store.promote(row.environment_id)
        _audit(row, by, "operation.cancel", {"reason": reason})
    bell.ring(operation)
    bell.announce_on_commit(operation)
    return Operation.objects.get(id=operation)


def retry(*, operation: UUID, by: By) -> Operation:
    """Go on from the step that failed (or from where what came before was put back). Waits its turn in the queue."""
    with transaction.atomic():
        row = _locked(operation)
        _require(queries.may_retry(row, by))
        kind = kind_named(row.kind)
        first = _resume_at(row, kind)
        again = Step.objects.filter(operation=row, position__gte=first, tidy=False)
        again.exclude(started_at=None).update(attempt=F("attempt") + 1)
        again.update(
            state=StepState.PENDING,
            started_at=None,
            ended_at=None,
            progress=None,
            detail="",
            memo={},
            calls=0,
        )
        Operation.objects.filter(id=operation).update(
            state=State.WAITING, outcome="", error_id="", whose_move="", problem="", remedy="", ended_at=None,
            cancel_requested_at=None, cancel_requested_by="", due_at=timezone.now(), version=F("version") + 1,
            notes=[*row.notes, f"Retried by {getattr(by, 'name', '') or by.username} from step {first}."],
        )  # fmt: skip
        store.promote(row.environment_id)
        _audit(row, by, "operation.retry", {"from_step": first})
    bell.announce_on_commit(operation)
    return Operation.objects.get(id=operation)


def _resume_at(row: Operation, kind: Kind) -> int:
    """Position of the step to go on from: the first that did not succeed, or the one its definition goes back to."""
    done = {StepState.SUCCEEDED, StepState.SKIPPED}
    steps = list(row.steps.filter(tidy=False))
    stopped = next((each for each in steps if each.state not in done), steps[-1])
    definition = kind.step(stopped.name)
    if row.state != State.UNKNOWN and definition is not None and definition.resume_at:
        return next((each.position for each in steps if each.name == definition.resume_at), stopped.position)
    return stopped.position


def answer(*, operation: UUID, by: By, choice: str) -> Operation:
    """Answer what a step asks. The first answer wins; a second one is told who answered."""
    with transaction.atomic():
        row = _locked(operation)
        step = row.steps.filter(state=StepState.NEEDS_YOU).first()
        if row.state != State.NEEDS_YOU or step is None:
            raise TooLate(_who_answered(row))
        question = step.memo["question"]
        _require(_may_answer(row, question, by))
        if choice not in question["choices"]:
            raise BadParameter("choice", f"It may be answered with: {', '.join(question['choices'])}.")
        step.memo["answer"] = {"choice": choice, "by": by.username}
        Step.objects.filter(pk=step.pk).update(memo=step.memo, state=StepState.WAITING)
        Operation.objects.filter(id=operation).update(
            state=State.RUNNING, due_at=timezone.now(), version=F("version") + 1
        )
        _audit(row, by, "operation.answer", {"question": question["text"], "choice": choice})
    bell.ring(operation)
    bell.announce_on_commit(operation)
    return Operation.objects.get(id=operation)


def _may_answer(row: Operation, question: Mapping[str, str], by: By) -> Verdict:
    who = question["who"]
    asked = isinstance(by, Person) and (by.username == who or who in by.role_names)
    return Verdict(True) if asked else Verdict(False, f"Only {who.replace('_', ' ')} is asked.", (who,))


def _who_answered(row: Operation) -> str:
    answered = [step.memo["answer"] for step in row.steps.all() if "answer" in step.memo]
    if answered:
        return f"{answered[-1]['by']} answered “{answered[-1]['choice']}” already."
    return "Nothing is asked any more."


def settle(*, operation: UUID, by: By, note: str) -> Operation:
    """End an operation that is unknown, as failed: a person has looked and says what really happened."""
    if not note.strip():
        raise BadParameter("note", "Say what you found on the platform; it is kept in the audit trail.")
    with transaction.atomic():
        row = _locked(operation)
        if row.state != State.UNKNOWN:
            raise TooLate(f"It is {row.get_state_display().lower()} now.")
        _require(queries.may_retry(row, by))
        Operation.objects.filter(id=operation).update(
            state=State.FAILED, ended_at=timezone.now(), version=F("version") + 1,
            notes=[*row.notes, f"Settled by {by.username}: {note.strip()}"],
        )  # fmt: skip
        store.promote(row.environment_id)
        _audit(row, by, "operation.settle", {"note": note})
    bell.announce_on_commit(operation)
    return Operation.objects.get(id=operation)


def _locked(operation: UUID) -> Operation:
    return (
        Operation.objects.select_for_update(of=("self",))
        .select_related("environment__owner")
        .get(id=operation)
    )


def _require(verdict: Verdict) -> None:
    if not verdict.allowed:
        raise PermissionRefused(verdict)


def _audit(operation: Operation, by: By, action: str, details: Mapping[str, object]) -> None:
    scheduled = action == "operation.request" and operation.via == "schedule"
    actor_kind = "person" if isinstance(by, Person) else "service"
    audit.record(
        actor=by.username,
        actor_kind="schedule" if scheduled else actor_kind,
        action=action,
        target=str(operation.id),
        target_kind="operation",
        reason=operation.reason,
        details={"environment": operation.environment.name, "headline": operation.headline, **details},
    )
