"""``/v3/organization_quotas`` and ``/v3/space_quotas``: read, and made by admins (platform API §3.5)."""

from __future__ import annotations

from typing import Any

from .. import catalogue
from ..bodies import many_guids, to_many
from ..errors import not_found, unprocessable
from ..store import Document
from ..web import (
    Answer,
    ApiRequest,
    Body,
    listing,
    require_admin,
    route,
    visible_organizations,
    visible_spaces,
)

PARTS = ("apps", "services", "routes", "domains")
SPACE_PARTS = ("apps", "services", "routes")


def present_organization_quota(request: ApiRequest, one: Document) -> dict[str, Any]:
    """An organization quota as the API shows it, with those of its organizations that the caller may see."""
    seen = visible_organizations(request)
    under = [
        org["guid"]
        for org in request.context.store.find("organization", quota_guid=one["guid"])
        if seen is None or org["guid"] in seen
    ]
    return {
        **_head(one),
        **{part: catalogue.UNLIMITED[part] | one[part] for part in PARTS},
        "relationships": {"organizations": {"data": [{"guid": guid} for guid in under]}},
        "links": {"self": request.href(f"/v3/organization_quotas/{one['guid']}")},
    }


def present_space_quota(request: ApiRequest, one: Document) -> dict[str, Any]:
    """A space quota as the API shows it."""
    seen, organization = visible_spaces(request), one["organization_guid"]
    under = [
        space["guid"]
        for space in request.context.store.find("space", quota_guid=one["guid"])
        if seen is None or space["guid"] in seen
    ]
    return {
        **_head(one),
        **{part: catalogue.UNLIMITED[part] | one[part] for part in SPACE_PARTS},
        "relationships": {
            "organization": {"data": {"guid": organization}},
            "spaces": {"data": [{"guid": guid} for guid in under]},
        },
        "links": {
            "self": request.href(f"/v3/space_quotas/{one['guid']}"),
            "organization": request.href(f"/v3/organizations/{organization}"),
        },
    }


def _head(one: Document) -> dict[str, Any]:
    return {key: one[key] for key in ("guid", "created_at", "updated_at", "name")}


def _organization_quotas(request: ApiRequest) -> list[Document]:
    seen, store = visible_organizations(request), request.context.store
    if seen is None:
        return store.find("organization_quota")
    under = {one["quota_guid"] for one in store.find("organization", guid=seen) if one["quota_guid"]}
    return store.find("organization_quota", guid=under)


def _space_quotas(request: ApiRequest) -> list[Document]:
    seen, store = visible_spaces(request), request.context.store
    if seen is None:
        return store.find("space_quota")
    under = {one["quota_guid"] for one in store.find("space", guid=seen) if one["quota_guid"]}
    return store.find("space_quota", guid=under)


@route("GET", "/v3/organization_quotas")
def organization_quotas(request: ApiRequest) -> Answer:
    """Those of the caller's organizations."""
    store = request.context.store

    def of(one: Document, wanted: frozenset[str]) -> bool:
        return any(org["guid"] in wanted for org in store.find("organization", quota_guid=one["guid"]))

    filters: dict[str, Any] = {"names": "name", "organization_guids": of}
    order = ("created_at", "updated_at", "name")
    docs = _organization_quotas(request)
    return listing(request, docs, present_organization_quota, filters=filters, labels=False, order_by=order)


@route("POST", "/v3/organization_quotas")
def create_organization_quota(request: ApiRequest) -> Answer:
    """A new one, by admins."""
    require_admin(request)
    body = Body(request.json(), "name", "relationships", *PARTS)
    name = body.string("name", required=True)
    values = {part: catalogue.UNLIMITED[part] | body.object(part) for part in PARTS}
    body.problems += _limit_problems(body, PARTS)
    given = body.object("relationships").get("organizations", {"data": []})
    under = many_guids(given)
    if under is None:
        body.problems.append("Relationships Organizations must be a list of guids")
    body.check()
    store = request.context.store
    with store.lock:
        if store.find("organization_quota", name=name):
            raise unprocessable(f"Organization Quota '{name}' already exists.")
        made = store.create("organization_quota", {"name": name, **values})
        _assign(request, "organization", under or [], made["guid"])
    return present_organization_quota(request, made), 201


