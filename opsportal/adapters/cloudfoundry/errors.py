"""What can go wrong with the platform, as a small tree.

``str()`` of every error is safe to show and to log: it holds the method, the path without its query, the
status, the platform's own title and detail, and its request id, and never a token, a body or a query.
"""

import re
from dataclasses import dataclass
from typing import TypedDict, Unpack

from opsportal.adapters.cloudfoundry.wire import Fields

_TOKENS = re.compile(r"(?i)\bbearer\s+\S+|\beyJ[\w-]+\.[\w-]+\.?[\w-]*")
_MOST = 1000


@dataclass(frozen=True)
class Problem:
    """One of the platform's ``errors`` (cf-api §10.6). Branch on ``title``: one code has two titles."""

    code: int | None
    title: str
    detail: str

    @classmethod
    def read(cls, fields: Fields) -> "Problem":
        """Read one as the API gives it; what is absent is empty, and an odd code is none."""
        code = fields.raw().get("code")
        known = code if isinstance(code, int) and not isinstance(code, bool) else None
        return cls(known, fields.maybe_text("title") or "", fields.maybe_text("detail") or "")


class Facts(TypedDict, total=False):
    """What an error knows about the call that failed."""

    status: int | None
    problems: tuple[Problem, ...]
    request_id: str | None
    method: str
    path: str
    maybe_done: bool


class CloudFoundryError(Exception):
    """Anything that keeps the platform from doing what was asked.

    ``maybe_done`` is True when a request that must not be repeated may have been carried out: look for what
    it would have made before asking again.
    """

    def __init__(self, detail: str, **facts: Unpack[Facts]) -> None:
        """Keep the facts; ``title`` and ``code`` are those of the first problem."""
        self.detail = presentable(detail)
        self.status = facts.get("status")
        self.problems = facts.get("problems", ())
        self.title = presentable(self.problems[0].title) if self.problems else ""
        self.code = self.problems[0].code if self.problems else None
        self.request_id = presentable(facts.get("request_id") or "") or None
        self.method = facts.get("method", "")
        self.path = facts.get("path", "").partition("?")[0]
        self.maybe_done = facts.get("maybe_done", False)
        super().__init__(self.detail)

    def __str__(self) -> str:
        """One line for people: what was asked, what came, and the id to give to the platform's support."""
        asked = f"{self.method} {self.path}".strip()
        came = " ".join(str(part) for part in (self.status, self.title) if part)
        said = ", ".join(part for part in (came, self.detail) if part)
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{asked}: {said}{request}" if asked else f"{said}{request}"


class NotFound(CloudFoundryError):
    """404 in the platform's own form: it is not there, or these credentials may not see it."""


class NotAuthorized(CloudFoundryError):
    """403: it can be seen, but these credentials may not do this to it."""


class Unauthenticated(CloudFoundryError):
    """The credentials are refused. Asking again at once only risks locking the account."""


class Unprocessable(CloudFoundryError):
    """400, 413 or 422: understood and refused; ``detail`` says why, ``title`` which kind."""


class Conflict(CloudFoundryError):
    """409: another operation runs on the same object; later it may work."""


class RateLimited(CloudFoundryError):
    """429 even after waiting as long as a call may. ``retry_after`` is in seconds, if the platform said."""

    def __init__(self, detail: str, *, retry_after: float | None = None, **facts: Unpack[Facts]) -> None:
        """Keep how long to wait beside the facts every error has."""
        super().__init__(detail, **facts)
        self.retry_after = retry_after


class Unavailable(CloudFoundryError):
    """No connection, no answer in time, or 5xx, after the repeats that are safe."""


class BadAnswer(CloudFoundryError):
    """An answer that is not the platform's: no JSON, a field missing or misshapen, a foreign link."""


def presentable(text: str) -> str:
    """Make a text from outside safe to show: one line, bounded, without tokens or control characters."""
    line = " ".join(_TOKENS.sub("[token]", text[: 4 * _MOST]).split())
    printable = "".join(one for one in line if one.isprintable())
    return printable if len(printable) <= _MOST else printable[: _MOST - 1] + "…"
