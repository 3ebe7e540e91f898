"""One request, and the whole answer to it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from opsportal.adapters.cloudfoundry.errors import Facts
from opsportal.kit.http import NoAuth, Timeout

_SAFE = frozenset({"GET", "HEAD", "PUT"})


class BodyUnreadable(Exception):
    """The file that should be sent cannot be read, or is no longer as long as it was."""


class Stream(Protocol):
    """A body that is sent as it is read, of a length known beforehand."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...
    def read(self, size: int = -1, /) -> bytes: ...


Body = Stream | bytes | None


@dataclass(frozen=True)
class Call:
    """One request. ``body`` makes the body anew for each attempt and is closed after it.

    ``repeatable`` None means: by the method, GET, HEAD and PUT are (cf-api §10.6); a PATCH that says the same
    twice and a question asked by POST say so themselves.
    """

    method: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], AbstractContextManager[Body]] = nullcontext
    auth: AuthBase = field(default_factory=NoAuth, repr=False)
    timeout: Timeout | None = None
    repeatable: bool | None = None

    @property
    def may_repeat(self) -> bool:
        """Whether sending it twice does the same as sending it once."""
        return self.method in _SAFE if self.repeatable is None else self.repeatable

    @property
    def path(self) -> str:
        """The path alone: what may be logged and shown."""
        return urlsplit(self.url).path or "/"


@dataclass(frozen=True)
class Answer:
    """A whole answer of any status, read within bounds."""

    call: Call
    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    @property
    def request_id(self) -> str | None:
        """The platform's own id of the request (``X-VCAP-Request-ID``)."""
        return self.headers.get("X-VCAP-Request-ID")

    @property
    def retry_after(self) -> float | None:
        """Seconds from ``Retry-After``; None when absent, a date, negative or not finite."""
        try:
            seconds = float(self.headers.get("Retry-After", ""))
        except ValueError:
            return None
        return seconds if 0 <= seconds < 86_400 else None


class Bearer(AuthBase):
    """Puts the token on a request; its repr keeps it to itself."""

    def __init__(self, token: str) -> None:
        """Take the token's text."""
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = f"bearer {self._token}"
        return request


def basic(username: str, password: str) -> AuthBase:
    """Make client credentials for UAA's token endpoint."""
    return HTTPBasicAuth(username, password)


def facts_of(answer: Answer) -> Facts:
    """Give what an error about this answer should know; a 2xx or 5xx means that it may have been done."""
    maybe_done = not answer.call.may_repeat and not 300 <= answer.status < 500
    return {
        "status": answer.status,
        "request_id": answer.request_id,
        "method": answer.call.method,
        "path": answer.call.path,
        "maybe_done": maybe_done,
    }
