"""UAA's users, as far as ``cf create-user`` and ``cf delete-user`` and scripts need them (SCIM, much reduced)."""

from __future__ import annotations

import re
from typing import Any

from . import people, tokens
from .errors import ApiError
from .people import UaaError
from .store import Document
from .web import Answer, ApiRequest, Caller, route

_FILTER = re.compile(r'\s*(username|origin|id)\s+eq\s+"([^"]*)"\s*\Z', re.IGNORECASE)
_CLIENT_READERS = ("clients.read", "cloud_controller.admin")
_KEYS = {"username": "username", "origin": "origin", "id": "guid"}


def bearer(request: ApiRequest, *scopes: str) -> Caller:
    """The caller of one of UAA's own resources, with one of these scopes; its 401 or 403 otherwise."""
    try:
        caller = tokens.caller(request.context, request.raw.headers.get("Authorization", ""))
    except ApiError as error:
        raise UaaError(401, "invalid_token", "The token expired or is not valid") from error
    if caller is None:
        raise UaaError(401, "unauthorized", "Full authentication is required to access this resource")
    if not caller.scopes & set(scopes):
        raise UaaError(403, "insufficient_scope", "Insufficient scope for this resource")
    return caller


@route("GET", "/Users", auth="none")
def list_users(request: ApiRequest) -> Answer:
    """Users, by ``filter=userName eq "x"`` joined by ``and``."""
    bearer(request, "scim.read")
    wanted: dict[str, str] = {}
    for part in re.split(r"\s+and\s+", request.params.get("filter", ""), flags=re.IGNORECASE):
        if not part:
            continue
        found = _FILTER.match(part)
        if found is None:
            raise UaaError(400, "scim", "Invalid filter expression")
        wanted[_KEYS[found[1].lower()]] = found[2]
    users = [one for one in request.context.store.find("user", **wanted) if one["username"]]
    return {
        "resources": [present(one) for one in users],
        "startIndex": 1,
        "itemsPerPage": 100,
        "totalResults": len(users),
        "schemas": ["urn:scim:schemas:core:1.0"],
    }


@route("POST", "/Users", auth="none")
def create_user(request: ApiRequest) -> Answer:
    """A new user; 409 when the name is taken."""
    bearer(request, "scim.write")
    body = request.json()
    username, password = body.get("userName"), body.get("password")
    if not isinstance(username, str) or not username.strip():
        raise UaaError(400, "invalid_scim_resource", "A username must be provided.")
    if password is not None and not isinstance(password, str):
        raise UaaError(422, "invalid_password", "The password must be a text")
    user = people.create_user(request.context, username, password, origin=str(body.get("origin") or "uaa"))
    # The platform itself hears of the user by a POST /v3/users of its own.
    return present(request.context.store.update("user", user["guid"], registered=False)), 201


@route("GET", "/Users/<guid>", auth="none")
def show_user(request: ApiRequest, guid: str) -> Answer:
    """One user."""
    bearer(request, "scim.read")
    return present(_found(request, guid))


@route("DELETE", "/Users/<guid>", auth="none")
def delete_user(request: ApiRequest, guid: str) -> Answer:
    """Forget a user."""
    bearer(request, "scim.write")
    user = _found(request, guid)
    people.delete_user(request.context, guid)
    return present(user)


@route("GET", "/oauth/clients/<client_id>", auth="none")
def show_client(request: ApiRequest, client_id: str) -> Answer:
    """Whether there is such a client: the cf CLI asks before it gives one a role. A client may ask for itself."""
    caller = bearer(request, *_CLIENT_READERS, "cloud_controller.read")
    if caller.client_id != client_id and not caller.scopes & set(_CLIENT_READERS):
        raise UaaError(403, "insufficient_scope", "Insufficient scope for this resource")
    try:
        kept = people.known_client(request.context, client_id)
    except UaaError as error:
        raise UaaError(404, "not_found", f"No client with requested id: {client_id}") from error
    return {
        "client_id": client_id,
        "authorized_grant_types": kept["grants"],
        "redirect_uri": kept["redirect_uris"],
        "authorities": kept["authorities"],
    }


def _found(request: ApiRequest, guid: str) -> Document:
    user = request.context.store.get("user", guid)
    if user is None:
        raise UaaError(404, "scim_resource_not_found", f"User {guid} does not exist")
    return user


def present(user: Document) -> dict[str, Any]:
    """A user in SCIM's form."""
    return {
        "id": user["guid"],
        "meta": {"version": 0, "created": user["created_at"], "lastModified": user["updated_at"]},
        "userName": user["username"],
        "name": {"familyName": user["username"], "givenName": user["username"]},
        "emails": [{"value": user["username"], "primary": True}],
        "groups": [{"display": one, "type": "DIRECT"} for one in user.get("groups", ())],
        "active": True,
        "verified": True,
        "origin": user["origin"],
        "zoneId": "uaa",
        "schemas": ["urn:scim:schemas:core:1.0"],
    }
