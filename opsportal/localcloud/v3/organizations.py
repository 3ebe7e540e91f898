"""``/v3/organizations`` (platform API §3.1)."""

from __future__ import annotations

from typing import Any

from .. import jobs, metadata, spaces
from ..brokers import give_role
from ..context import actor, audit
from ..errors import bad_query, feature_disabled, not_found, unprocessable
from ..rights import require_organization_role
from ..store import Document
from ..usage import usage_summary
from ..web import Answer, ApiRequest, Body, listing, pick, route, visible_organizations
from . import domains, users

FILTERS = {"names": "name"}


def present(request: ApiRequest, one: Document) -> dict[str, Any]:
    """An organization as the API shows it."""
    path = f"/v3/organizations/{one['guid']}"
    quota = one["quota_guid"]
    links = {
        "self": request.href(path),
        "domains": request.href(f"{path}/domains"),
        "default_domain": request.href(f"{path}/domains/default"),
    }
    return {
        "guid": one["guid"],
        "created_at": one["created_at"],
        "updated_at": one["updated_at"],
        "name": one["name"],
        "suspended": one["suspended"],
        "relationships": {"quota": {"data": {"guid": quota} if quota else None}},
        "metadata": metadata.present(one["metadata"]),
        "links": links | ({"quota": request.href(f"/v3/organization_quotas/{quota}")} if quota else {}),
    }


def visible(request: ApiRequest, guid: str) -> Document:
    """The organization, if the caller may see it; 404 otherwise."""
    found = request.context.store.get("organization", guid)
    seen = visible_organizations(request)
    if found is None or (seen is not None and guid not in seen):
        raise not_found("Organization")
    return found


@route("GET", "/v3/organizations")
def index(request: ApiRequest) -> Answer:
    """Those the caller has a role in."""
    docs = pick(request, "organization", FILTERS, guid=visible_organizations(request))
    return listing(request, docs, present, filters=FILTERS, order_by=("created_at", "updated_at", "name"))


@route("POST", "/v3/organizations")
def create(request: ApiRequest) -> Answer:
    """A new one: by admins, and by all where the flag ``user_org_creation`` is on."""
    cloud, caller = request.context, request.caller
    flag = cloud.store.get("feature_flag", "user_org_creation") or {}
    if not caller.is_admin and not flag.get("enabled"):
        raise feature_disabled("user_org_creation")
    body = Body(request.json(), "name", "suspended", "metadata")
    name, suspended = body.string("name", required=True), body.boolean("suspended")
    body.check()
    kept = metadata.merged(None, body.values)
    made = spaces.create_organization(cloud, name, actor(caller), suspended=suspended, metadata=kept)
    if not caller.is_admin:
        for role in ("organization_user", "organization_manager"):
            give_role(cloud, caller.guid, role, organization=made["guid"])
    return present(request, made), 201


@route("GET", "/v3/organizations/<guid>")
def show(request: ApiRequest, guid: str) -> Answer:
    """One."""
    return present(request, visible(request, guid))


@route("PATCH", "/v3/organizations/<guid>")
def update(request: ApiRequest, guid: str) -> Answer:
    """Its name, suspension or metadata."""
    before = visible(request, guid)
    require_organization_role(request, guid, "organization_manager")
    body = Body(request.json(), "name", "suspended", "metadata")
    name = body.string("name", before["name"], required="name" in body)
    suspended = body.boolean("suspended", before["suspended"])
    body.check()
    store = request.context.store
    with store.lock:
        if name != before["name"] and store.find("organization", name=name):
            raise unprocessable(f"Organization '{name}' already exists.")
        kept = metadata.merged(before["metadata"], body.values)
        after = store.update("organization", guid, name=name, suspended=suspended, metadata=kept)
    noun = spaces.target(after, "organization")
    data = {"request": body.values}
    audit(request.context, "audit.organization.update", actor(request.user), noun, data, None, guid)
    return present(request, after)


@route("DELETE", "/v3/organizations/<guid>")
def delete(request: ApiRequest, guid: str) -> Answer:
    """With all its spaces, by a job; by admins only."""
    visible(request, guid)
    require_organization_role(request, guid)
    data = {"guid": guid, "who": actor(request.user)}
    links = {"organization": f"/v3/organizations/{guid}"}
    return jobs.answered(request, jobs.start(request.context, "organization.delete", data, links))


@route("GET", "/v3/organizations/<guid>/usage_summary")
def usage(request: ApiRequest, guid: str) -> Answer:
    """What its spaces use together."""
    visible(request, guid)
    within = [one["guid"] for one in request.context.store.find("space", organization_guid=guid)]
    path = f"/v3/organizations/{guid}"
    return {
        "usage_summary": usage_summary(request.context, within, guid),
        "links": {"self": request.href(f"{path}/usage_summary"), "organization": request.href(path)},
    }


@route("GET", "/v3/organizations/<guid>/users")
def its_users(request: ApiRequest, guid: str) -> Answer:
    """Those with a role in it."""
    visible(request, guid)
    roles = request.context.store.find("role", organization_guid=guid)
    docs = request.context.store.find("user", guid={one["user_guid"] for one in roles})
    return listing(request, docs, users.present, filters=users.FILTERS)


@route("GET", "/v3/organizations/<guid>/domains")
def its_domains(request: ApiRequest, guid: str) -> Answer:
    """The domains usable in it."""
    visible(request, guid)
    docs = spaces.domains_of(request.context, guid)
    return listing(request, docs, domains.present, filters=domains.FILTERS)


@route("GET", "/v3/organizations/<guid>/domains/default")
def its_default_domain(request: ApiRequest, guid: str) -> Answer:
    """The domain that routes get when none is named."""
    visible(request, guid)
    return domains.present(request, spaces.default_domain(request.context, guid))


@route("GET", "/v3/organizations/<guid>/relationships/<name>")
def relationship(request: ApiRequest, guid: str, name: str) -> Answer:
    """Its default isolation segment, which it never has."""
    visible(request, guid)
    if name != "default_isolation_segment":
        raise bad_query("No such relationship")
    path = f"/v3/organizations/{guid}/relationships/default_isolation_segment"
    return {"data": None, "links": {"self": request.href(path)}}
