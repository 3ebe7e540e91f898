"""``/v3/domains`` (platform API §8.5). Route reservations are with the routes."""

from __future__ import annotations

import re
from typing import Any

from .. import jobs, metadata, spaces
from ..context import Cloud
from ..errors import ApiError, not_authorized, not_found, unprocessable
from ..rights import require_organization_role
from ..store import Document
from ..web import Answer, ApiRequest, Body, listing, require_admin, route, visible_organizations

FILTERS = {"names": "name", "organization_guids": "organization_guid"}
_NAME = re.compile(
    r"(?=.{3,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z"
)


def present(request: ApiRequest, one: Document) -> dict[str, Any]:
    """A domain as the API shows it."""
    path = f"/v3/domains/{one['guid']}"
    owner, shared = one["organization_guid"], one["shared_organization_guids"]
    links = {
        "self": request.href(path),
        "route_reservations": request.href(f"{path}/route_reservations"),
        "shared_organizations": request.href(f"{path}/relationships/shared_organizations"),
    }
    return {
        "guid": one["guid"],
        "created_at": one["created_at"],
        "updated_at": one["updated_at"],
        "name": one["name"],
        "internal": one["internal"],
        "router_group": None,
        "supported_protocols": ["http"],
        "metadata": metadata.present(one["metadata"]),
        "relationships": {
            "organization": {"data": {"guid": owner} if owner else None},
            "shared_organizations": {"data": [{"guid": guid} for guid in shared]},
        },
        "links": links | ({"organization": request.href(f"/v3/organizations/{owner}")} if owner else {}),
    }


def seen_by(request: ApiRequest) -> list[Document]:
    """The domains usable in any organization the caller may see."""
    seen = visible_organizations(request)
    docs = request.context.store.find("domain")
    if seen is None:
        return docs
    return [
        one
        for one in docs
        if one["organization_guid"] is None
        or one["organization_guid"] in seen
        or not seen.isdisjoint(one["shared_organization_guids"])
    ]


def visible(request: ApiRequest, guid: str) -> Document:
    """The domain, if the caller may see it; 404 otherwise."""
    for one in seen_by(request):
        if one["guid"] == guid:
            return one
    raise not_found("Domain")


@route("GET", "/v3/domains")
def index(request: ApiRequest) -> Answer:
    """Those the caller may see."""
    order = ("created_at", "updated_at", "name")
    return listing(request, seen_by(request), present, filters=FILTERS, order_by=order)


@route("POST", "/v3/domains")
def create(request: ApiRequest) -> Answer:
    """A new one: of an organization by its managers, shared by admins."""
    body = Body(request.json(), "name", "internal", "router_group", "relationships", "metadata")
    name, internal = body.string("name", required=True), body.boolean("internal")
    organization = body.relationship("organization", required=False)
    if name and not _NAME.match(name):
        body.problems.append("Name does not comply with RFC 1035 standards")
    body.check()
    if not organization:
        require_admin(request)
    else:
        seen = visible_organizations(request)
        if request.context.store.get("organization", organization) is None or (
            seen is not None and organization not in seen
        ):
            raise unprocessable(
                f"Organization with guid '{organization}' does not exist or you do not have access to it."
            )
        require_organization_role(request, organization, "organization_manager")
    kept = metadata.merged(None, body.values)
    made = spaces.create_domain(
        request.context, name, organization=organization or None, internal=internal, metadata=kept
    )
    return present(request, made), 201


@route("GET", "/v3/domains/<guid>")
def show(request: ApiRequest, guid: str) -> Answer:
    """One."""
    return present(request, visible(request, guid))


def _require_owner(request: ApiRequest, domain: Document) -> None:
    if domain["organization_guid"] is None:
        require_admin(request)
        return
    try:
        require_organization_role(request, domain["organization_guid"], "organization_manager")
    except ApiError as error:
        raise not_authorized() from error


@route("PATCH", "/v3/domains/<guid>")
def update(request: ApiRequest, guid: str) -> Answer:
    """Metadata."""
    before = visible(request, guid)
    _require_owner(request, before)
    body = Body(request.json(), "metadata")
    body.check()
    kept = metadata.merged(before["metadata"], body.values)
    return present(request, request.context.store.update("domain", guid, metadata=kept))


@route("DELETE", "/v3/domains/<guid>")
def delete(request: ApiRequest, guid: str) -> Answer:
    """With its routes, by a job."""
    _require_owner(request, visible(request, guid))
    job = jobs.start(request.context, "domain.delete", {"guid": guid}, {"domain": f"/v3/domains/{guid}"})
    return jobs.answered(request, job)


def _delete(cloud: Cloud, data: dict[str, Any]) -> None:
    for one in cloud.store.find("route", domain_guid=data["guid"]):
        cloud.store.delete("route", one["guid"])
    cloud.store.delete("domain", data["guid"])


jobs.register("domain.delete", _delete)
