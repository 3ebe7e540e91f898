"""``/v3/spaces`` but for manifests and routes (platform API §3.2)."""

from __future__ import annotations

from typing import Any

from .. import jobs, metadata, spaces
from ..context import actor, audit
from ..errors import not_found, unprocessable
from ..follow import follow
from ..listing import with_included
from ..rights import require_organization_role, require_space_role, require_visible_space
from ..store import Document
from ..usage import usage_summary
from ..web import Answer, ApiRequest, Body, listing, pick, route, visible_organizations, visible_spaces
from . import organizations, security_groups, users

FILTERS = {"names": "name", "organization_guids": "organization_guid"}
INCLUDE = {
    "organization": follow("organization", "organization_guid", "organizations", organizations.present),
}


def present(request: ApiRequest, one: Document) -> dict[str, Any]:
    """A space as the API shows it."""
    path = f"/v3/spaces/{one['guid']}"
    organization, quota = one["organization_guid"], one["quota_guid"]
    links = {
        "self": request.href(path),
        "features": request.href(f"{path}/features"),
        "organization": request.href(f"/v3/organizations/{organization}"),
        "apply_manifest": {**request.href(f"{path}/actions/apply_manifest"), "method": "POST"},
    }
    return {
        "guid": one["guid"],
        "created_at": one["created_at"],
        "updated_at": one["updated_at"],
        "name": one["name"],
        "suspended": False,
        "relationships": {
            "organization": {"data": {"guid": organization}},
            "quota": {"data": {"guid": quota} if quota else None},
        },
        "metadata": metadata.present(one["metadata"]),
        "links": links | ({"quota": request.href(f"/v3/space_quotas/{quota}")} if quota else {}),
    }


def visible(request: ApiRequest, guid: str) -> Document:
    """The space, if the caller may see it; 404 otherwise."""
    found = request.context.store.get("space", guid)
    if found is None:
        raise not_found("Space")
    require_visible_space(request, guid)
    return found


@route("GET", "/v3/spaces")
def index(request: ApiRequest) -> Answer:
    """Those the caller may see."""
    docs = pick(request, "space", FILTERS, guid=visible_spaces(request))
    order = ("created_at", "updated_at", "name")
    return listing(request, docs, present, filters=FILTERS, order_by=order, include=INCLUDE)


@route("POST", "/v3/spaces")
def create(request: ApiRequest) -> Answer:
    """A new one, by admins and managers of the organization."""
    body = Body(request.json(), "name", "relationships", "metadata")
    name, organization = body.string("name", required=True), body.relationship("organization")
    body.check()
    seen = visible_organizations(request)
    exists = request.context.store.get("organization", organization) is not None
    if not exists or (seen is not None and organization not in seen):
        raise unprocessable("Invalid organization. Ensure the organization exists and you have access to it.")
    require_organization_role(request, organization, "organization_manager")
    kept = metadata.merged(None, body.values)
    made = spaces.create_space(request.context, organization, name, actor(request.user), kept)
    return present(request, made), 201


@route("GET", "/v3/spaces/<guid>")
def show(request: ApiRequest, guid: str) -> Answer:
    """One."""
    found = visible(request, guid)
    return with_included(request, found, present(request, found), INCLUDE)


@route("PATCH", "/v3/spaces/<guid>")
def update(request: ApiRequest, guid: str) -> Answer:
    """Its name or metadata, by its managers."""
    before = visible(request, guid)
    require_space_role(request, guid, "organization_manager", "space_manager")
    body = Body(request.json(), "name", "metadata")
    name = body.string("name", before["name"], required="name" in body)
    body.check()
    store = request.context.store
    with store.lock:
        same = store.find("space", organization_guid=before["organization_guid"], name=name)
        if any(one["guid"] != guid for one in same):
            raise unprocessable("Name must be unique per organization")
        kept = metadata.merged(before["metadata"], body.values)
        after = store.update("space", guid, name=name, metadata=kept)
    noun = spaces.target(after, "space")
    audit(request.context, "audit.space.update", actor(request.user), noun, {"request": body.values}, guid)
    return present(request, after)


@route("DELETE", "/v3/spaces/<guid>")
def delete(request: ApiRequest, guid: str) -> Answer:
    """With all that is in it, by a job."""
    visible(request, guid)
    require_space_role(request, guid, "organization_manager")
    data = {"guid": guid, "who": actor(request.user)}
    job = jobs.start(request.context, "space.delete", data, {"space": f"/v3/spaces/{guid}"})
    return jobs.answered(request, job)


@route("GET", "/v3/spaces/<guid>/usage_summary")
def usage(request: ApiRequest, guid: str) -> Answer:
    """What it uses."""
    visible(request, guid)
    path = f"/v3/spaces/{guid}"
    links = {"self": request.href(f"{path}/usage_summary"), "space": request.href(path)}
    return {"usage_summary": usage_summary(request.context, [guid]), "links": links}


@route("GET", "/v3/spaces/<guid>/users")
def its_users(request: ApiRequest, guid: str) -> Answer:
    """Those with a role in it."""
    visible(request, guid)
    roles = request.context.store.find("role", space_guid=guid)
    docs = request.context.store.find("user", guid={one["user_guid"] for one in roles})
    return listing(request, docs, users.present, filters=users.FILTERS)


def _ssh(space: Document) -> dict[str, Any]:
    return {"name": "ssh", "description": spaces.SSH_DESCRIPTION, "enabled": space["ssh_enabled"]}


@route("GET", "/v3/spaces/<guid>/features")
def features(request: ApiRequest, guid: str) -> Answer:
    """Its features: ssh alone."""
    return {"resources": [_ssh(visible(request, guid))]}


@route("GET", "/v3/spaces/<guid>/features/<name>")
def feature(request: ApiRequest, guid: str, name: str) -> Answer:
    """One feature."""
    found = visible(request, guid)
    if name != "ssh":
        raise not_found("Feature")
    return _ssh(found)


@route("PATCH", "/v3/spaces/<guid>/features/<name>")
def change_feature(request: ApiRequest, guid: str, name: str) -> Answer:
    """Switch ssh."""
    visible(request, guid)
    require_space_role(request, guid, "organization_manager", "space_manager")
    if name != "ssh":
        raise not_found("Feature")
    body = Body(request.json(), "enabled")
    enabled = body.boolean("enabled", True)
    body.check()
    return _ssh(request.context.store.update("space", guid, ssh_enabled=enabled))


@route("GET", "/v3/spaces/<guid>/running_security_groups")
def running_groups(request: ApiRequest, guid: str) -> Answer:
    """The security groups that apply to its running apps."""
    visible(request, guid)
    return security_groups.of_space(request, guid, "running")


@route("GET", "/v3/spaces/<guid>/staging_security_groups")
def staging_groups(request: ApiRequest, guid: str) -> Answer:
    """The security groups that apply while its apps are staged."""
    visible(request, guid)
    return security_groups.of_space(request, guid, "staging")


@route("GET", "/v3/spaces/<guid>/relationships/isolation_segment")
def isolation_segment(request: ApiRequest, guid: str) -> Answer:
    """Which it never has."""
    visible(request, guid)
    path = f"/v3/spaces/{guid}/relationships/isolation_segment"
    return {"data": None, "links": {"self": request.href(path)}}
