"""``/v3/roles`` (platform API §3.3)."""

from __future__ import annotations

from typing import Any

from .. import jobs, people, spaces
from ..bodies import one_guid
from ..context import actor
from ..errors import ApiError, feature_disabled, not_authorized, not_found, unprocessable
from ..follow import follow
from ..listing import with_included
from ..rights import ORGANIZATION_ROLES, SPACE_ROLES, has_space_role, roles_in
from ..store import Document
from ..web import (
    Answer,
    ApiRequest,
    Body,
    can_see_space,
    listing,
    pick,
    route,
    visible_organizations,
    visible_spaces,
)
from . import organizations, users
from . import spaces as space_endpoints

TYPES = tuple(sorted(ORGANIZATION_ROLES | SPACE_ROLES))
FILTERS = {
    "types": "type",
    "organization_guids": "organization_guid",
    "space_guids": "space_guid",
    "user_guids": "user_guid",
}
INCLUDE = {
    "user": follow("user", "user_guid", "users", users.present),
    "space": follow("space", "space_guid", "spaces", space_endpoints.present),
    "organization": follow("organization", "organization_guid", "organizations", organizations.present),
}


def present(request: ApiRequest, one: Document) -> dict[str, Any]:
    """A role as the API shows it."""
    relationships: dict[str, Any] = {}
    links = {"self": request.href(f"/v3/roles/{one['guid']}")}
    for name in ("user", "organization", "space"):
        guid = one[f"{name}_guid"]
        relationships[name] = {"data": {"guid": guid} if guid else None}
        if guid:
            links[name] = request.href(f"/v3/{name}s/{guid}")
    return {
        "guid": one["guid"],
        "created_at": one["created_at"],
        "updated_at": one["updated_at"],
        "type": one["type"],
        "relationships": relationships,
        "links": links,
    }


@route("GET", "/v3/roles")
def index(request: ApiRequest) -> Answer:
    """Those in organizations and spaces the caller may see, and their own."""
    docs = pick(request, "role", FILTERS)
    within, among = visible_spaces(request), visible_organizations(request)
    if within is not None and among is not None:
        docs = [
            one
            for one in docs
            if one["space_guid"] in within
            or one["organization_guid"] in among
            or one["user_guid"] == request.caller.guid
        ]
    return listing(request, docs, present, filters=FILTERS, labels=False, include=INCLUDE)


@route("POST", "/v3/roles")
def create(request: ApiRequest) -> Answer:
    """Give a user, named by guid or by name, a role."""
    body = Body(request.json(), "type", "relationships")
    type_ = body.choice("type", TYPES)
    body.relationships_known("user", "organization", "space")
    in_space = type_ in SPACE_ROLES
    guid = body.relationship("space" if in_space else "organization") if type_ else ""
    given = body.values.get("relationships")
    given = given if isinstance(given, dict) else {}
    if type_ and ("organization" if in_space else "space") in given:
        body.problems.append("Role cannot be associated with both an organization and a space")
    data = given.get("user", {}).get("data") if isinstance(given.get("user"), dict) else None
    if not isinstance(data, dict) or not _names_a_user(data):
        data = {}
        body.problems.append("Relationships User must have a guid, or a username with an optional origin")
    body.check()
    place = _place(request, "space" if in_space else "organization", guid)
    _require_giver(request, type_, place)
    user = _user(request, data)
    made = spaces.create_role(request.context, type_, user, actor(request.user), place=place)
    return present(request, made), 201


def _names_a_user(data: Any) -> bool:
    if one_guid({"data": data}):
        return True
    return (
        isinstance(data, dict)
        and bool(data.get("username"))
        and set(data) <= {"username", "origin"}
        and all(isinstance(value, str) for value in data.values())
    )


def _place(request: ApiRequest, kind: str, guid: str) -> Document:
    found = request.context.store.get(kind, guid)
    if kind == "space":
        seen = found is not None and can_see_space(request, guid)
    else:
        among = visible_organizations(request)
        seen = found is not None and (among is None or guid in among)
    if found is None or not seen:
        raise unprocessable(f"Invalid {kind}. Ensure that the {kind} exists and you have access to it.")
    return found


def _require_giver(request: ApiRequest, type_: str, place: Document) -> None:
    """Admins and managers of the organization; in a space its managers too."""
    if type_ in SPACE_ROLES:
        allowed = has_space_role(request, place["guid"], "organization_manager", "space_manager")
    else:
        held = roles_in(request.context, request.caller, place["guid"], None)
        allowed = request.caller.is_admin or "organization_manager" in held
    if not allowed:
        raise not_authorized()


def _user(request: ApiRequest, data: dict[str, str]) -> Document:
    store = request.context.store
    if "guid" in data:
        user = store.get("user", data["guid"])
        if user is None and store.get("uaa_client", data["guid"]) is not None:
            # the real platform knows a client from its first request on; nothing is written down here until now
            user = people.create_client_user(request.context, data["guid"])
        if user is None:
            raise unprocessable("Invalid user. Ensure that the user exists and you have access to it.")
        return user
    flag = store.get("feature_flag", "set_roles_by_username") or {}
    if not flag.get("enabled") and not request.caller.is_admin:
        raise feature_disabled("set_roles_by_username")
    return _user_by_name(request, data["username"], data.get("origin"))


def _user_by_name(request: ApiRequest, name: str, origin: str | None) -> Document:
    wanted = {"username": name} | ({"origin": origin} if origin else {})
    found = request.context.store.find("user", **wanted)
    if not found:
        of = f" and origin '{origin}'" if origin else ""
        raise unprocessable(f"No user exists with the username '{name}'{of}.")
    if len(found) > 1:
        origins = ", ".join(sorted(one["origin"] for one in found))
        raise unprocessable(
            f"Ambiguous user. User with username '{name}' exists in the following origins: {origins}. "
            "Specify an origin to disambiguate."
        )
    if not found[0].get("registered", True):
        request.context.store.update("user", found[0]["guid"], registered=True)
    return found[0]


def _visible(request: ApiRequest, guid: str) -> Document:
    found = request.context.store.get("role", guid)
    if found is None:
        raise not_found("Role")
    if found["user_guid"] != request.caller.guid:
        kind = "space" if found["space_guid"] else "organization"
        try:
            _place(request, kind, found[f"{kind}_guid"])
        except ApiError as error:
            raise not_found("Role") from error
    return found


@route("GET", "/v3/roles/<guid>")
def show(request: ApiRequest, guid: str) -> Answer:
    """One."""
    found = _visible(request, guid)
    return with_included(request, found, present(request, found), INCLUDE)


@route("DELETE", "/v3/roles/<guid>")
def delete(request: ApiRequest, guid: str) -> Answer:
    """Take a role away, by a job."""
    role = _visible(request, guid)
    kind = "space" if role["space_guid"] else "organization"
    _require_giver(request, role["type"], _place(request, kind, role[f"{kind}_guid"]))
    spaces.check_role_deletable(request.context, role)
    data = {"guid": guid, "who": actor(request.user)}
    job = jobs.start(request.context, "role.delete", data, {"role": f"/v3/roles/{guid}"})
    return jobs.answered(request, job)
