"""What operations tell: deploys, promotions and roll backs that start, end or stand still; holds.

Always in the transaction that keeps the fact, so that what is told is true and what is true is told.
"""

from typing import Any

from django.urls import reverse
from django.utils import timezone

from opsportal.accounts import queries as accounts
from opsportal.accounts.models import Person
from opsportal.accounts.queries import By
from opsportal.environments import holds
from opsportal.environments.models import Environment, EnvironmentKind, Hold
from opsportal.kit import wording
from opsportal.notifications.actions import tell
from opsportal.operations.models import Operation, State, Step

#: What brings a version somewhere; nothing else is told.
TOLD = frozenset({"deploy", "promote", "roll_back"})
_ENDED = {State.FAILED: "failed", State.CANCELLED: "was cancelled", State.UNKNOWN: "stands still"}


def started(operation: Operation, step: Step) -> None:
    """Its first step begins, for the first time: the developers' channel hears of it, but not of sandboxes."""
    if step.position == 1 and step.attempt == 1 and not step.tidy and _is_told(operation):
        _tell("deploy_started", operation, "started", {"reason": operation.reason})


def ended(operation: Operation, state: State, attempt: int) -> None:
    """It has ended, or stands still because nobody can tell what happened (``State.UNKNOWN``)."""
    if operation.kind not in TOLD:
        return
    now = Operation.objects.get(id=operation.id)
    key = f"{attempt}:{state}"
    if state == State.SUCCEEDED:
        took = wording.duration((timezone.now() - (now.started_at or now.created_at)).total_seconds())
        values = {"took": took, "commit": str(now.facts.get("commit", ""))[:8]}
        event = "deploy_succeeded" if _is_shared(operation) else "own_deploy_succeeded"
        _tell(event, operation, key, values, to_requester=not _is_shared(operation))
        return
    failed = operation.steps.filter(state__in=("failed", "unknown")).order_by("position").last()
    values = {
        "ended": _ENDED.get(state, "failed"),
        "step": failed.title if failed else "",
        "problem": now.problem,
        "remedy": now.remedy,
    }
    to_requester = state != State.CANCELLED
    if to_requester or _is_shared(operation):
        _tell("deploy_failed", operation, key, values, to_requester=to_requester)


def _is_shared(operation: Operation) -> bool:
    return operation.environment_kind != EnvironmentKind.SANDBOX


def _is_told(operation: Operation) -> bool:
    return operation.kind in TOLD and _is_shared(operation)


def _tell(
    event: str, operation: Operation, key: str, values: dict[str, Any], *, to_requester: bool = False
) -> None:
    asked_by = operation.requested_by
    tell(
        event,
        topic=f"operation:{operation.id}",
        key=f"{operation.id}:{key}",
        values={
            "environment": operation.environment.name,
            "what": operation.headline,
            "who": str(asked_by) if asked_by else _name(operation.requester),
            **values,
        },
        url=reverse("operations:operation", args=[operation.id]),
        to=[asked_by] if to_requester and asked_by else [],
        groups=["dev"] if _is_shared(operation) else [],
    )


def _name(username: str) -> str:
    return accounts.SERVICE.name if username == accounts.SERVICE.username else username


def listen() -> None:
    """Hear of holds: environments know nobody who tells."""
    holds.was_set.connect(_held, dispatch_uid="tell of a hold")
    holds.was_released.connect(_released, dispatch_uid="tell of a release")


def _held(sender: object, *, hold: Hold, by: By, **_: object) -> None:
    until = wording.exact(hold.ends_at, timezone.get_default_timezone()) if hold.ends_at else ""
    _tell_of_hold("held", hold, by, {"reason": hold.reason, "until": until})


def _released(sender: object, *, hold: Hold, by: By, reason: str, **_: object) -> None:
    _tell_of_hold("released_from_hold", hold, by, {"reason": reason})


def _tell_of_hold(event: str, hold: Hold, by: By, values: dict[str, Any]) -> None:
    """The developers' channel; of a sandbox only its owner, unless they did it themselves."""
    place: Environment = hold.environment
    sandbox = place.kind == EnvironmentKind.SANDBOX
    owner: Person | None = place.owner
    tell(
        event,
        topic=f"hold:{hold.pk}",
        key=str(hold.pk),
        values={"environment": place.name, "who": by.name or by.username, **values},
        url=reverse("dashboard:environment", args=[place.name]),
        to=[owner] if sandbox and owner and owner.username != by.username else [],
        groups=[] if sandbox else ["dev"],
    )
