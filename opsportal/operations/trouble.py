"""What an exception of the outside means for a step: wait and look again, or fail with words.

Waiting is right because every step may be run again: it first looks for what it made before.
"""

from datetime import datetime
from typing import Any

from django.utils import timezone

from opsportal.adapters import cloudfoundry as cf
from opsportal.adapters import git
from opsportal.operations.outcomes import Fail, Outcome, Wait
from opsportal.operations.run import Run
from opsportal.operations.source import SourceError

#: Seconds the platform may be away or talk nonsense before a step gives up.
PATIENCE = 180.0
NONSENSE = 20.0

EXPECTED = (cf.CloudFoundryError, git.GitError, SourceError)


def outcome_of(error: Exception, run: Run) -> Outcome:
    """Sort an error of an adapter: by whose move it is."""
    if isinstance(error, SourceError):
        return Fail("source:unusable", {"what": error.problem, "remedy": error.remedy})
    if isinstance(error, git.RefNotFound):
        return Fail("source:ref-gone", {"ref": run.params.get("ref", "such commit")})
    if isinstance(error, git.UnsafeTree):
        return Fail("source:unusable", {"what": error.problem, "remedy": error.remedy})
    if isinstance(error, git.GitError):
        if error.transient:
            return _again(run, error, PATIENCE, "source:repository")
        return Fail("source:repository", {"what": error.problem, "remedy": error.remedy})
    if isinstance(error, cf.RateLimited | cf.Unavailable):
        return _again(run, error, PATIENCE, "platform:unavailable")
    if isinstance(error, cf.BadAnswer):
        return _again(run, error, NONSENSE, "platform:bad-answer")
    if isinstance(error, cf.Unauthenticated):
        return Fail("platform:credentials")
    if isinstance(error, cf.NotAuthorized):
        return Fail(
            "platform:refused", {"what": error, "remedy": "The portal's account needs SpaceDeveloper there."}
        )
    return Fail(
        "platform:refused", {"what": error, "remedy": "Read the reason, mend it, and retry from this step."}
    )


def over(run: Run) -> None:
    """The outside has answered: forget earlier trouble."""
    run.memo.pop("trouble_since", None)
    run.memo.pop("trouble_times", None)


def _again(run: Run, error: Exception, patience: float, error_id: str) -> Outcome:
    now = timezone.now()
    since = datetime.fromisoformat(run.memo.setdefault("trouble_since", now.isoformat()))
    times = run.memo["trouble_times"] = int(run.memo.get("trouble_times", 0)) + 1
    if (now - since).total_seconds() > patience:
        over(run)
        facts: dict[str, Any] = {
            "what": error,
            "request_id": getattr(error, "request_id", "") or "none",
            "remedy": "Wait until it answers again, then retry from this step.",
        }
        return Fail(error_id, facts)
    wait = min(0.5 * 2 ** min(times, 5), 10.0)
    return Wait(wait, f"Trying again in {wait:.0f} s: {error}")
