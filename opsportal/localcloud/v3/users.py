"""``/v3/users`` (platform API §3.6). Passwords are UAA's business: :mod:`..uaa_users`."""

from __future__ import annotations

from typing import Any

from .. import jobs, metadata, people
from ..context import Cloud
from ..errors import bad_query, not_found, unprocessable
from ..listing import Filter
from ..store import Document
from ..web import Answer, ApiRequest, Body, listing, require_admin, route, visible_organizations

FILTERS: dict[str, Filter] = {
    "usernames": "username",
    "partial_usernames": lambda one, wanted: any(
        text.lower() in (one["username"] or "").lower() for text in wanted
    ),
    "origins": "origin",
}


def present(request: ApiRequest, one: Document) -> dict[str, Any]:
    """A user as the API shows it."""
    return {
        "guid": one["guid"],
        "created_at": one["created_at"],
        "updated_at": one["updated_at"],
        "username": one["username"],
        "presentation_name": one["presentation_name"],
        "origin": one["origin"],
        "metadata": metadata.present(one["metadata"]),
        "links": {"self": request.href(f"/v3/users/{one['guid']}")},
    }


def seen_by(request: ApiRequest) -> list[Document]:
    """The users the caller may see: those who share an organization with them, and themselves."""
    store, seen = request.context.store, visible_organizations(request)
    if seen is None:
        return [one for one in store.find("user") if one.get("registered", True)]
    guids = {one["user_guid"] for one in store.find("role", organization_guid=set(seen))}
    return store.find("user", guid=guids | {request.caller.guid})


def _visible(request: ApiRequest, guid: str) -> Document:
    for one in seen_by(request):
        if one["guid"] == guid:
            return one
    raise not_found("User")


@route("GET", "/v3/users")
def index(request: ApiRequest) -> Answer:
    """Those the caller may see."""
    params = request.params
    if "usernames" in params and "partial_usernames" in params:
        raise bad_query("Usernames and partial_usernames cannot be used together")
    if "origins" in params and not {"usernames", "partial_usernames"} & set(params):
        raise bad_query("Origins filter cannot be provided without usernames or partial_usernames filter.")
    return listing(request, seen_by(request), present, filters=FILTERS)


@route("POST", "/v3/users")
def create(request: ApiRequest) -> Answer:
    """Make a user of UAA (or a client, by its id) known to the platform, or add one of another origin."""
    require_admin(request)
    body = Body(request.json(), "guid", "username", "origin", "metadata")
    guid, username, origin = body.string("guid"), body.string("username"), body.string("origin")
    if guid and (username or origin):
        body.problems.append("Username and origin can't be used together with guid")
    elif not guid and not (username and origin):
        body.problems.append("Either 'guid' or 'username' and 'origin' must be provided")
    elif origin == "uaa":
        body.problems.append("Origin cannot be 'uaa' when creating a user by username")
    body.check()
    made = _register(request.context, guid) if guid else _add(request.context, username, origin)
    kept = metadata.merged(made["metadata"], body.values)
    return present(request, request.context.store.update("user", made["guid"], metadata=kept)), 201


def _register(cloud: Cloud, guid: str) -> Document:
    """The user UAA knows under this guid, once; an unknown guid is a client's id."""
    with cloud.store.lock:
        known = cloud.store.get("user", guid)
        if known is None:
            return people.create_client_user(cloud, guid)
        if known.get("registered", True):
            raise unprocessable(f"User with guid '{guid}' already exists.")
        return cloud.store.update("user", guid, registered=True)


def _add(cloud: Cloud, username: str, origin: str) -> Document:
    try:
        return people.create_user(cloud, username, None, origin=origin)
    except people.UaaError as error:
        raise unprocessable(
            f"User with username '{username}' and origin '{origin}' already exists."
        ) from error


@route("GET", "/v3/users/<guid>")
def show(request: ApiRequest, guid: str) -> Answer:
    """One."""
    return present(request, _visible(request, guid))


@route("PATCH", "/v3/users/<guid>")
def update(request: ApiRequest, guid: str) -> Answer:
    """Metadata."""
    before = _visible(request, guid)
    require_admin(request)
    body = Body(request.json(), "metadata")
    body.check()
    kept = metadata.merged(before["metadata"], body.values)
    return present(request, request.context.store.update("user", guid, metadata=kept))


@route("DELETE", "/v3/users/<guid>")
def delete(request: ApiRequest, guid: str) -> Answer:
    """With all roles, by a job."""
    _visible(request, guid)
    require_admin(request)
    job = jobs.start(request.context, "user.delete", {"guid": guid}, {"user": f"/v3/users/{guid}"})
    return jobs.answered(request, job)


def _delete(cloud: Cloud, data: dict[str, Any]) -> None:
    """Forget the user's roles. One who can sign in stays UAA's, until deleted there too, as ``cf delete-user`` does."""
    user = cloud.store.get("user", data["guid"])
    if user is None:
        return
    for role in cloud.store.find("role", user_guid=data["guid"]):
        cloud.store.delete("role", role["guid"])
    if user["password_hash"]:
        cloud.store.update("user", data["guid"], registered=False)
    else:
        cloud.store.delete("user", data["guid"])


jobs.register("user.delete", _delete)
