"""What can go wrong with GitHub, as a small tree.

``str()`` of every error is safe to show and to log: it holds the method, the path without its query, the status,
GitHub's own message and fields, and its request id, and never a token, a body or a query.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, Unpack

_TOKENS = re.compile(
    r"(?i)\b(?:bearer|token)\s+\S{8,}|\b(?:gh[a-z]_|github_pat_)\w+|\beyJ[\w-]+\.[\w-]+\.?[\w-]*"
)
_MOST = 1000


@dataclass(frozen=True)
class FieldError:
    """One of the ``errors`` of a 422: which field of which resource, GitHub's code for it, or words of its own."""

    resource: str
    field: str
    code: str
    message: str

    def __str__(self) -> str:
        """For people: GitHub's words where it gave some."""
        return self.message or " ".join(one for one in (self.resource, self.field, self.code) if one)


class Facts(TypedDict, total=False):
    """What an error knows about the call that failed."""

    status: int | None
    request_id: str | None
    method: str
    path: str
    maybe_done: bool


class GitHubError(Exception):
    """Anything that keeps GitHub from doing what was asked.

    ``maybe_done`` is True when a request that must not be repeated may have been carried out: look for what it would
    have made (by its marker, by its branch) before asking again.
    """

    def __init__(self, detail: str, **facts: Unpack[Facts]) -> None:
        """Keep the facts."""
        self.detail = presentable(detail)
        self.status = facts.get("status")
        self.request_id = presentable(facts.get("request_id") or "") or None
        self.method = facts.get("method", "")
        self.path = facts.get("path", "").partition("?")[0]
        self.maybe_done = facts.get("maybe_done", False)
        super().__init__(self.detail)

    def __str__(self) -> str:
        """One line for people: what was asked, what came, and the id to give to GitHub's support."""
        asked = f"{self.method} {self.path}".strip()
        said = ", ".join(str(part) for part in (self.status, self.detail) if part)
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{asked}: {said}{request}" if asked else f"{said}{request}"


class Unauthenticated(GitHubError):
    """401: the token is not, or no longer, accepted."""


class Forbidden(GitHubError):
    """403 that is no rate limit: the token may not do this."""


class NotFound(GitHubError):
    """404 or 410: it is not there, or this token may not see it."""


class NotMergeable(GitHubError):
    """405 for a merge: conflicts, a draft, a protected branch. ``detail`` is GitHub's reason."""


class Conflict(GitHubError):
    """409: it is not as the caller thought. For a merge: the head has moved; for two branches: they conflict."""


class Unprocessable(GitHubError):
    """400 or 422: understood and refused; ``fields`` say which field and why."""

    def __init__(self, detail: str, *, fields: tuple[FieldError, ...] = (), **facts: Unpack[Facts]) -> None:
        """Keep the fields beside the facts every error has."""
        words = "; ".join(str(one) for one in fields)
        super().__init__(f"{detail}: {words}" if words else detail, **facts)
        self.fields = fields


class RateLimited(GitHubError):
    """The primary or a secondary limit is reached. Nothing was done; nothing is sent before ``until`` (UTC)."""

    def __init__(self, detail: str, *, until: datetime, **facts: Unpack[Facts]) -> None:
        """Keep when to come back beside the facts every error has."""
        super().__init__(detail, **facts)
        self.until = until


class Unavailable(GitHubError):
    """No connection, no answer in time, or 5xx, after the repeats that are safe."""


class BadAnswer(GitHubError):
    """An answer that is not GitHub's: no JSON, a field missing or misshapen, a foreign link, a redirect."""


def presentable(text: str) -> str:
    """Make a text from outside safe to show: one line, bounded, without tokens or control characters."""
    line = " ".join(_TOKENS.sub("[token]", text[: 4 * _MOST]).split())
    printable = "".join(one for one in line if one.isprintable())
    return printable if len(printable) <= _MOST else printable[: _MOST - 1] + "…"
