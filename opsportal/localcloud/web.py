"""How an endpoint is written: ``@route`` a function that takes an :class:`ApiRequest` and returns its answer.

An answer is a dict (200), ``(body, status)``, ``(body, status, headers)`` with a dict, None (empty) or text
as body, or a werkzeug ``Response``. Refusals are raised: :mod:`.errors`. What most endpoints need is
importable from here: listings (:mod:`.listing`), rights (:mod:`.rights`) and body checks (:mod:`.bodies`).
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import pkgutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from .errors import bad_request, parse_error, unknown_parameters, unknown_request

if TYPE_CHECKING:
    from .context import Cloud

Answer = Response | dict[str, Any] | tuple[Any, ...]
Handler = Callable[..., Answer]
MAX_JSON_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Caller:
    """Who a token speaks for.

    ``guid`` is the user's, or the client's id; ``name`` the user name or client id.
    """

    guid: str
    name: str
    origin: str
    scopes: frozenset[str]
    client_id: str
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_admin(self) -> bool:
        """May do everything."""
        return "cloud_controller.admin" in self.scopes

    @property
    def reads_secrets(self) -> bool:
        """May read every credential: admins, and read-only admins."""
        return bool(self.scopes & {"cloud_controller.admin", "cloud_controller.admin_read_only"})

    @property
    def sees_everything(self) -> bool:
        """May read everything (secrets are another matter)."""
        return self.is_admin or bool(
            self.scopes & {"cloud_controller.admin_read_only", "cloud_controller.global_auditor"}
        )


class ApiRequest:
    """One request to the API.

    ``raw`` is werkzeug's request, ``context`` the cloud, ``args`` the parts of the path, ``id`` what
    ``X-VCAP-Request-ID`` says. ``user`` is None where no (good) token was sent and the endpoint allows that.
    """

    def __init__(self, raw: Request, context: Cloud, args: dict[str, str]) -> None:
        self.raw = raw
        self.context = context
        self.args = args
        self.user: Caller | None = None
        self.id = raw.headers.get("X-Vcap-Request-Id") or str(uuid.uuid4())

    @property
    def caller(self) -> Caller:
        """Who asks, on endpoints that need a token."""
        if self.user is None:
            raise RuntimeError("This endpoint was not declared to need a token.")
        return self.user

    @cached_property
    def base_url(self) -> str:
        """``http://host:port`` as the client called us; links are made with it."""
        return f"{self.raw.scheme}://{self.raw.host}"

    @cached_property
    def params(self) -> dict[str, str]:
        """The query parameters; of one given twice the last counts."""
        return {key: values[-1] for key, values in self.raw.args.lists()}

    def allow_params(self, *names: str) -> None:
        """400 for any query parameter but these."""
        unknown = [name for name in self.params if name not in names]
        if unknown:
            raise unknown_parameters(unknown, names)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object, ``{}`` when it is empty; 400 when it is anything else."""
        if (self.raw.content_length or 0) > MAX_JSON_BYTES:
            raise bad_request("The request body is too large")
        data = self.raw.get_data(cache=True)
        if not data.strip():
            return {}
        try:
            body = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise parse_error() from error
        if not isinstance(body, dict):
            raise parse_error()
        return body

    def href(self, path: str) -> dict[str, str]:
        """A link object: ``{"href": absolute}``."""
        return {"href": self.base_url + path}


@dataclass(frozen=True)
class Endpoint:
    """A registered handler. ``auth`` is "cloud" (needs a token), "optional" or "none"."""

    method: str
    path: str
    handler: Handler
    auth: str


ENDPOINTS: list[Endpoint] = []


def route(method: str, path: str, *, auth: str = "cloud") -> Callable[[Handler], Handler]:
    """Have a function answer ``method path``; parts of the path like ``<guid>`` become its keyword arguments.

    ``auth="cloud"``: 401 without a good token. ``"optional"``: ``request.user`` is None without one.
    ``"none"``: tokens are not looked at.
    """

    def keep(handler: Handler) -> Handler:
        ENDPOINTS.append(Endpoint(method, path, handler, auth))
        return handler

    return keep


def load_routes() -> None:
    """Import every module that declares endpoints: all of ``v3``, and the few beside it."""
    from . import v3  # noqa: PLC0415 - those modules import this one

    package = __package__ or "opsportal.localcloud"
    for module in pkgutil.iter_modules(v3.__path__):
        importlib.import_module(f"{package}.v3.{module.name}")
    for name in ("uaa", "admin", "log_cache", "slack", "github.routes"):
        if importlib.util.find_spec(f"{package}.{name}") is not None:
            importlib.import_module(f"{package}.{name}")


class Router:
    """Finds the endpoint for a request."""

    def __init__(self) -> None:
        rules = [
            Rule(one.path, endpoint=one, methods=[one.method], strict_slashes=False, merge_slashes=False)
            for one in ENDPOINTS
        ]
        self._map = Map(rules, strict_slashes=False, merge_slashes=False, redirect_defaults=False)

    def match(self, raw: Request) -> tuple[Endpoint, dict[str, str]]:
        """The endpoint and the parts of its path; the platform's 404 when there is none."""
        try:
            endpoint, args = self._map.bind_to_environ(raw.environ).match()
        except HTTPException as error:
            raise unknown_request() from error
        return endpoint, {key: str(value) for key, value in args.items()}


def to_response(answer: Answer) -> Response:
    """What a handler returned, as a response."""
    if isinstance(answer, Response):
        return answer
    body, status, headers = (*answer, {})[:3] if isinstance(answer, tuple) else (answer, 200, {})
    if body is None:
        response = Response(status=status, headers=headers)
        response.headers.remove("Content-Type")
        return response
    if isinstance(body, dict | list):
        return json_response(body, status, headers)
    return Response(body, status=status, headers={"Content-Type": "text/plain; charset=utf-8"} | headers)


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response with the platform's content type."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return Response(text, status=status, headers=kind | dict(headers or {}))


from .bodies import Body, known_fields  # noqa: E402 - one import for those who write endpoints
from .listing import listing, pick  # noqa: E402
from .rights import (  # noqa: E402
    can_see_space,
    has_space_role,
    require_admin,
    require_space_role,
    visible_organizations,
    visible_spaces,
)

__all__ = [
    "Answer",
    "ApiRequest",
    "Body",
    "Caller",
    "can_see_space",
    "has_space_role",
    "json_response",
    "known_fields",
    "listing",
    "load_routes",
    "pick",
    "require_admin",
    "require_space_role",
    "route",
    "to_response",
    "visible_organizations",
    "visible_spaces",
]
