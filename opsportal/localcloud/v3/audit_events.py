"""``/v3/audit_events`` (platform API §12)."""

from __future__ import annotations

from typing import Any

from ..errors import not_found
from ..listing import split_values
from ..rights import roles_in
from ..store import Document
from ..web import Answer, ApiRequest, listing, pick, route, visible_spaces

FILTERS = {
    "types": "type",
    "target_guids": "target_guid",
    "space_guids": "space_guid",
    "organization_guids": "organization_guid",
}
NOT_TARGET = "target_guids[not]"


def present(request: ApiRequest, one: Document) -> dict[str, Any]:
    """An event as the API shows it."""
    space, organization = one["space_guid"], one["organization_guid"]
    return {
        "guid": one["guid"],
        "created_at": one["created_at"],
        "updated_at": one["created_at"],
        "type": one["type"],
        "actor": one["actor"],
        "target": one["target"],
        "data": one["data"],
        "space": {"guid": space} if space else None,
        "organization": {"guid": organization} if organization else None,
        "links": {"self": request.href(f"/v3/audit_events/{one['guid']}")},
    }


def _seen(request: ApiRequest, docs: list[Document]) -> list[Document]:
    """Those of spaces the caller may see, and of organizations they manage or audit."""
    within = visible_spaces(request)
    if within is None:
        return docs
    wide: dict[str | None, bool] = {None: False}

    def reads(organization: str | None) -> bool:
        if organization not in wide:
            held = roles_in(request.context, request.caller, organization, None)
            wide[organization] = bool(held & {"organization_manager", "organization_auditor"})
        return wide[organization]

    return [one for one in docs if one["space_guid"] in within or reads(one["organization_guid"])]


@route("GET", "/v3/audit_events")
def index(request: ApiRequest) -> Answer:
    """Those the caller may see."""
    docs = _seen(request, pick(request, "audit_event", FILTERS))
    if NOT_TARGET in request.params:
        unwanted = split_values(request.params[NOT_TARGET])
        docs = [one for one in docs if one["target_guid"] not in unwanted]
    return listing(request, docs, present, filters=FILTERS, labels=False, guids=False, other=(NOT_TARGET,))


@route("GET", "/v3/audit_events/<guid>")
def show(request: ApiRequest, guid: str) -> Answer:
    """One."""
    found = request.context.store.get("audit_event", guid)
    if found is None or not _seen(request, [found]):
        raise not_found("Event")
    return present(request, found)
