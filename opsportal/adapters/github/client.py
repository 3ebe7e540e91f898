"""What every resource module stands on: one private ``_request``, with the token; lists by pages; remembered ETags."""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote, urlencode

from opsportal.adapters.github.answers import parsed, reading, refusal
from opsportal.adapters.github.calls import Answer, Bearer, Call
from opsportal.adapters.github.errors import BadAnswer, Unauthenticated
from opsportal.adapters.github.transport import Patience, RateLimit, RequestRecord, Transport
from opsportal.adapters.github.wire import Fields, parse_list
from opsportal.kit.http import DEFAULT_TIMEOUT, Timeout, origin, session

T = TypeVar("T")
Token = str | Callable[[], str]
API_VERSION = "2022-11-28"
PER_PAGE = 100
MOST_PAGES = 100
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}
_JSON = {"Content-Type": "application/json"}
_MOST_REMEMBERED = 200
_MOST_REMEMBERED_BYTES = 16 * 1024 * 1024


class Client:
    """One repository of a GitHub, as one token sees it; shared between threads, never across a fork."""

    def __init__(
        self,
        api_url: str,
        repository: str,
        token: Token,
        *,
        timeout: Timeout = DEFAULT_TIMEOUT,
        user_agent: str = "opsportal",
        pool_size: int = 16,
        patience: Patience | None = None,
        max_answer_bytes: int = 16 * 1024 * 1024,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take everything there is to know; nothing is asked of GitHub yet.

        ``api_url``: ``https://api.github.com``, or an Enterprise Server's ``https://HOST/api/v3``. ``repository``:
        ``owner/name``. ``token``: a text, or what gives one (asked anew when the last is refused). Raises ValueError
        for a bad address or name.
        """
        self._origin = origin(api_url)
        self.api_url = api_url.rstrip("/")
        self.repository = repository_name(repository)
        self._token = token
        self._transport = Transport(
            session(user_agent=user_agent, timeout=timeout, pool_size=pool_size),
            patience=patience or Patience(),
            max_answer_bytes=max_answer_bytes,
            sleep=sleep,
            now=now,
        )
        self._remembered = _Remembered()

    def __repr__(self) -> str:
        """Name the repository, not who asks for it."""
        return f"{type(self).__name__}({self.api_url!r}, {self.repository!r})"

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the newest answer said about the rate limit; None until one did."""
        return self._transport.rate_limit

    @property
    def recent_requests(self) -> tuple[RequestRecord, ...]:
        """The last hundred attempts, oldest first, with GitHub's request ids."""
        return tuple(self._transport.recent_requests)

    def _in_repository(self, *parts: str | int) -> str:
        """A path of the repository; slashes of a part (a branch's) stay, all else is escaped.

        Raises ValueError for a part that would lead out of it.
        """
        told = "/".join(quote(str(one), safe="/") for one in parts)
        if {".", ".."} & set(told.split("/")):
            raise ValueError("a name that leads elsewhere")
        return f"/repos/{self.repository}/{told}" if told else f"/repos/{self.repository}"

    def _get(self, path: str, read: Callable[[Fields], T], params: Mapping[str, str] | None = None) -> T:
        """Ask for one object."""
        return parsed(self._request("GET", path, params=params), read)

    def _send(
        self,
        method: str,
        path: str,
        payload: object,
        read: Callable[[Fields], T],
        *,
        repeatable: bool = False,
    ) -> T:
        """Make or change something; it is sent once unless it says the same twice."""
        return parsed(self._request(method, path, payload=payload, repeatable=repeatable), read)

    def _list(
        self,
        path: str,
        read: Callable[[Fields], T],
        params: Mapping[str, str] | None = None,
        *,
        key: str = "",
        enough: Callable[[T], bool] | None = None,
        most_pages: int = MOST_PAGES,
    ) -> list[T]:
        """Read a list page by page, each object (told apart by its ``id``) once, in GitHub's order.

        ``enough`` ends the walk after the first object that it says yes to (which is left out). Objects move between
        pages while they are read; the newest reading of one counts. ``key``: where the list stands in its object.
        """
        found: dict[object, T] = {}
        for answer in self._pages(path, {**(params or {}), "per_page": str(PER_PAGE)}, most_pages):
            with reading(answer):
                for fields in parse_list(answer.content, key):
                    one = read(fields)
                    if enough is not None and enough(one):
                        return list(found.values())
                    found[fields.whole("id")] = one
        return list(found.values())

    def _pages(self, path: str, params: Mapping[str, str], most: int) -> Iterator[Answer]:
        """Follow ``rel="next"`` to its end, or for ``most`` pages; a link elsewhere or a circle is refused."""
        asked: set[str] = set()
        following: str | None = f"{self.api_url}{path}?{urlencode(params)}"
        while following and len(asked) < most:
            if following in asked or not self._is_ours(following):
                raise BadAnswer("the pages of a list lead elsewhere", method="GET", path=path)
            asked.add(following)
            answer = self._request("GET", following)
            yield answer
            following = answer.link("next")

    def _is_ours(self, url: str) -> bool:
        """The token goes to the API alone."""
        try:
            return origin(url) == self._origin
        except ValueError:
            return False

    def _request(
        self,
        method: str,
        address: str,
        *,
        params: Mapping[str, str] | None = None,
        payload: object = None,
        repeatable: bool | None = None,
    ) -> Answer:
        """Send one authorised request and give its 2xx answer; everything else is an error of our tree.

        What a GET answered is remembered by its ETag: unchanged, it costs nothing of the rate limit.
        """
        content = json.dumps(payload).encode() if payload is not None else None
        url = self.api_url + address if address.startswith("/") else address
        if params:
            url = f"{url}?{urlencode(params)}"
        known = self._remembered.get(url) if method == "GET" else None
        headers = {**_HEADERS, **(_JSON if content else {})}
        if known is not None:
            headers["If-None-Match"] = known.headers["ETag"]
        call = Call(method, url, headers=headers, body=content, repeatable=repeatable)
        answer = self._authorised(call)
        if answer.status == 304 and known is not None:
            return replace(known, call=call)
        if not 200 <= answer.status < 300:
            raise refusal(answer, self._transport.now())
        if method == "GET":
            self._remembered.keep(url, answer)
        return answer

    def _authorised(self, call: Call) -> Answer:
        """Send with the token, and once more when a new one can be had: a 401 means that nothing was done."""
        token = self._current_token(call)
        answer = self._transport.send(call, Bearer(token))
        if answer.status == 401 and callable(self._token):
            newer = self._current_token(call)
            if newer != token:
                answer = self._transport.send(call, Bearer(newer))
        return answer

    def _current_token(self, call: Call) -> str:
        token = self._token() if callable(self._token) else self._token
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise Unauthenticated("there is no usable token", method=call.method, path=call.path)
        return token


class _Remembered:
    """The answers that have an ETag, the least used forgotten first; bounded by number and bytes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._bytes = 0

    def get(self, url: str) -> Answer | None:
        with self._lock:
            found = self._answers.get(url)
            if found is not None:
                self._answers.move_to_end(url)
            return found

    def keep(self, url: str, answer: Answer) -> None:
        with self._lock:
            before = self._answers.pop(url, None)
            self._bytes -= len(before.content) if before else 0
            if not answer.headers.get("ETag") or len(answer.content) > _MOST_REMEMBERED_BYTES // 8:
                return
            self._answers[url] = answer
            self._bytes += len(answer.content)
            while len(self._answers) > _MOST_REMEMBERED or self._bytes > _MOST_REMEMBERED_BYTES:
                _url, gone = self._answers.popitem(last=False)
                self._bytes -= len(gone.content)


def repository_name(text: str) -> str:
    """Check ``owner/name``; raises ValueError for what cannot be one."""
    owner, _, name = text.strip().strip("/").partition("/")
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    if not owner or not name or set(owner + name) - allowed or {owner, name} & {".", ".."}:
        raise ValueError("a repository is named owner/name")
    return f"{owner}/{name}"
