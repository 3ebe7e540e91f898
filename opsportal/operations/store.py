"""Every change of an operation's state, in one place. Short transactions, none held across a call to the outside.

A worker's writes carry the fencing number of its claim: after a lease was lost (crash, pause) they change nothing
and raise :class:`LeaseLost`.
"""

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypedDict
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from opsportal.audit import actions as audit
from opsportal.environments import actions as environments
from opsportal.kit import wording
from opsportal.operations import bell, telling
from opsportal.operations.models import HOLDING, UNDER_WAY, Operation, Output, State, Step, StepState
from opsportal.operations.outcomes import Wait

#: Seconds a claim holds without being renewed. A dead worker's operation goes on after this at the latest.
LEASE_SECONDS = 12
#: Seconds for which the worker's own looking leaves an environment alone; what changes it looks at its end.
LEFT_ALONE_SECONDS = 120

_turn = threading.RLock()


class Error(TypedDict):
    """An operation's error columns."""

    error_id: str
    whose_move: str
    problem: str
    remedy: str


class LeaseLost(Exception):
    """Another worker has claimed the operation since; nothing more may be written by this one."""


@dataclass(frozen=True)
class Claim:
    """The right to work on one operation until the lease ends.

    ``operation`` is the row as it was taken. While the claim holds nobody else changes what steps found out, say and
    remember, so that these are kept there and not read again; what people change (a cancel) is.
    """

    operation_id: UUID
    fence: int
    owner: str
    operation: Operation = field(compare=False, repr=False)


@dataclass(frozen=True)
class Line:
    """One line to keep: ``stream`` is out, err or note."""

    at: datetime
    stream: str
    text: str


@dataclass(frozen=True)
class Brought:
    """What an answer brings along, kept in the same transaction: the operation's facts, and lines up to a limit."""

    facts: dict[str, Any] | None = None
    lines: Sequence[Line] = ()
    limit: int = 0


_NOTHING = Brought()


def promote(environment_id: int) -> UUID | None:
    """Start the oldest waiting operation of an environment, if nothing holds it. The database decides who wins."""
    now = timezone.now()
    queue = Operation.objects.filter(environment_id=environment_id, state__in=UNDER_WAY)
    rows = list(queue.order_by("created_at", "id").values_list("id", "undo_until", "state"))
    if not rows or any(state in HOLDING for _, _, state in rows):
        return None
    first = rows[0]
    oldest, begins = first[0], max(now, first[1] or now)
    try:
        with _changing():
            started = Operation.objects.filter(id=oldest, state=State.WAITING).update(
                state=State.RUNNING, started_at=begins, due_at=begins, version=F("version") + 1
            )
    except IntegrityError:
        return None
    if not started:
        return None
    environments.look_later(environment_id=environment_id, seconds=LEFT_ALONE_SECONDS)
    bell.ring_on_commit(oldest, (begins - now).total_seconds())
    bell.announce_on_commit(oldest)
    return oldest


def claim(operation_id: UUID, owner: str) -> Claim | None:
    """Take a due operation for this worker by one conditional UPDATE; None when another has it or it is not due."""
    now = timezone.now()
    rows = Operation.objects.select_related("environment", "requested_by")
    row = rows.filter(id=operation_id, state=State.RUNNING, due_at__lte=now).first()
    if row is None or (row.lease_expires_at is not None and row.lease_expires_at > now):
        return None
    # Who claims raises the fence, so the row that was read is the row that is taken.
    unchanged = Operation.objects.filter(
        id=operation_id, fence=row.fence, state=State.RUNNING, due_at__lte=now
    )
    with _changing():
        taken = unchanged.update(
            lease_owner=owner, lease_expires_at=now + timedelta(seconds=LEASE_SECONDS), fence=row.fence + 1
        )
    return Claim(operation_id, row.fence + 1, owner, row) if taken else None


def renew(claims: Iterable[Claim]) -> None:
    """Lengthen the leases this process still works under. A lost one stays lost."""
    until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    for each in claims:
        with _changing():
            _held(each).update(lease_expires_at=until)


def release(held: Claim, *, wait: float = 0.0) -> None:
    """Give the operation back, due again in ``wait`` seconds."""
    with _changing():
        _write(held, lease_owner="", lease_expires_at=None, due_at=timezone.now() + timedelta(seconds=wait))


def hasten(operation_ids: Collection[UUID]) -> None:
    """These are due now instead of later, but for those that somebody works on or that do not run."""
    now = timezone.now()
    waiting = Operation.objects.filter(id__in=operation_ids, state=State.RUNNING, lease_owner="")
    with _changing():
        waiting.filter(due_at__gt=now).update(due_at=now)


