"""What is done to environments' rows, besides the worker's looking. Keyword-only, one transaction each."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from opsportal.accounts.models import Person
from opsportal.accounts.queries import By
from opsportal.accounts.rules import Refused
from opsportal.audit import actions as audit
from opsportal.environments import holds, tasks
from opsportal.environments.models import Comparison, Environment, Hold

#: Seconds after which an unanswered comparison is rung for again.
PATIENCE = 5


def record_deploy(
    *,
    environment: Environment,
    commit: str,
    ref: str,
    ref_kind: str,
    subject: str,
    by: str,
    operation: UUID,
    at: datetime,
) -> None:
    """Keep what the portal deployed: the Git witness of later drift. Whoever deployed looks afterwards."""
    Environment.objects.filter(pk=environment.pk).update(
        deployed_commit=commit,
        deployed_ref=ref[:300],
        deployed_ref_kind=ref_kind,
        deployed_subject=subject[:300],
        deployed_by=by,
        deployed_operation=operation,
        deployed_at=at,
    )


def look_soon(*, environment: Environment) -> None:
    """Have the worker look at an environment at its next round."""
    Environment.objects.filter(pk=environment.pk).update(refresh_due_at=timezone.now())


def look_later(*, environment_id: int, seconds: float) -> None:
    """Leave an environment alone while something changes it: what is half done would only look like drift."""
    later = timezone.now() + timedelta(seconds=seconds)
    Environment.objects.filter(pk=environment_id).update(refresh_due_at=later)


def compare(*, base: str, head: str, environment: Environment) -> Comparison:
    """What lies between two commits, seen from an environment: answered already, or asked of the worker now.

    ``base``: a commit or empty; ``head``: a full commit, or what a person typed as one.
    """
    comparison, made = Comparison.objects.get_or_create(
        base=base[:40], head=head[:300], environment=environment.name
    )
    waited = (timezone.now() - comparison.asked_at).total_seconds()
    unsettled = comparison.answered_at is None or bool(comparison.problem)
    if made or (unsettled and waited > PATIENCE):
        Comparison.objects.filter(pk=comparison.pk).update(asked_at=timezone.now(), answered_at=None)
        transaction.on_commit(lambda: tasks.ask_soon(comparison))
    return comparison


def set_owner(*, environment: Environment, owner: Person | None, by: str) -> None:
    """Give a sandbox to a person, or to nobody."""
    with transaction.atomic():
        Environment.objects.filter(pk=environment.pk).update(owner=owner)
        audit.record(
            actor=by,
            action="environment.owner",
            target=environment.name,
            target_kind="environment",
            details={"owner": owner.username if owner else None},
        )


class BadHold(ValueError):
    """A hold that cannot be set as asked; ``field`` names what is wrong, the words are for people."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


def hold(
    *,
    environment: Environment,
    reason: str,
    by: By,
    ends_at: datetime | None = None,
    passes: str = Hold.Passes.LEAD,
    origin: str = Hold.Origin.PERSON,
) -> Hold:
    """Hold an environment, so that nothing changes it. Raises Refused or :class:`BadHold`.

    A roll back's hold needs no permission of its own: whoever may roll back causes it. On an environment that is
    held already it leaves the hold as it is and returns that one.
    """
    by_person = origin == Hold.Origin.PERSON
    if by_person and not (verdict := holds.may_hold(environment, by)):
        raise Refused(verdict)
    if not reason.strip():
        raise BadHold("reason", "Say why: everybody who meets the hold reads it.")
    if passes not in Hold.Passes.values:
        raise BadHold("passes", "Choose who may pass.")
    if ends_at is not None and ends_at <= timezone.now():
        raise BadHold("ends_at", "The end has to lie ahead.")
    with transaction.atomic():
        Environment.objects.select_for_update(of=("self",)).get(pk=environment.pk)
        now = timezone.now()
        ended = Hold.objects.filter(environment=environment, released_at__isnull=True, ends_at__lte=now)
        for each in ended:
            Hold.objects.filter(pk=each.pk).update(released_at=each.ends_at)
        standing = Hold.objects.filter(environment=environment, released_at__isnull=True).first()
        if standing is not None:
            if by_person:
                raise BadHold(
                    "reason", f"It is held already. {holds.words(standing)} Release that one first."
                )
            return standing
        made = Hold.objects.create(
            environment=environment, reason=reason.strip()[:2000], origin=origin, passes=passes,
            set_by=by.username, set_by_name=by.name or by.username, ends_at=ends_at,
        )  # fmt: skip
        holds.was_set.send(Hold, hold=made, by=by)
        _audit_hold(made, by, "environment.hold", made.reason)
    return made


def release(*, hold: Hold, by: By, reason: str = "") -> Hold:
    """Release a hold. Raises Refused; a hold that has ended already stays as it is."""
    if not (verdict := holds.may_release(hold, by)):
        raise Refused(verdict)
    with transaction.atomic():
        released = Hold.objects.filter(pk=hold.pk, released_at__isnull=True).update(
            released_at=timezone.now(), released_by=by.username
        )
        if released:
            holds.was_released.send(Hold, hold=hold, by=by, reason=reason.strip()[:2000])
            _audit_hold(hold, by, "environment.release", reason.strip()[:2000])
    hold.refresh_from_db()
    return hold


def _audit_hold(hold: Hold, by: By, action: str, reason: str) -> None:
    until = hold.ends_at.isoformat() if hold.ends_at else None
    audit.record(
        actor=by.username,
        actor_kind="person" if isinstance(by, Person) else "service",
        action=action,
        target=hold.environment.name,
        target_kind="environment",
        reason=reason,
        details={"hold": hold.pk, "held_for": hold.reason, "until": until, "may_pass": hold.passes},
    )
