"""One request, and the whole answer to it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from opsportal.adapters.github.errors import Facts

_SAFE = frozenset({"GET", "HEAD"})
_LINK = re.compile(r"<([^<>]*)>([^<]*)")


class Bearer(AuthBase):
    """Puts the token on a request; its repr keeps it to itself."""

    def __init__(self, token: str) -> None:
        """Take the token's text."""
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(frozen=True)
class Call:
    """One request. ``repeatable`` None means: by the method, GET is; a change that says the same twice says so."""

    method: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
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
        """GitHub's own id of the request."""
        return self.headers.get("X-GitHub-Request-Id")

    def number(self, header: str) -> int | None:
        """A whole number of a header; None when it is absent or another thing."""
        text = self.headers.get(header, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None

    def link(self, relation: str) -> str | None:
        """The address of a relation (``next``) in the ``Link`` header, RFC 8288 as GitHub writes it."""
        for address, attributes in _LINK.findall(self.headers.get("Link", "")[:16_384]):
            if f'rel="{relation}"' in attributes:
                return str(address)
        return None


def facts_of(answer: Answer) -> Facts:
    """Give what an error about this answer should know; a 2xx or 5xx means that it may have been done."""
    return {
        "status": answer.status,
        "request_id": answer.request_id,
        "method": answer.call.method,
        "path": answer.call.path,
        "maybe_done": not answer.call.may_repeat and not 300 <= answer.status < 500,
    }
