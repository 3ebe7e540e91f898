"""The cloud's own admin path: knobs, the ring of requests, passcodes; for whoever can read the admin token."""

from __future__ import annotations

import hmac
import ipaddress
from typing import Any

from . import tokens
from .errors import bad_query, invalid_token, not_authenticated, not_found, unprocessable
from .knobs import KnobError
from .signing import secret_file
from .web import Answer, ApiRequest, route


def _guard(request: ApiRequest) -> None:
    """Only from this machine, and only with the token in ``DATA_DIR/admin-token``."""
    header = request.raw.headers.get("Authorization", "")
    if not header:
        raise not_authenticated()
    scheme, _, given = header.partition(" ")
    wanted = secret_file(request.context.data_dir / "admin-token")
    local = ipaddress.ip_address(request.raw.remote_addr or "0.0.0.0").is_loopback  # noqa: S104
    good = hmac.compare_digest(given.strip().encode(), wanted.encode())
    if not (local and scheme.lower() == "bearer" and good):
        raise invalid_token()


@route("GET", "/localcloud/knobs", auth="none")
def show_knobs(request: ApiRequest) -> Answer:
    """Every knob."""
    _guard(request)
    return request.context.knobs.as_dict()


@route("PATCH", "/localcloud/knobs", auth="none")
def change_knobs(request: ApiRequest) -> Answer:
    """Set some knobs; 422 says which one is wrong, and then none is set."""
    _guard(request)
    try:
        request.context.knobs.change(request.json())
    except KnobError as error:
        raise unprocessable(str(error)) from error
    return request.context.knobs.as_dict()


@route("GET", "/localcloud/requests", auth="none")
def requests_seen(request: ApiRequest) -> Answer:
    """The requests numbered above ``since``: ``{"requests": [...], "last": number}``."""
    _guard(request)
    since = request.params.get("since", "0")
    if not since.isdecimal():
        raise bad_query("Since must be a number")
    found: list[dict[str, Any]] = request.context.requests.since(int(since))
    return {"requests": found, "last": found[-1]["number"] if found else int(since)}


@route("POST", "/localcloud/passcode", auth="none")
def passcode(request: ApiRequest) -> Answer:
    """A one-time passcode for ``{"username": …}``, as the sign-in page would show it."""
    _guard(request)
    user = request.context.store.first("user", username=str(request.json().get("username", "")))
    if user is None:
        raise not_found("User")
    return {"passcode": tokens.new_passcode(request.context, user)}, 201
