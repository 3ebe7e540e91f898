"""What keeps GitHub from being read, in words for people: what, and what to do."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from opsportal.adapters import github as hub

_RIGHTS = "It needs to read and write contents, issues and pull requests of the repository."


@dataclass(frozen=True)
class Trouble:
    """``until``: GitHub asked not to be asked before."""

    problem: str
    remedy: str
    until: datetime | None = None


def trouble_of(error: hub.GitHubError) -> Trouble:
    """Sort an error: whose move it is."""
    where = settings.GITHUB_REPOSITORY
    if isinstance(error, hub.RateLimited):
        return Trouble(
            "GitHub asks to wait before it is asked again.", "Nothing: it is read again then.", error.until
        )
    if isinstance(error, hub.Unauthenticated):
        return Trouble("GitHub does not accept the portal's token.", "An admin renews GITHUB_TOKEN.")
    if isinstance(error, hub.Forbidden):
        return Trouble(
            f"GitHub does not allow it to the portal's token: {error}.",
            f"An admin gives it rights. {_RIGHTS}",
        )
    if isinstance(error, hub.NotFound):
        return Trouble(
            f"GitHub does not show {where} to the portal's token: {error}.",
            f"An admin checks GITHUB_REPOSITORY, and what the token may. {_RIGHTS}",
        )
    if isinstance(error, hub.Unavailable):
        return Trouble(
            f"GitHub does not answer: {error}.",
            "Nothing: the portal goes on trying. Tickets work without it.",
        )
    return Trouble(
        f"GitHub answered what the portal did not expect: {error}.",
        "The portal goes on trying. If it stays, an admin looks at the worker's log.",
    )