def _limit_problems(body: Body, parts: tuple[str, ...]) -> list[str]:
    found = []
    for part in parts:
        for key, value in body.object(part).items():
            limit = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            wanted = isinstance(value, bool) if key == "paid_services_allowed" else value is None or limit
            if key not in catalogue.UNLIMITED[part] or not wanted:
                found.append(
                    f"{part.capitalize()} {key.replace('_', ' ')} must be an integer of at least 0, or null"
                )
    return found


def _assign(request: ApiRequest, kind: str, guids: list[str], quota: str) -> None:
    store = request.context.store
    missing = [guid for guid in guids if store.get(kind, guid) is None]
    if missing:
        raise unprocessable(
            f"{kind.capitalize()}s with guids {missing} do not exist, or you do not have access to them."
        )
    for guid in guids:
        store.update(kind, guid, quota_guid=quota)


@route("GET", "/v3/organization_quotas/<guid>")
def organization_quota(request: ApiRequest, guid: str) -> Answer:
    """One."""
    for one in _organization_quotas(request):
        if one["guid"] == guid:
            return present_organization_quota(request, one)
    raise not_found("Organization quota")


@route("POST", "/v3/organization_quotas/<guid>/relationships/organizations")
def apply_organization_quota(request: ApiRequest, guid: str) -> Answer:
    """Put more organizations under it, by admins."""
    require_admin(request)
    if request.context.store.get("organization_quota", guid) is None:
        raise not_found("Organization quota")
    _assign(request, "organization", to_many(request.json()), guid)
    under = request.context.store.find("organization", quota_guid=guid)
    path = f"/v3/organization_quotas/{guid}/relationships/organizations"
    return {"data": [{"guid": one["guid"]} for one in under], "links": {"self": request.href(path)}}


@route("GET", "/v3/space_quotas")
def space_quotas(request: ApiRequest) -> Answer:
    """Those of the caller's spaces."""
    store = request.context.store

    def of(one: Document, wanted: frozenset[str]) -> bool:
        return any(space["guid"] in wanted for space in store.find("space", quota_guid=one["guid"]))

    filters: dict[str, Any] = {
        "names": "name",
        "organization_guids": "organization_guid",
        "space_guids": of,
    }
    order = ("created_at", "updated_at", "name")
    docs = _space_quotas(request)
    return listing(request, docs, present_space_quota, filters=filters, labels=False, order_by=order)


@route("POST", "/v3/space_quotas")
def create_space_quota(request: ApiRequest) -> Answer:
    """A new one, by admins."""
    require_admin(request)
    body = Body(request.json(), "name", "relationships", *SPACE_PARTS)
    name, organization = body.string("name", required=True), body.relationship("organization")
    values = {part: catalogue.UNLIMITED[part] | body.object(part) for part in SPACE_PARTS}
    body.problems += _limit_problems(body, SPACE_PARTS)
    under = many_guids(body.object("relationships").get("spaces", {"data": []}))
    if under is None:
        body.problems.append("Relationships Spaces must be a list of guids")
    body.check()
    store = request.context.store
    with store.lock:
        if store.get("organization", organization) is None:
            raise unprocessable("Organization with guid does not exist, or you do not have access to it.")
        if store.find("space_quota", name=name, organization_guid=organization):
            raise unprocessable(f"Space Quota '{name}' already exists.")
        made = store.create("space_quota", {"name": name, "organization_guid": organization, **values})
        _assign(request, "space", under or [], made["guid"])
    return present_space_quota(request, made), 201


@route("GET", "/v3/space_quotas/<guid>")
def space_quota(request: ApiRequest, guid: str) -> Answer:
    """One."""
    for one in _space_quotas(request):
        if one["guid"] == guid:
            return present_space_quota(request, one)
    raise not_found("Space quota")


@route("POST", "/v3/space_quotas/<guid>/relationships/spaces")
def apply_space_quota(request: ApiRequest, guid: str) -> Answer:
    """Put more spaces under it, by admins."""
    require_admin(request)
    if request.context.store.get("space_quota", guid) is None:
        raise not_found("Space quota")
    _assign(request, "space", to_many(request.json()), guid)
    under = request.context.store.find("space", quota_guid=guid)
    path = f"/v3/space_quotas/{guid}/relationships/spaces"
    return {"data": [{"guid": one["guid"]} for one in under], "links": {"self": request.href(path)}}
