"""How long to wait before looking again: facts gathered here, decided by a pure rule."""

import time
from collections.abc import Callable
from statistics import median

from opsportal.operations.models import HOLDING, Operation, Step, StepState
from opsportal.operations.outcomes import Until, Wait
from opsportal.operations.rules import pace
from opsportal.operations.run import Run

#: Earlier runs that "usual" is the median of; how many operations are many; how much longer is longer than usual.
EARLIER_RUNS, MANY, LONGER = 15, 20, 1.2
#: Seconds between looks at what somebody is told about when it ends: should it not be told, and for the progress.
TOLD = 10.0

_known: dict[str, tuple[float, float]] = {}


def usual_seconds(kind: str, step: str) -> float | None:
    """Median of the last runs of a step, in seconds; None before there are any."""

    def measured() -> float:
        runs = Step.objects.filter(name=step, state=StepState.SUCCEEDED, operation__kind=kind)
        moments = runs.order_by("-ended_at").values_list("started_at", "ended_at")[:EARLIER_RUNS]
        taken = [(ended - started).total_seconds() for started, ended in moments if started and ended]
        return median(taken) if taken else 0.0

    return _remembered(f"usual:{kind}:{step}", 30.0, measured) or None


def look_again_in(run: Run) -> float:
    """Seconds until the next look at what this step waits for."""
    return pace(run.elapsed, usual_seconds(run.operation.kind, run.step.name), int(_under_way()))


def wait(run: Run, detail: str, progress: float | None = None, *, until: Until | None = None) -> Wait:
    """Look again in a while; among many, where the platform is asked about all of them at once, when it has ended."""
    seconds = look_again_in(run)
    if until is None or _under_way() < MANY:
        return Wait(seconds, detail, progress)
    return Wait(max(seconds, TOLD), detail, progress, until=until)


def may_look_closely(run: Run) -> bool:
    """Whether to ask for more than the end: among many only where it takes longer than usual."""
    usual = usual_seconds(run.operation.kind, run.step.name)
    return _under_way() < MANY or usual is None or run.elapsed > usual * LONGER


def _under_way() -> float:
    return _remembered("under-way", 2.0, lambda: float(Operation.objects.filter(state__in=HOLDING).count()))


def _remembered(key: str, seconds: float, read: Callable[[], float]) -> float:
    """A figure, read anew by this process at most every so many seconds."""
    known = _known.get(key)
    if known is None or time.monotonic() - known[0] > seconds:
        known = _known[key] = (time.monotonic(), read())
    return known[1]


def fraction_of_usual(run: Run) -> float | None:
    """An estimate of progress from earlier runs, below 1 until it has ended; None when nothing is known."""
    usual = usual_seconds(run.operation.kind, run.step.name)
    return min(run.elapsed / usual, 0.97) if usual else None
