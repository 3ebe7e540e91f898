"""Making something on the platform exactly once, whatever is killed in between (architecture.md)."""

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from opsportal.operations.outcomes import Wait
from opsportal.operations.run import Run

#: Seconds given to the platform to show what a request that got no answer may have made.
SETTLING = 3.0


def once(run: Run, name: str, *, find: Callable[[], str | None], make: Callable[[], str]) -> str | Wait:
    """The guid of what this attempt made under ``name``, making it if need be.

    The intent is written before the request. After a crash or a lost answer the platform is asked (``find``, by
    label or by a name that is ours alone) until it has had time to settle; only then is it made again.
    """
    intention = f"{name}_intended_at"
    if name in run.memo:
        return str(run.memo[name])
    if intention in run.memo:
        found = find()
        if found is None and _since(run.memo[intention]) < SETTLING:
            return Wait(0.5, f"Asking the platform whether it made the {name} already", unknown=True)
    else:
        found = None
    if found is None:
        run.remember(**{intention: timezone.now().isoformat()})
        found = make()
    run.memo.pop(intention, None)
    run.remember(**{name: found})
    return found


def _since(moment: str) -> float:
    return (timezone.now() - datetime.fromisoformat(moment)).total_seconds()