def begin_step(held: Claim, step: Step) -> None:
    """The step's first call starts its clock; a later one changes nothing before it has answered."""
    if step.started_at is not None:
        return
    with _changing():
        _write(held)
        _begin(step)
        telling.started(held.operation, step)
    bell.announce(held.operation_id)


def wait_step(held: Claim, step: Step, outcome: Wait, brought: Brought = _NOTHING) -> None:
    """The step waits; the operation is given back and due again then."""
    state = StepState.UNKNOWN if outcome.unknown else StepState.WAITING
    detail = outcome.detail[:500]
    changed = (detail, outcome.progress, state) != (step.detail, step.progress, step.state)
    with _changing():
        _write(
            held,
            brought,
            changed=changed,
            lease_owner="",
            lease_expires_at=None,
            due_at=timezone.now() + timedelta(seconds=outcome.seconds),
        )
        _keep(held, step, brought)
        Step.objects.filter(pk=step.pk).update(
            state=state, detail=detail, progress=outcome.progress, memo=step.memo, calls=F("calls") + 1
        )
    _kept(held, brought)
    if changed or brought.lines:
        bell.announce(held.operation_id)


def ask(held: Claim, step: Step) -> None:
    """The step's question (in its memo) waits for a person; the operation holds its environment meanwhile."""
    with _changing():
        _write(held, state=State.NEEDS_YOU, lease_owner="", lease_expires_at=None)
        Step.objects.filter(pk=step.pk).update(state=StepState.NEEDS_YOU, memo=step.memo)
    bell.announce(held.operation_id)


def end_step(
    held: Claim,
    step: Step,
    state: StepState,
    detail: str = "",
    *,
    brought: Brought = _NOTHING,
    following: Step | None = None,
) -> None:
    """The step has ended in ``state``; ``following`` begins with it, unless a person has asked to cancel meanwhile."""
    operation = held.operation
    with _changing():
        _write(held, brought)
        _keep(held, step, brought)
        step.state, step.ended_at = state, timezone.now()
        Step.objects.filter(pk=step.pk).update(
            state=state,
            ended_at=step.ended_at,
            detail=detail[:500],
            progress=None,
            memo=step.memo,
            calls=F("calls") + 1,
        )
        asked = Operation.objects.values_list("cancel_requested_at", "cancel_requested_by")
        operation.cancel_requested_at, operation.cancel_requested_by = asked.get(id=held.operation_id)
        if following is not None and following.started_at is None and operation.cancel_requested_at is None:
            _begin(following)
    _kept(held, brought)
    bell.announce(held.operation_id)


def remember(held: Claim, step: Step, brought: Brought = _NOTHING) -> None:
    """Keep the step's memo and what it brings along now: before an intent is carried out, say."""
    with _changing():
        _write(held, brought, changed=False)
        _keep(held, step, brought)
        Step.objects.filter(pk=step.pk).update(memo=step.memo)
    _kept(held, brought)
    if brought.lines:
        bell.announce(held.operation_id, output=held.operation.output_count)


def show_progress(held: Claim, step: Step, detail: str, progress: float | None) -> None:
    """Progress of work that blocks (build, upload)."""
    with _changing():
        _write(held)
        Step.objects.filter(pk=step.pk).update(detail=detail[:500], progress=progress)
    bell.announce(held.operation_id)


def append(held: Claim, step: Step, lines: Sequence[Line], *, limit: int) -> int:
    """Keep lines of output, numbered without a gap, together with the step's memo (its place in the log).

    Returns the last number. Beyond ``limit`` lines nothing is kept and one note says so.
    """
    brought = Brought(lines=lines, limit=limit)
    with _changing():
        _write(held, brought, changed=False)
        kept = _keep(held, step, brought)
        Step.objects.filter(pk=step.pk).update(memo=step.memo)
    _kept(held, brought)
    if kept:
        bell.announce(held.operation_id, output=held.operation.output_count)
    return held.operation.output_count


def note(held: Claim, words: str) -> None:
    """Keep a remark for the receipt, once."""
    with _changing():
        notes = list(Operation.objects.values_list("notes", flat=True).get(id=held.operation_id))
        if words not in notes:
            _write(held, notes=[*notes, words])


def conclude(
    held: Claim, step: Step, state: StepState, outcome: State, tidy: Sequence[Step], error: Error
) -> None:
    """A step ended badly: the operation will end as ``outcome``, after ``tidy`` steps have put things back.

    One transaction, so that a crash leaves either all of it or nothing.
    """
    with _changing():
        _write(held, outcome=outcome, **error)
        step.state, step.ended_at = state, timezone.now()
        Step.objects.filter(pk=step.pk).update(
            state=state, ended_at=step.ended_at, detail=error["problem"][:500], progress=None, memo=step.memo
        )
        Step.objects.bulk_create(tidy)
    held.operation.outcome = outcome
    bell.announce(held.operation_id)


