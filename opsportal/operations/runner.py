"""The order of steps: claim, skip what is done, call the next one, record its answer, stop on cancel.

Nothing here knows a kind or the platform; nothing here sleeps.
"""

import logging
import os
import socket
import threading
import traceback
from collections.abc import Callable
from typing import Any
from uuid import UUID

from opsportal.operations import bell, heart, registry, store, trouble
from opsportal.operations.errors import words
from opsportal.operations.models import Operation, State, Step, StepState
from opsportal.operations.outcomes import Ask, Done, Fail, Outcome, Unknown, Until, Wait
from opsportal.operations.registry import Kind, StepDefinition
from opsportal.operations.run import Cancelled, HandOver, Run
from opsportal.operations.store import Claim, Error, LeaseLost

log = logging.getLogger(__name__)

#: Set when this process is told to stop: running work is handed over.
stop_signal = threading.Event()

#: What is answered in place of a wait where nobody has to look again.
OVER = Wait(0.0)

_OPEN = (StepState.PENDING, StepState.RUNNING, StepState.WAITING, StepState.UNKNOWN, StepState.NEEDS_YOU)


def advance(
    operation_id: UUID,
    stopping: Callable[[], bool] = stop_signal.is_set,
    again: Callable[[UUID, float], None] | None = None,
    expect: Callable[[UUID, Until], None] | None = None,
) -> bool:
    """Work on a due operation until it waits or ends. False when another has it, or it is not due.

    ``again``: who is told to look once more, in how many seconds; the doorbell where nobody is named.
    ``expect``: who is told what it waits for on the platform, to wake it earlier; nobody has to.
    """
    ring = again or bell.ring
    held = store.claim(operation_id, f"{socket.gethostname()}/{os.getpid()}/{threading.get_ident()}")
    if held is None:
        return False
    try:
        steps, seen = list(held.operation.steps.all()), dict[str, Any]()
        while not stopping():
            wait = _one_step(held, steps, seen, stopping)
            if wait is not None:
                if wait is not OVER:
                    ring(operation_id, wait.seconds)
                    if wait.until is not None and expect is not None:
                        expect(operation_id, wait.until)
                return True
        store.release(held)
        bell.ring(operation_id)
    except LeaseLost:
        log.info("operation %s is another worker's now", operation_id)
    except HandOver:
        store.release(held)
        bell.ring(operation_id)
    return True


def _one_step(
    held: Claim, steps: list[Step], seen: dict[str, Any], stopping: Callable[[], bool]
) -> Wait | None:
    """Call the next step. Returns None to go on at once, or what to wait for; OVER when there is nothing left to do."""
    operation = held.operation
    kind = registry.kind(operation.kind)
    step = _next(operation, steps)
    if kind is None and step is not None and not step.tidy:
        gone = Fail("operation:kind-gone", {"kind": operation.kind})
        steps += _conclude(held, operation, None, step, gone)
        return None
    if step is None or kind is None:
        attempt = max((each.attempt for each in steps), default=1)
        store.finish(held, State(operation.outcome or State.SUCCEEDED), attempt=attempt)
        return OVER
    definition = kind.step(step.name)
    if definition is None:
        gone = Fail("operation:kind-gone", {"kind": step.title})
        steps += _conclude(held, operation, kind, step, gone)
        return None
    if _cancel_now(operation, step, definition):
        steps += _conclude(held, operation, kind, step, _cancelled(operation))
        return None
    store.begin_step(held, step)
    run = Run(operation, step, held, stopping, seen)
    return _record(run, kind, steps, _call(run, definition))


def _next(operation: Operation, steps: list[Step]) -> Step | None:
    """The first that is not over; after a failure or a cancel, of those that put things back."""
    tidying = bool(operation.outcome)
    return next((each for each in steps if each.tidy == tidying and each.state in _OPEN), None)


def _cancel_now(operation: Operation, step: Step, definition: StepDefinition) -> bool:
    if operation.cancel_requested_at is None or operation.outcome:
        return False
    unanswered = any(name.endswith("_intended_at") for name in step.memo)
    return not unanswered and (definition.interruptible or step.started_at is None)


def _cancelled(operation: Operation) -> Fail:
    return Fail("operation:cancelled", {"who": operation.cancel_requested_by or "a person"})


def _call(run: Run, definition: StepDefinition) -> Outcome:
    """Call the step and turn whatever it raises into an answer; people never get a traceback."""
    limit = definition.limit
    if run.elapsed > limit:
        return Fail("operation:step-too-long", {"step": run.step.title, "limit": f"{limit / 60:.0f} minutes"})
    try:
        with heart.keeping(run.held, seconds=limit + 60):
            outcome = definition.function(run)
    except (LeaseLost, HandOver):
        raise
    except Cancelled:
        return _cancelled(Operation.objects.only("cancel_requested_by").get(id=run.operation.id))
    except trouble.EXPECTED as error:
        return trouble.outcome_of(error, run)
    except Exception as error:
        log.exception("step %s of operation %s stumbled", run.step.name, run.operation.id)
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__} in {os.path.basename(where.filename)}:{where.lineno}"
        return Fail("operation:crashed", {"step": run.step.title, "what": what})
    trouble.over(run)
    return outcome


def _record(run: Run, kind: Kind, steps: list[Step], outcome: Outcome) -> Wait | None:
    held = run.held
    match outcome:
        case Wait():
            store.wait_step(held, run.step, outcome, run.brought())
            return outcome
        case Done(detail, skipped):
            state = StepState.SKIPPED if skipped else StepState.SUCCEEDED
            after = steps[steps.index(run.step) + 1 :]
            following = _next(held.operation, after)
            store.end_step(held, run.step, state, detail, brought=run.brought(), following=following)
            return None
    run.remember()
    match outcome:
        case Ask(question, who, choices):
            if "answer" in run.memo:
                raise RuntimeError("a step asked again although it was answered")
            run.memo["question"] = {"text": question, "who": who, "choices": list(choices)}
            store.ask(held, run.step)
            return OVER
        case Unknown(error_id, facts):
            store.hold_unknown(held, run.step, _error(error_id, facts))
            return OVER
        case Fail():
            steps += _conclude(held, held.operation, kind, run.step, outcome)
            return None


def _conclude(held: Claim, operation: Operation, kind: Kind | None, step: Step, fail: Fail) -> list[Step]:
    """The operation fails or is cancelled here; the steps that put things back come next, and are returned.

    A tidy step that fails does not stop the others: its words are added to the notes.
    """
    if step.tidy:
        error = _error(fail.error_id, fail.facts)
        store.note(held, f"{step.title}: {error['problem']} {error['remedy']}")
        store.end_step(held, step, StepState.FAILED, error["problem"])
        return []
    cancelled = fail.error_id == "operation:cancelled"
    last = operation.steps.order_by("-position").values_list("position", flat=True).first() or 0
    needed = [each for each in (kind.tidy if kind else ()) if not each.when or operation.facts.get(each.when)]
    tidy = [
        Step(operation=operation, position=last + index, name=each.name, title=each.title, tidy=True)
        for index, each in enumerate(needed, 1)
    ]
    state = StepState.CANCELLED if cancelled else StepState.FAILED
    outcome = State.CANCELLED if cancelled else State.FAILED
    store.conclude(held, step, state, outcome, tidy, _error(fail.error_id, fail.facts))
    return tidy


def _error(error_id: str, facts: dict[str, Any]) -> Error:
    said = words(error_id, facts)
    return Error(error_id=error_id, whose_move=said.whose_move, problem=said.problem, remedy=said.remedy)
