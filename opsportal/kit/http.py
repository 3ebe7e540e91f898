"""HTTP with the habits every outside call needs.

A session from here has a timeout on every call, never follows a redirect by itself (a token must not travel
along), keeps no cookies, reads no ``.netrc``, and reaches ``*.localhost`` names on 127.0.0.1 as RFC 6761
says, which not every operating system does. Bodies are read with a bound on size and on time.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from opsportal.kit.http_failures import describe_failure

Timeout = tuple[float, float]
"""Seconds to connect, and seconds without a byte while reading."""

DEFAULT_TIMEOUT: Timeout = (3.05, 30.0)
LOOPBACK = "127.0.0.1"
MOVED = frozenset({301, 302, 303, 307, 308})
_CHUNK = 64 * 1024
_HOSTS_REMEMBERED = 500
_DEFAULT_PORTS = {"http": 80, "https": 443}


class AnswerTooLarge(Exception):
    """The body is larger than the caller accepts."""


class AnswerTooSlow(Exception):
    """The body kept dripping past the time the caller gives it."""


class NoAuth(AuthBase):
    """Sends no credentials, and by being there keeps requests from looking for a ``.netrc``."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request as it is."""
        return request


class PatientAdapter(HTTPAdapter):
    """Gives every call a timeout and connects ``*.localhost`` to 127.0.0.1, keeping the Host header."""

    def __init__(self, *, timeout: Timeout = DEFAULT_TIMEOUT, **kwargs: Any) -> None:
        """Take the timeout for calls that name none; the rest is HTTPAdapter's."""
        self._timeout = timeout
        super().__init__(**kwargs)

    def send(  # type: ignore[override]
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | Timeout | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send once; loopback names never go through a proxy."""
        parts = urlsplit(str(request.url))
        if is_loopback(parts.hostname or ""):
            proxies = {}
        if is_localhost_name(parts.hostname or ""):
            request = request.copy()
            request.headers.setdefault("Host", parts.netloc.rpartition("@")[2])
        return super().send(request, stream, timeout or self._timeout, verify, cert, proxies)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: Any = None
    ) -> tuple[Any, Any]:
        """Swap the address, not the name: certificates and Host still speak of the name asked for."""
        host: Any
        pool: Any
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        name = str(host.get("host") or "")
        if is_localhost_name(name):
            host["host"] = LOOPBACK
            if host.get("scheme") == "https":
                pool |= {"server_hostname": name, "assert_hostname": name}
        return host, pool


class Session(requests.Session):
    """A requests session that leaves redirects to its caller, and their bodies unread.

    The environment's proxies and certificates are read once for each host, not anew for each call.
    """

    def __init__(self) -> None:
        """Begin without having read any variable."""
        super().__init__()
        self._environment: dict[tuple[object, ...], Any] = {}

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """What goes along with a call: the environment's proxies and certificates, as first read for its host."""
        if proxies:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        parts = urlsplit(str(url))
        # The adapter sends nothing on this machine through a proxy, so its hosts are all the same here.
        place = "" if is_loopback(parts.hostname or "") else f"{parts.scheme}://{parts.netloc}"
        key = (place, stream, verify, cert)
        known = self._environment.get(key)
        if known is None:
            if len(self._environment) >= _HOSTS_REMEMBERED:
                self._environment.clear()
            known = super().merge_environment_settings(url, proxies, stream, verify, cert)
            self._environment[key] = known
        return known

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Make a request ready. What all of ours are (no cookies, forms or files) takes a fraction of the usual time."""
        plain = request.data is None or isinstance(request.data, bytes) or request.data == []
        if not plain or request.files or request.json is not None or request.cookies or self.params:
            return super().prepare_request(request)
        made = requests.PreparedRequest()
        made.prepare_method(request.method.upper() if request.method else None)
        made.prepare_url(str(request.url), request.params)
        headers = {
            name: value for name, value in {**self.headers, **request.headers}.items() if value is not None
        }
        made.prepare_headers(headers)
        made.prepare_body(request.data or None, None)
        made.prepare_auth(request.auth or self.auth or NoAuth(), str(made.url))
        made.prepare_hooks(request.hooks)
        return made

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Say that nothing redirects: requests would read a redirect's whole body to follow it."""
        return None


def session(
    *,
    user_agent: str,
    timeout: Timeout = DEFAULT_TIMEOUT,
    pool_size: int = 10,
    retries: int = 0,
    verify: bool | str = True,
) -> Session:
    """Make a session whose calls time out. ``retries`` repeats GET and HEAD only."""
    made = Session()
    policy = Retry(
        total=retries,
        read=retries or False,
        backoff_factor=0.3,
        backoff_jitter=0.3,
        status_forcelist=(429, 502, 503, 504) if retries else (),
        allowed_methods=frozenset({"GET", "HEAD"}),
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    adapter = PatientAdapter(
        timeout=timeout, pool_connections=pool_size, pool_maxsize=pool_size, max_retries=policy
    )
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    made.headers["User-Agent"] = user_agent
    made.auth = NoAuth()
    made.verify = verify
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return made


def is_localhost_name(host: str) -> bool:
    """Tell whether RFC 6761 puts this name on the loopback: ``localhost`` and all names under it."""
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


def is_loopback(host: str) -> bool:
    """Tell whether a call to this host cannot leave the machine."""
    return is_localhost_name(host) or host in {LOOPBACK, "::1"}


def origin(url: str) -> tuple[str, str, int]:
    """Give scheme, host and port of a URL: what must be equal for two URLs to be the same place.

    Raises ValueError for anything but an absolute http or https URL, and for the spellings on which URL
    parsers disagree (backslashes, blanks, a user before the host), since then a check here would not hold
    there.
    """
    if "\\" in url or " " in url or not url.isprintable():  # no other blank is printable
        raise ValueError("not an address")
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError("not an absolute http or https URL")
    return parts.scheme, parts.hostname.lower().rstrip("."), parts.port or _DEFAULT_PORTS[parts.scheme]


def read_body(
    response: requests.Response,
    *,
    max_bytes: int,
    deadline: float,
    clock: Callable[[], float] = time.monotonic,
) -> bytes:
    """Read a streamed answer of at most ``max_bytes`` (after decompression), done by ``deadline`` on
    ``clock``.

    Raises AnswerTooLarge, AnswerTooSlow, or what requests and urllib3 raise for a broken connection.
    """
    collected = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        collected += chunk
        if len(collected) > max_bytes:
            raise AnswerTooLarge(f"more than {max_bytes} bytes")
        if clock() > deadline:
            raise AnswerTooSlow("the answer took too long to arrive")
    return bytes(collected)


@dataclass(frozen=True)
class Fetched:
    """What came of asking an application for one of its pages; never an exception.

    ``status`` is None when nothing answered. ``data`` is the parsed JSON, or None when the body was none;
    ``text`` the body's first 2,000 characters. ``problem`` says in words why there is no usable answer, else
    "".
    """

    url: str
    status: int | None = None
    data: object = None
    text: str = ""
    problem: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the answer was complete and its status 2xx (the body need not be JSON)."""
        return not self.problem and self.status is not None and 200 <= self.status < 300


def fetch_json(
    url: str,
    timeout: float | Timeout = (3.05, 5.0),
    max_bytes: int = 256 * 1024,
    *,
    user_agent: str = "opsportal",
    max_redirects: int = 3,
) -> Fetched:
    """Ask an application's small page (``/health``, ``/version``) without credentials and without trust.

    Follows redirects on the same host only, and never from https down to http. The size is bounded, and so is
    the whole time: each hop gets twice what ``timeout`` allows between two bytes. Never raises for what the
    other side does; the words are in ``problem``.
    """
    patience: Timeout = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    started = time.monotonic()
    found = _follow(_fetcher(user_agent), url, patience, max_bytes, max_redirects)
    return replace(found, seconds=time.monotonic() - started)


@lru_cache(maxsize=8)
def _fetcher(user_agent: str) -> Session:
    """The session of all fetches. An application may restart at any moment, so no connection to one is kept."""
    made = session(user_agent=user_agent)
    made.headers["Connection"] = "close"
    return made


def _follow(http: Session, url: str, patience: Timeout, max_bytes: int, hops: int) -> Fetched:
    """Fetch, going along with redirects that stay on the host."""
    for _ in range(hops + 1):
        found, target = _fetch_once(http, url, patience, max_bytes)
        if not target:
            return found
        if not _same_place(url, target):
            return Fetched(url, found.status, problem="redirects to another host, which was not followed")
        url = target
    return Fetched(url, found.status, problem="redirects again and again")


def _same_place(url: str, target: str) -> bool:
    """Tell whether a redirect stays on the host: the same origin, or the same host from http up to https."""
    try:
        here, there = origin(url), origin(target)
    except ValueError:
        return False
    upgraded = here[0] == "http" and there[0] == "https" and here[1] == there[1]
    return here == there or upgraded


def _fetch_once(http: Session, url: str, patience: Timeout, max_bytes: int) -> tuple[Fetched, str]:
    """Make one GET; gives what came, and the redirect's target or an empty text."""
    try:
        origin(url)
        headers = {"Accept": "application/json"}
        with http.get(url, headers=headers, stream=True, timeout=patience) as response:
            status = response.status_code
            if status in MOVED and response.headers.get("Location"):
                return Fetched(url, status), urljoin(url, response.headers["Location"])
            deadline = time.monotonic() + 2 * sum(patience)
            body = read_body(response, max_bytes=max_bytes, deadline=deadline)
    except (
        AnswerTooLarge,
        AnswerTooSlow,
        requests.RequestException,
        HTTPError,
        OSError,
        ValueError,
    ) as problem:
        return Fetched(url, problem=describe_failure(problem)), ""
    text = body.decode("utf-8", "replace")
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    return Fetched(url, status, data, text[:2000]), ""