def hold_unknown(held: Claim, step: Step, error: Error) -> None:
    """What happened cannot be told: the operation stays, holding its environment, until a person settles it."""
    with _changing():
        _write(held, state=State.UNKNOWN, lease_owner="", lease_expires_at=None, **error)
        Step.objects.filter(pk=step.pk).update(
            state=StepState.UNKNOWN, detail=error["problem"][:500], memo=step.memo
        )
        telling.ended(held.operation, State.UNKNOWN, step.attempt)
    bell.announce(held.operation_id)


def finish(held: Claim, state: State, *, attempt: int = 1) -> None:
    """End the operation, free its environment and start what waits behind it.

    After a retry, which begins its clock anew, a note tells this ``attempt``'s time and the whole.
    """
    operation, now = held.operation, timezone.now()
    with _changing():
        if attempt > 1:
            _note_times(held, attempt, now)
        _write(held, state=state, ended_at=now, lease_owner="", lease_expires_at=None)
        if state != State.SUCCEEDED:
            environments.look_soon(environment=operation.environment)
        promote(operation.environment_id)
        telling.ended(operation, state, attempt)
        audit.record(
            actor=operation.requester,
            actor_kind="person" if operation.requested_by_id else "service",
            action="operation.end",
            target=str(operation.id),
            target_kind="operation",
            reason=operation.reason,
            result=state,
            origin="worker",
            details={
                "environment": operation.environment.name,
                "headline": operation.headline,
                "commit": operation.facts.get("commit", ""),
                "error": operation.error_id,
            },
        )
    bell.announce(held.operation_id)


def update(held: Claim, **values: Any) -> None:
    """Change the operation's own columns under the claim."""
    with _changing():
        _write(held, **values)
    bell.announce(held.operation_id)


def _note_times(held: Claim, attempt: int, now: datetime) -> None:
    operation = held.operation
    this = wording.duration((now - (operation.started_at or now)).total_seconds())
    whole = wording.duration((now - operation.created_at).total_seconds())
    notes = list(Operation.objects.values_list("notes", flat=True).get(id=held.operation_id))
    notes.append(f"Attempt {attempt} took {this}; it is {whole} since the operation was asked for.")
    _write(held, notes=notes)


@contextmanager
def _changing() -> Iterator[None]:
    """One transaction. On SQLite, whose file takes one writer, this process's threads take turns before they ask.

    Left to itself SQLite has each wait in sleeps of up to a tenth of a second, while nobody writes.
    """
    takes_turns = connection.vendor == "sqlite" and not connection.in_atomic_block
    with _turn if takes_turns else nullcontext(), transaction.atomic():
        yield


def _held(held: Claim) -> Any:
    return Operation.objects.filter(id=held.operation_id, fence=held.fence, lease_owner=held.owner)


def _begin(step: Step) -> None:
    step.started_at, step.state = timezone.now(), StepState.RUNNING
    Step.objects.filter(pk=step.pk).update(state=step.state, started_at=step.started_at)


def _write(held: Claim, brought: Brought = _NOTHING, *, changed: bool = True, **values: Any) -> None:
    """One UPDATE under the fence; it also is the lock that orders what follows in the same transaction."""
    values["version"] = F("version") + (1 if changed else 0)
    if brought.facts is not None and brought.facts != held.operation.facts:
        values["facts"] = brought.facts
    if added := len(_within(held, brought)):
        values["output_count"] = held.operation.output_count + added
    if not _held(held).update(**values):
        raise LeaseLost(str(held.operation_id))


def _within(held: Claim, brought: Brought) -> Sequence[Line]:
    """Of these lines those that are kept, and where the limit cuts them off a last one that says so."""
    count, lines = held.operation.output_count, brought.lines
    room = max(0, brought.limit - count)
    if len(lines) <= room or count > brought.limit:
        return lines[:room]
    cut = f"Output is kept up to {brought.limit} lines; the rest is not."
    return [*lines[:room], Line(timezone.now(), Output.Stream.NOTE, cut)]


def _keep(held: Claim, step: Step, brought: Brought) -> int:
    """Write the lines that are within the limit, numbered on from the last one. Returns how many."""
    kept, count = _within(held, brought), held.operation.output_count
    if kept:
        Output.objects.bulk_create(
            Output(
                operation_id=held.operation_id,
                number=number,
                step=step.position,
                at=each.at,
                stream=each.stream,
                text=each.text.replace("\0", "\ufffd"),
            )
            for number, each in enumerate(kept, count + 1)
        )
    return len(kept)


def _kept(held: Claim, brought: Brought) -> None:
    """What was written has become true: go on from it."""
    held.operation.output_count += len(_within(held, brought))
    if brought.facts is not None:
        held.operation.facts = deepcopy(brought.facts)
