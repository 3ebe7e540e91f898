"""Schedules: an operation asked for again and again, in the name of the person who set it up.

Who set it up must be allowed when it is set up and again at each run: a schedule never may more than its owner.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from opsportal.accounts import queries as accounts
from opsportal.accounts.models import Person
from opsportal.accounts.rules import Refused, Verdict
from opsportal.audit import actions as audit
from opsportal.environments import holds
from opsportal.environments.models import Environment
from opsportal.kit import wording
from opsportal.operations import actions, calendar
from opsportal.operations.models import Schedule
from opsportal.operations.registry import BadParameter, Confirm
from opsportal.operations.rules import Finding

#: A run that is later than this is left out and said so: nobody wants last night's reset at noon.
LATE = timedelta(hours=1)


def may_change(environment: Environment, kind_name: str, by: Person) -> Verdict:
    """Whether they may set up, change or switch a schedule: whoever may do the thing itself there."""
    kind = actions.kind_named(kind_name)
    return accounts.may(by, kind.permission or kind.name, holds.place_of(environment))


def save(
    *,
    kind: str,
    environment: Environment,
    given: Mapping[str, str],
    weekdays: Sequence[int],
    times: str,
    by: Person,
    reason: str = "",
    confirmed: str = "",
) -> Schedule:
    """Set up a schedule. Raises Refused (permission), actions.Refused (a rule) or BadParameter."""
    chosen = actions.kind_named(kind)
    if not (verdict := may_change(environment, kind, by)):
        raise Refused(verdict)
    if environment.kind not in chosen.allowed_on:
        raise actions.Refused(
            [
                Finding(
                    "kind", False, f"{chosen.title} is never done on {environment.kind}.", "Choose another."
                )
            ]
        )
    ref = chosen.ref(chosen.clean(environment, given))
    if ref is not None and ref.kind == "any":
        raise BadParameter("ref", f"The repository has no branch, tag or commit “{ref.name}”.")
    if chosen.confirm == Confirm.TYPED and confirmed.strip() != environment.name:
        raise BadParameter(
            "confirmed", f"{chosen.title} cannot be undone. Type {environment.name} to confirm."
        )
    if environment.kind in chosen.reason_on and not reason.strip():
        raise BadParameter("reason", "This needs a reason; it is kept with each run.")
    days = sorted(set(weekdays))
    if not days or not set(days) <= set(range(7)):
        raise BadParameter("weekdays", "Choose at least one day.")
    try:
        at = calendar.parse_times(times)
    except ValueError as error:
        raise BadParameter("times", str(error)) from error
    zone = settings.TIME_ZONE
    with transaction.atomic():
        schedule = Schedule.objects.create(
            kind=kind, environment=environment, given=dict(given), reason=reason.strip(), weekdays=days, times=at,
            zone=zone, owner=by, owner_name=by.username,
            next_at=calendar.next_run(timezone.now(), days, at, zone),
        )  # fmt: skip
        _audit(schedule, by, "schedule.save")
    return schedule


def switch(*, schedule: Schedule, on: bool, by: Person) -> Schedule:
    """Switch it on or off; on, it runs in the name of whoever switched it on. Raises Refused."""
    if not (verdict := may_change(schedule.environment, schedule.kind, by)):
        raise Refused(verdict)
    changes: dict[str, object] = {"enabled": on}
    if on:
        upcoming = calendar.next_run(timezone.now(), schedule.weekdays, schedule.times, schedule.zone)
        changes |= {"owner": by, "owner_name": by.username, "next_at": upcoming, "last_refusal": ""}
    with transaction.atomic():
        Schedule.objects.filter(pk=schedule.pk).update(**changes)
        _audit(schedule, by, "schedule.on" if on else "schedule.off")
    schedule.refresh_from_db()
    return schedule


def remove(*, schedule: Schedule, by: Person) -> None:
    """Forget a schedule; what it ran stays in the history. Raises Refused."""
    if not (verdict := may_change(schedule.environment, schedule.kind, by)):
        raise Refused(verdict)
    with transaction.atomic():
        _audit(schedule, by, "schedule.remove")
        schedule.delete()


def run_due(now: datetime | None = None) -> int:
    """Ask for what is due; one of many schedulers gets each run. Returns how many were asked for."""
    now = now or timezone.now()
    due = Schedule.objects.filter(enabled=True, next_at__lte=now).select_related("environment", "owner")
    return sum(_claim_and_run(schedule, now) for schedule in due)


def _claim_and_run(schedule: Schedule, now: datetime) -> int:
    """The claim, the operation and what became of it are one transaction: a crash between them loses no run."""
    upcoming = calendar.next_run(now, schedule.weekdays, schedule.times, schedule.zone)
    with transaction.atomic():
        # Moving it on is the claim: whoever changes the row runs it, everybody else finds it not due.
        claimed = Schedule.objects.filter(pk=schedule.pk, next_at=schedule.next_at, enabled=True).update(
            next_at=upcoming, last_at=now
        )
        late = schedule.next_at is not None and now - schedule.next_at > LATE
        return _run(schedule, late=late) if claimed else 0


def _run(schedule: Schedule, *, late: bool) -> int:
    refusal, operation = "", None
    try:
        if late:
            late_by = wording.duration(LATE.total_seconds())
            refusal = f"It was due {late_by} or more before the portal could look, so it was left out."
        elif schedule.owner is None:
            refusal = f"{schedule.owner_name} is not here any more: somebody else switches it on again."
        else:
            operation = actions.request(
                kind=schedule.kind, environment=schedule.environment.name, given=schedule.given, by=schedule.owner,
                reason=schedule.reason, via="schedule", confirmed=schedule.environment.name,
            )  # fmt: skip
    except (actions.Refused, BadParameter) as error:
        refusal = str(error)
    changes: dict[str, object] = {"last_refusal": refusal}
    if operation is not None:
        changes["last_operation"] = operation
    Schedule.objects.filter(pk=schedule.pk).update(**changes)
    return int(operation is not None)


def _audit(schedule: Schedule, by: Person, action: str) -> None:
    audit.record(
        actor=by.username, action=action, target=schedule.environment.name, target_kind="environment",
        reason=schedule.reason,
        details={
            "kind": schedule.kind, "given": schedule.given,
            "when": calendar.in_words(schedule.weekdays, schedule.times), "zone": schedule.zone,
        },
    )  # fmt: skip
