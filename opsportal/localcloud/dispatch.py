"""The API as one WSGI application: hosts, faults, tokens, rate limits, errors, and the ring of answered requests."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from . import tokens
from .errors import (
    ApiError,
    bad_request,
    insufficient_scope,
    not_authenticated,
    rate_limited,
    unknown_error,
)
from .web import ApiRequest, Caller, Endpoint, Router, json_response, load_routes, to_response

if TYPE_CHECKING:
    from .context import Cloud
    from .knobs import Fault

log = logging.getLogger(__name__)
API_HOSTS = frozenset(
    {
        "",
        "127.0.0.1",
        "localhost",
        "[::1]",
        "api.localhost",
        "uaa.localhost",
        "login.localhost",
        "log-cache.localhost",
    }
)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class ConnectionDropped(Exception):
    """The connection is to be closed without (further) answer."""


def is_api_host(host: str) -> bool:
    """Whether a ``Host`` header names the API; all others are the applications'."""
    name = host if host.endswith("]") else host.rsplit(":", 1)[0] if ":" in host else host
    return name.lower() in API_HOSTS


class Application:
    """WSGI: the API for its own hosts, the runtime's router for all others."""

    def __init__(self, cloud: Cloud) -> None:
        load_routes()
        self._cloud = cloud
        self._router = Router()
        self._limits = _Limits(cloud)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request; :class:`ConnectionDropped` when a fault says so."""
        if not is_api_host(environ.get("HTTP_HOST", "")):
            answer: Iterable[bytes] = self._cloud.runtime.router(environ, start_response)
            return answer
        if environ["PATH_INFO"].startswith("//"):  # a client whose target was given with a slash at its end
            environ["PATH_INFO"] = "/" + environ["PATH_INFO"].lstrip("/")
        raw = Request(environ)
        started = time.perf_counter()
        path = raw.full_path.rstrip("?")
        fault = None if path.startswith("/localcloud/") else self._cloud.knobs.fault_for(raw.method, path)
        request = ApiRequest(raw, self._cloud, {})
        request.id = f"{request.id}::{uuid.uuid4()}"
        response = self._faulty(fault) or self._respond(request)
        dropped = fault is not None and (fault.drop or fault.drop_after or fault.hang > 0)
        self._note(request, path, started, response, dropped)
        if dropped:
            raise ConnectionDropped
        response.headers["X-VCAP-Request-ID"] = request.id
        return response(environ, start_response)

    def _faulty(self, fault: Fault | None) -> Response | None:
        """What a fault answers in place of the work; None when the work is to be done."""
        if fault is None:
            return None
        self._cloud.stopping.wait(fault.delay + fault.hang)
        if fault.drop or fault.hang:
            return Response(status=0)
        if fault.status is None:
            return None
        return Response(
            fault.body, status=fault.status, headers={"Content-Type": fault.content_type, **fault.headers}
        )

    def _note(
        self, request: ApiRequest, path: str, started: float, response: Response, dropped: bool
    ) -> None:
        if path.startswith("/localcloud/"):
            return
        user = request.user.name if request.user else ""
        elapsed = (time.perf_counter() - started) * 1000
        self._cloud.requests.add(request.raw.method, path, response.status_code, user, elapsed, dropped)

    def _respond(self, request: ApiRequest) -> Response:
        limits: dict[str, str] = {}
        try:
            endpoint, request.args = self._router.match(request.raw)
            try:
                self._authenticate(request, endpoint)
            finally:
                limits = self._limits.count(request)
            response = to_response(endpoint.handler(request, **request.args))
        except ApiError as error:
            response = error_response(error)
        except HTTPException as error:
            response = error_response(bad_request(error.description or "The request could not be read"))
        except Exception:
            if not self._cloud.stopping.is_set():
                log.exception("%s %s failed", request.raw.method, request.raw.path)
            response = error_response(unknown_error())
        for name, value in limits.items():
            response.headers.setdefault(name, value)
        return response

    def _authenticate(self, request: ApiRequest, endpoint: Endpoint) -> None:
        if endpoint.auth == "none":
            return
        try:
            request.user = tokens.caller(self._cloud, request.raw.headers.get("Authorization", ""))
        except ApiError:
            if endpoint.auth != "optional":
                raise
        if endpoint.auth != "cloud":
            return
        if request.user is None:
            raise not_authenticated()
        check_scope(request.user, request.raw.method)


def check_scope(caller: Caller, method: str) -> None:
    """403 unless the token was made for reading, or for writing where the method writes (platform API §2.3)."""
    if caller.is_admin:
        return
    needed = {"cloud_controller.read"} if method in _READING else {"cloud_controller.write"}
    if method in _READING:
        needed |= {"cloud_controller.admin_read_only", "cloud_controller.global_auditor"}
    if not caller.scopes & needed:
        raise insufficient_scope()


def error_response(error: ApiError) -> Response:
    """An error as the platform writes it: ``{"errors": [...]}``, or what the error itself says it is."""
    response = json_response(error.body(), error.status, error.headers)
    response.headers["Content-Type"] = error.content_type
    return response


class _Limits:
    """Requests counted per user (or address) in fixed windows, as the knob ``rate_limit`` says (§10.5)."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._window = 0

    def count(self, request: ApiRequest) -> dict[str, str]:
        """Count a request and return its headers; the platform's 429 when there were too many."""
        knob = self._cloud.knobs.rate_limit
        if not knob.limit or not request.raw.path.startswith("/v3/"):
            return {}
        who = request.user.guid if request.user else f"address {request.raw.remote_addr}"
        now = self._cloud.now().timestamp()
        window = int(now // knob.window)
        with self._lock:
            if window != self._window:
                self._counts, self._window = {}, window
            self._counts[who] = used = self._counts.get(who, 0) + 1
        reset = (window + 1) * knob.window
        headers = _headers(knob.limit, used, reset)
        if used > knob.limit:
            error = rate_limited(anonymous=request.user is None)
            error.headers = headers | {"Retry-After": str(max(1, int(reset - now)))}
            raise error
        return headers


def _headers(limit: int, used: int, reset: int) -> dict[str, str]:
    step = max(1, limit // 10)
    remaining = max(0, limit - used) // step * step
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(reset),
    }
