"""How an endpoint of the API is written: :func:`endpoint` sees to the token, the limits, ETags and errors.

The limits are told in ``X-RateLimit-*`` on every answer; an answer that has not changed (304) costs nothing.
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from werkzeug.wrappers import Response

from ..errors import ApiError
from ..people import digest
from ..store import timestamp
from ..web import Answer, ApiRequest, Caller, json_response, route, to_response
from . import world
from .errors import GitHubError, forbidden, invalid, not_found, too_many
from .git import Git, GitFailed

if TYPE_CHECKING:
    from ..context import Cloud
    from ..store import Document

PREFIX = "/github/api/v3"
VERSIONS = frozenset({"2022-11-28"})
PER_PAGE, MOST_PER_PAGE = 30, 100
_READING = frozenset({"GET", "HEAD"})
Handler = Callable[..., Answer]


class Asked:
    """One request to the API: who asks, about which repository."""

    def __init__(self, request: ApiRequest, user: Document, repository: Document | None) -> None:
        self.request = request
        self.cloud: Cloud = request.context
        self.user = user
        self._repository = repository

    @property
    def repository(self) -> Document:
        """The repository of the path."""
        if self._repository is None:
            raise not_found()
        return self._repository

    @property
    def git(self) -> Git:
        """Its Git."""
        return world.git_of(self.repository)

    @property
    def login(self) -> str:
        """Who asks."""
        return str(self.user["login"])

    @property
    def may_write(self) -> bool:
        """Whether the token may change the repository."""
        return world.access(self.user, self.repository) == "write"

    def json(self) -> dict[str, Any]:
        """The body as an object; 400 in GitHub's words when it is none."""
        try:
            return self.request.json()
        except ApiError as error:
            raise GitHubError(400, "Problems parsing JSON") from error

    def param(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.request.params.get(name, default)

    @property
    def since(self) -> str:
        """The query parameter ``since`` in the form that documents have; empty without one."""
        given = self.param("since")
        try:
            return timestamp(datetime.fromisoformat(given)) if given else ""
        except ValueError as error:
            raise invalid("Issue", "since") from error

    def choice(self, resource: str, name: str, known: tuple[str, ...]) -> str:
        """A query parameter that is one of the known words, the first of them by default; else 422."""
        value = self.param(name, known[0])
        if value not in known:
            raise invalid(resource, name)
        return value

    def page(self, found: list[Any], show: Callable[[Any], Any]) -> Answer:
        """One page of a list, with the ``Link`` header to the others."""
        size = min(max(_number(self.param("per_page"), PER_PAGE), 1), MOST_PER_PAGE)
        page = max(_number(self.param("page"), 1), 1)
        last = max(1, -(-len(found) // size))
        links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        told = {name for name in links if (page > 1 if name in {"prev", "first"} else page < last)}
        header = ", ".join(f'<{self._at(links[name], size)}>; rel="{name}"' for name in links if name in told)
        shown = [show(one) for one in found[(page - 1) * size : page * size]]
        return shown, 200, {"Link": header} if header else {}

    def _at(self, page: int, size: int) -> str:
        query = {**self.request.params, "per_page": str(size), "page": str(page)}
        return f"{self.request.base_url}{self.request.raw.path}?{urlencode(query)}"


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else default


def endpoint(method: str, path: str, *, writes: bool = False) -> Callable[[Handler], Handler]:
    """Have a function answer ``method path`` of the API; ``writes``: the token must be one that may write."""

    def keep(handler: Handler) -> Handler:
        @route(method, PREFIX + path, auth="none")
        @wraps(handler)
        def answer(request: ApiRequest, **args: str) -> Answer:
            return _serve(request, handler, writes, args)

        return handler

    return keep


def _serve(request: ApiRequest, handler: Handler, writes: bool, args: dict[str, str]) -> Response:
    headers = {
        "X-GitHub-Request-Id": uuid.uuid4().hex.upper()[:24],
        "X-GitHub-Media-Type": "github.v3; format=json",
    }
    user: Document | None = None
    try:
        user = _user(request)
        request.user = Caller(user["guid"], user["login"], "github", frozenset(), "github")
        _check_version(request)
        limits.check(request.context, user, request.raw.method)
        response = to_response(handler(_asked(request, user, writes, args), **args))
    except GitHubError as error:
        response = json_response(error.body(), error.status, error.headers)
    except GitFailed as error:
        response = json_response(GitHubError(500, f"Git failed: {error}").body(), 500)
    response = _conditional(request, response)
    if user is not None:
        free = request.raw.path.endswith("/rate_limit")
        for name, value in limits.spend(request.context, user, response.status_code, free=free).items():
            response.headers.setdefault(name, value)
    response.headers.extend(headers)
    return response


def _user(request: ApiRequest) -> Document:
    header = request.raw.headers.get("Authorization", "")
    if not header:
        raise GitHubError(401, "Requires authentication")
    scheme, _, token = header.partition(" ")
    found = request.context.store.first("github_user", token_guid=digest(token.strip()))
    if scheme.lower() not in {"bearer", "token"} or not token.strip() or found is None:
        raise GitHubError(401, "Bad credentials")
    return found


def _check_version(request: ApiRequest) -> None:
    wanted = request.raw.headers.get("X-GitHub-Api-Version", "")
    if wanted and wanted not in VERSIONS:
        raise GitHubError(400, f"Unsupported API version: {wanted[:40]}")


def _asked(request: ApiRequest, user: Document, writes: bool, args: dict[str, str]) -> Asked:
    repository = None
    if "owner" in args:
        repository = world.repository(request.context, f"{args.pop('owner')}/{args.pop('repo')}")
        if repository is None or world.access(user, repository) == "none":
            raise not_found()
    asked = Asked(request, user, repository)
    if writes and not asked.may_write:
        raise forbidden()
    return asked


def _conditional(request: ApiRequest, response: Response) -> Response:
    """Name what a GET answered by its ETag; 304 when the client has just that."""
    if request.raw.method not in _READING or response.status_code != 200:
        return response
    content = response.get_data() + response.headers.get("Link", "").encode()
    tag = f'W/"{hashlib.sha256(content).hexdigest()}"'
    known = {one.strip() for one in request.raw.headers.get("If-None-Match", "").split(",")}
    if tag in known:
        response = Response(status=304)
        response.headers.remove("Content-Type")
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
    response.headers["Vary"] = "Accept, Authorization, Cookie, X-GitHub-OTP"
    return response


class Limits:
    """Requests counted for each user in fixed windows (knob ``github_rate_limit``), and the secondary limit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[tuple[str, int], int] = {}

    def check(self, cloud: Cloud, user: Document, method: str) -> None:
        """403 when there were too many requests, or when the secondary limit holds and this one writes."""
        if cloud.knobs.github_secondary_seconds and method not in _READING:
            wait = str(max(1, int(cloud.knobs.github_secondary_seconds)))
            raise too_many(
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
                {"Retry-After": wait},
            )
        limit, used, reset = self._state(cloud, user)
        if limit and used >= limit:
            raise too_many(f"API rate limit exceeded for user ID {user['id']}.", _headers(limit, used, reset))

    def spend(self, cloud: Cloud, user: Document, status: int, *, free: bool) -> dict[str, str]:
        """Count an answer and give its headers; 304 is free, and so is asking for the limit itself."""
        limit, used, reset = self._state(cloud, user)
        if not free and status != 304 and used < limit:
            used += 1
            with self._lock:
                self._used = {key: value for key, value in self._used.items() if key[1] >= reset}
                self._used[user["guid"], reset] = used
        return _headers(limit, used, reset) if limit else {}

    def _state(self, cloud: Cloud, user: Document) -> tuple[int, int, int]:
        knob = cloud.knobs.github_rate_limit
        reset = (int(cloud.now().timestamp() // knob.window) + 1) * knob.window
        return knob.limit, self._used.get((user["guid"], reset), 0), reset

    def shown(self, cloud: Cloud, user: Document) -> dict[str, int]:
        """The numbers as ``/rate_limit`` has them."""
        limit, used, reset = self._state(cloud, user)
        return {"limit": limit, "used": used, "remaining": max(0, limit - used), "reset": reset}


def _headers(limit: int, used: int, reset: int) -> dict[str, str]:
    numbers = {"Limit": limit, "Remaining": max(0, limit - used), "Used": used, "Reset": reset}
    return {f"X-RateLimit-{name}": str(number) for name, number in numbers.items()} | {
        "X-RateLimit-Resource": "core"
    }


limits = Limits()


def _nothing_here(request: ApiRequest, **_: str) -> Answer:
    """404 in GitHub's form for what is not an endpoint."""
    return json_response(not_found().body(), 404)


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    route(_method, f"{PREFIX}/<path:rest>", auth="none")(_nothing_here)


def text_of(body: dict[str, Any], resource: str, field: str, *, needed: bool = False) -> str | None:
    """A text of a body; 422 when it is another thing, or missing where it is needed."""
    value = body.get(field)
    if value is None or (needed and value == ""):
        if needed:
            raise invalid(resource, field, "missing_field")
        return None
    if not isinstance(value, str) or len(value) > 65536:
        raise invalid(resource, field)
    return value


def texts_of(body: dict[str, Any], resource: str, field: str) -> list[str] | None:
    """A list of texts of a body (labels may be objects with a name); None when it is absent; else 422."""
    value = body.get(field)
    if value is None:
        return None
    named = (
        [one.get("name") if isinstance(one, dict) else one for one in value]
        if isinstance(value, list)
        else [0]
    )
    if not all(isinstance(one, str) and one for one in named):
        raise invalid(resource, field)
    return [str(one) for one in named]
