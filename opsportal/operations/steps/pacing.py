"""How long to wait before looking again: facts gathered here, decided by a pure rule."""

from statistics import median

from django.core.cache import cache

from opsportal.operations.models import HOLDING, Operation, Step, StepState
from opsportal.operations.rules import pace
from opsportal.operations.run import Run


def usual_seconds(kind: str, step: str) -> float | None:
    """Median of the last runs of a step, in seconds; None before there are any."""
    key = f"usual:{kind}:{step}"
    known = cache.get(key)
    if known is None:
        runs = Step.objects.filter(name=step, state=StepState.SUCCEEDED, operation__kind=kind).order_by(
            "-ended_at"
        )
        taken = [
            (ended - started).total_seconds()
            for started, ended in runs.values_list("started_at", "ended_at")[:15]
            if started and ended
        ]
        known = median(taken) if taken else 0.0
        cache.set(key, known, timeout=30)
    return known or None


def look_again_in(run: Run) -> float:
    """Seconds until the next look at what this step waits for."""
    under_way = cache.get("operations-under-way")
    if under_way is None:
        under_way = Operation.objects.filter(state__in=HOLDING).count()
        cache.set("operations-under-way", under_way, timeout=2)
    return pace(run.elapsed, usual_seconds(run.operation.kind, run.step.name), under_way)


def fraction_of_usual(run: Run) -> float | None:
    """An estimate of progress from earlier runs, below 1 until it has ended; None when nothing is known."""
    usual = usual_seconds(run.operation.kind, run.step.name)
    return min(run.elapsed / usual, 0.97) if usual else None
