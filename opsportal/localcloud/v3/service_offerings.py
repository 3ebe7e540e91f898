"""``/v3/service_brokers`` and ``/v3/service_offerings`` (platform API §7.1)."""

from __future__ import annotations

from typing import Any

from .. import metadata
from ..errors import not_found
from ..fields import chosen, fields_of
from ..follow import referenced
from ..listing import Filter
from ..store import Document
from ..web import Answer, ApiRequest, listing, require_admin, route

FIELDS = {"service_broker": ("guid", "name")}
KEYS = (
    "name",
    "description",
    "available",
    "tags",
    "requires",
    "shareable",
    "documentation_url",
    "broker_catalog",
)


def present_broker(request: ApiRequest, one: Document) -> dict[str, Any]:
    """A broker as the API shows it."""
    space = one["space_guid"]
    offerings = f"/v3/service_offerings?service_broker_guids={one['guid']}"
    links = {
        "self": request.href(f"/v3/service_brokers/{one['guid']}"),
        "service_offerings": request.href(offerings),
    }
    return {
        **{key: one[key] for key in ("guid", "name", "url", "created_at", "updated_at")},
        "relationships": {"space": {"data": {"guid": space}}} if space else {},
        "metadata": metadata.present(one["metadata"]),
        "links": links | ({"space": request.href(f"/v3/spaces/{space}")} if space else {}),
    }


def present(request: ApiRequest, one: Document) -> dict[str, Any]:
    """An offering as the API shows it."""
    guid, broker = one["guid"], one["service_broker_guid"]
    return {
        **{key: one[key] for key in ("guid", "created_at", "updated_at", *KEYS)},
        "relationships": {"service_broker": {"data": {"guid": broker}}},
        "metadata": metadata.present(one["metadata"]),
        "links": {
            "self": request.href(f"/v3/service_offerings/{guid}"),
            "service_plans": request.href(f"/v3/service_plans?service_offering_guids={guid}"),
            "service_broker": request.href(f"/v3/service_brokers/{broker}"),
        },
    }


def broker_names(request: ApiRequest) -> dict[str, str]:
    """Each broker's name by its guid."""
    return {one["guid"]: one["name"] for one in request.context.store.find("service_broker")}


def _filters(request: ApiRequest) -> dict[str, Filter]:
    """Every offering is public, so that spaces and organizations do not narrow the list."""
    names = broker_names(request)
    return {
        "names": "name",
        "available": "available",
        "service_broker_guids": "service_broker_guid",
        "service_broker_names": lambda one, wanted: names.get(one["service_broker_guid"]) in wanted,
        "space_guids": lambda _, wanted: True,
        "organization_guids": lambda _, wanted: True,
    }


def _included(request: ApiRequest, docs: list[Document]) -> dict[str, list[dict[str, Any]]]:
    names = fields_of(request, "service_broker")
    if not names:
        return {}
    brokers = referenced(request, docs, "service_broker", "service_broker_guid")
    return {"service_brokers": [chosen(present_broker(request, one), names) for one in brokers]}


@route("GET", "/v3/service_offerings", auth="optional")
def index(request: ApiRequest) -> Answer:
    """All of them: the marketplace is open."""
    docs = request.context.store.find("service_offering")
    order = ("created_at", "updated_at", "name")
    included = _included if fields_of(request, "service_broker") else None
    return listing(
        request, docs, present, filters=_filters(request), order_by=order, fields=FIELDS, included=included
    )


@route("GET", "/v3/service_offerings/<guid>", auth="optional")
def show(request: ApiRequest, guid: str) -> Answer:
    """One."""
    found = request.context.store.get("service_offering", guid)
    if found is None:
        raise not_found("Service offering")
    request.allow_params("fields[service_broker]")
    included = _included(request, [found])
    return present(request, found) | ({"included": included} if included else {})


@route("GET", "/v3/service_brokers")
def brokers(request: ApiRequest) -> Answer:
    """All brokers, for admins; others see none."""
    docs = request.context.store.find("service_broker") if request.caller.sees_everything else []
    filters = {"names": "name", "space_guids": "space_guid"}
    order = ("created_at", "updated_at", "name")
    return listing(request, docs, present_broker, filters=filters, order_by=order)


@route("GET", "/v3/service_brokers/<guid>")
def broker(request: ApiRequest, guid: str) -> Answer:
    """One, for admins."""
    found = request.context.store.get("service_broker", guid)
    if found is None or not request.caller.sees_everything:
        raise not_found("Service broker")
    return present_broker(request, found)


@route("PATCH", "/v3/service_offerings/<guid>")
def update(request: ApiRequest, guid: str) -> Answer:
    """Metadata, by admins."""
    found = request.context.store.get("service_offering", guid)
    if found is None:
        raise not_found("Service offering")
    require_admin(request)
    kept = metadata.merged(found["metadata"], request.json())
    return present(request, request.context.store.update("service_offering", guid, metadata=kept))
