"""What every resource module stands on: one private ``_request``, with the token, and reading by pages."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from opsportal.adapters.cloudfoundry.answers import parsed, reading, refusal
from opsportal.adapters.cloudfoundry.calls import Answer, Bearer, Body, Call
from opsportal.adapters.cloudfoundry.errors import BadAnswer, Unavailable
from opsportal.adapters.cloudfoundry.retry import RetryPolicy
from opsportal.adapters.cloudfoundry.roots import Roots
from opsportal.adapters.cloudfoundry.transport import RateLimit, RequestRecord, Transport
from opsportal.adapters.cloudfoundry.uaa import Credentials, Tokens
from opsportal.adapters.cloudfoundry.wire import Fields, Page
from opsportal.kit.http import DEFAULT_TIMEOUT, Timeout, origin, session

T = TypeVar("T")
_PER_PAGE = 500
_MOST_PAGES = 400
_ACCEPT = {"Accept": "application/json"}
_JSON = {"Content-Type": "application/json"}


class Client:
    """A platform's API as one set of credentials sees it; shared between threads, never across a fork."""

    def __init__(
        self,
        api_url: str,
        *,
        username: str = "",
        password: str = "",
        client_id: str = "cf",
        client_secret: str = "",
        timeout: Timeout = DEFAULT_TIMEOUT,
        upload_timeout: Timeout = (30.0, 300.0),
        user_agent: str = "opsportal",
        pool_size: int = 32,
        verify: bool | str = True,
        retry: RetryPolicy | None = None,
        max_answer_bytes: int = 32 * 1024 * 1024,
        on_warning: Callable[[str], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take everything there is to know; nothing is asked of the platform yet.

        Without ``username`` the client's own credentials are used. ``on_warning`` gets each text that the
        platform puts into ``X-Cf-Warnings``, on the thread that asked. Raises ValueError for a bad
        ``api_url``.
        """
        self._origin = origin(api_url)
        self.api_url = api_url.rstrip("/")
        self._upload_timeout = upload_timeout
        self._transport = Transport(
            session(user_agent=user_agent, timeout=timeout, pool_size=pool_size, verify=verify),
            retry=retry or RetryPolicy(),
            max_answer_bytes=max_answer_bytes,
            sleep=sleep,
            clock=clock,
            on_warning=on_warning,
        )
        credentials = Credentials(username, password, client_id, client_secret)
        self._tokens = Tokens(credentials, self._transport, self._token_url, clock)
        self._known_roots: Roots | None = None
        self._roots_lock = threading.Lock()

    def __repr__(self) -> str:
        """Name the platform, not who asks it."""
        return f"{type(self).__name__}({self.api_url!r})"

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the newest answer said about the rate limit; None until one did."""
        return self._transport.rate_limit

    @property
    def recent_requests(self) -> tuple[RequestRecord, ...]:
        """The last hundred attempts, oldest first, with the platform's request ids."""
        return tuple(self._transport.recent_requests)

    @property
    def on_warning(self) -> Callable[[str], None] | None:
        """Who is told the platform's warnings."""
        return self._transport.on_warning

    @on_warning.setter
    def on_warning(self, listener: Callable[[str], None] | None) -> None:
        self._transport.on_warning = listener

    def _get(self, address: str, read: Callable[[Fields], T], params: Mapping[str, str] | None = None) -> T:
        """Ask for one object."""
        return parsed(self._request("GET", address, params=params), read)

    def _post(self, address: str, payload: object, read: Callable[[Fields], T]) -> T:
        """Make something; may never be sent twice."""
        return parsed(self._request("POST", address, payload=payload), read)

    def _patch(self, address: str, payload: object, read: Callable[[Fields], T]) -> T:
        """Merge values into an object; saying the same twice does nothing more, so it may be repeated."""
        return parsed(self._request("PATCH", address, payload=payload, repeatable=True), read)

    def _list(
        self,
        address: str,
        read: Callable[[Fields], T],
        params: Mapping[str, str] | None = None,
        limit: int | None = None,
        key: str = "guid",
    ) -> list[T]:
        """Read all pages of a list, each object (told apart by ``key``) once, or the first ``limit``."""
        found: dict[str, T] = {}
        size = min(limit or _PER_PAGE, _PER_PAGE)
        for page, answer in self._pages(address, {**(params or {}), "per_page": str(size)}):
            with reading(answer):
                for one in page.resources:
                    found.setdefault(one.guid(key), read(one))
            if limit and len(found) >= limit:
                break
        return list(found.values())[:limit]

    def _pages(self, address: str, params: Mapping[str, str]) -> Iterator[tuple[Page, Answer]]:
        """Follow ``pagination.next`` to its end (cf-api §10.1); a link elsewhere or a circle is refused."""
        asked: set[str] = set()
        following: str | None = address
        while following:
            if following in asked or len(asked) >= _MOST_PAGES:
                raise BadAnswer("the pages of a list do not come to an end", method="GET", path=address)
            asked.add(following)
            answer = self._request("GET", following, params=params)
            page = parsed(answer, Page.read)
            yield page, answer
            following, params = page.next, {}

    def _request(
        self,
        method: str,
        address: str,
        *,
        params: Mapping[str, str] | None = None,
        payload: object = None,
        headers: Mapping[str, str] | None = None,
        body: Callable[[], AbstractContextManager[Body]] | None = None,
        timeout: Timeout | None = None,
        repeatable: bool | None = None,
        foreign_404: bool = True,
    ) -> Answer:
        """Send one authorised request and give its 2xx answer; everything else is an error of our tree.

        ``payload`` becomes a JSON body; ``body`` makes any other one, anew for each attempt. A token that the
        platform no longer takes is replaced once: a 401 means that nothing was done.
        """
        content = json.dumps(payload).encode() if payload is not None else None
        call = Call(
            method,
            self._absolute(address),
            params=params or {},
            headers={**_ACCEPT, **(_JSON if content else {}), **(headers or {})},
            body=body or (lambda: nullcontext(content)),
            timeout=timeout,
            repeatable=repeatable,
        )
        try:
            answer = self._authorised(call)
        except Unavailable:
            # The platform may come back elsewhere: its root says where.
            self._known_roots = None
            raise
        if not 200 <= answer.status < 300:
            raise refusal(answer, foreign_404=foreign_404)
        return answer

    def _authorised(self, call: Call) -> Answer:
        """Send with the token, and once more with a new one when this one is refused."""
        if not self._is_trusted(call.url):
            raise BadAnswer("a link to another host was not followed", method=call.method, path=call.path)
        token = self._tokens.current()
        answer = self._transport.send(replace(call, auth=Bearer(token)))
        if answer.status == 401:
            token = self._tokens.replace(token)
            answer = self._transport.send(replace(call, auth=Bearer(token)))
        return answer

    def _absolute(self, address: str) -> str:
        """Complete a path of ours; a link from the platform is absolute already."""
        url = self.api_url + address if address.startswith("/") else address
        try:
            origin(url)
        except ValueError:
            raise BadAnswer("a link that is not an address", method="GET", path="") from None
        return url

    def _followed(self, url: str, target: str) -> str:
        """Where a download's redirect leads, complete; BadAnswer for no address or a less private one."""
        there = urljoin(url, target)
        try:
            private = origin(url)[0] != "https" or origin(there)[0] == "https"
        except ValueError:
            private = False
        if not private:
            raise BadAnswer("a redirect that leads nowhere safe", method="GET", path=urlsplit(url).path)
        return there

    def _is_trusted(self, url: str) -> bool:
        """Tell whether a URL leads to a place that the API's root names."""
        try:
            return origin(url) in self._roots().trusted
        except ValueError:
            return False

    def _token_url(self) -> str:
        """Where tokens are asked for (cf-api §2.2)."""
        return self._roots().login.rstrip("/") + "/oauth/token"

    def _roots(self) -> Roots:
        """Read the API's root once; again after the platform was away."""
        known = self._known_roots
        if known:
            return known
        with self._roots_lock:
            if self._known_roots is None:
                self._known_roots = self._read_roots()
            return self._known_roots

    def _read_roots(self) -> Roots:
        """Ask the root, without a token (cf-api §1.1)."""
        answer = self._transport.send(Call("GET", self.api_url + "/", headers=_ACCEPT))
        if answer.status != 200:
            raise refusal(answer)
        return parsed(answer, lambda fields: Roots.read(fields, self.api_url))
