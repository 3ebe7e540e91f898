"""Making something on the platform exactly once, whatever is killed in between (architecture.md)."""

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from opsportal.adapters.cloudfoundry import Unprocessable
from opsportal.operations.outcomes import Wait
from opsportal.operations.run import Run

#: Seconds given to the platform to show what a request that got no answer may have made. A twin that comes even
#: later does no harm where this is used: see docs/decisions/0010-lost-answers.md.
SETTLING = 3.0
#: For what must not happen twice and cannot be told apart before it has: as long as a request may take at all.
SETTLING_WHAT_RUNS = 30.0


def once(
    run: Run,
    name: str,
    *,
    find: Callable[[], str | None],
    make: Callable[[], str],
    settling: float = SETTLING,
) -> str | Wait:
    """The guid of what this attempt made under ``name``, making it if need be.

    The intent is written before the request. After a crash or a lost answer the platform is asked (``find``, by
    label or by a name that is ours alone) until it has had ``settling`` seconds; only then is it made again. The guid
    is kept when the step answers or remembers: until then the intent stands, and it would be found.
    """
    intention = f"{name}_intended_at"
    if name in run.memo:
        return str(run.memo[name])
    again = intention in run.memo
    found = find() if again else None
    if again and found is None and _since(run.memo[intention]) < settling:
        return Wait(0.5, f"Asking the platform whether it made the {name} already", unknown=True)
    if found is None:
        if again:
            run.memo[f"{name}_again"] = True
        run.remember(**{intention: timezone.now().isoformat()})
        found = _made(find, make) if again else make()
    run.memo.pop(intention, None)
    run.memo[name] = found
    return found


def _made(find: Callable[[], str | None], make: Callable[[], str]) -> str:
    """Make it once more. The first request may come through just now, and be why the second one is refused."""
    try:
        return make()
    except Unprocessable:
        found = find()
        if found is None:
            raise
        return found


def _since(moment: str) -> float:
    return (timezone.now() - datetime.fromisoformat(moment)).total_seconds()
