"""``/v3/service_plans`` (platform API §7.1)."""

from __future__ import annotations

from typing import Any

from .. import metadata
from ..errors import bad_query, not_found, unprocessable
from ..fields import chosen, fields_of
from ..follow import follow, referenced
from ..listing import Filter, Includer, with_included
from ..store import Document
from ..web import Answer, ApiRequest, listing, require_admin, route
from . import service_offerings

KEYS = (
    "name",
    "description",
    "visibility_type",
    "available",
    "free",
    "costs",
    "maintenance_info",
    "broker_catalog",
    "schemas",
)
FIELDS = {"service_offering.service_broker": ("guid", "name")}


def _no_spaces(request: ApiRequest, docs: list[Document]) -> dict[str, list[dict[str, Any]]]:
    """Brokers here are nobody's in particular."""
    return {"spaces": [], "organizations": []}


INCLUDE: dict[str, Includer] = {
    "service_offering": follow(
        "service_offering", "service_offering_guid", "service_offerings", service_offerings.present
    ),
    "space.organization": _no_spaces,
}


def present(request: ApiRequest, one: Document) -> dict[str, Any]:
    """A plan as the API shows it."""
    path = f"/v3/service_plans/{one['guid']}"
    offering = one["service_offering_guid"]
    return {
        **{key: one[key] for key in ("guid", "created_at", "updated_at", *KEYS)},
        "relationships": {"service_offering": {"data": {"guid": offering}}},
        "metadata": metadata.present(one["metadata"]),
        "links": {
            "self": request.href(path),
            "service_offering": request.href(f"/v3/service_offerings/{offering}"),
            "visibility": request.href(f"{path}/visibility"),
        },
    }


def _filters(request: ApiRequest) -> dict[str, Filter]:
    store = request.context.store
    offerings = {one["guid"]: one for one in store.find("service_offering")}
    brokers = service_offerings.broker_names(request)

    def offering(one: Document) -> Document:
        return offerings.get(one["service_offering_guid"]) or {}

    def has_instance(one: Document, wanted: frozenset[str]) -> bool:
        return bool(store.find("service_instance", guid=wanted, service_plan_guid=one["guid"]))

    return {
        "names": "name",
        "available": "available",
        "service_offering_guids": "service_offering_guid",
        "service_offering_names": lambda one, wanted: offering(one).get("name") in wanted,
        "service_broker_guids": lambda one, wanted: offering(one).get("service_broker_guid") in wanted,
        "service_broker_names": lambda one, wanted: (
            brokers.get(offering(one).get("service_broker_guid", "")) in wanted
        ),
        "service_instance_guids": has_instance,
        "broker_catalog_ids": lambda one, wanted: one["broker_catalog"].get("id") in wanted,
        "space_guids": lambda _, wanted: True,
        "organization_guids": lambda _, wanted: True,
    }


def _included(request: ApiRequest, docs: list[Document]) -> dict[str, list[dict[str, Any]]]:
    names = fields_of(request, "service_offering.service_broker")
    offerings = referenced(request, docs, "service_offering", "service_offering_guid")
    found = referenced(request, offerings, "service_broker", "service_broker_guid")
    shown = [chosen(service_offerings.present_broker(request, one), names) for one in found]
    return {"service_brokers": shown}


@route("GET", "/v3/service_plans", auth="optional")
def index(request: ApiRequest) -> Answer:
    """All of them: each is public."""
    docs = request.context.store.find("service_plan")
    included = _included if fields_of(request, "service_offering.service_broker") else None
    return listing(
        request,
        docs,
        present,
        filters=_filters(request),
        order_by=("created_at", "updated_at", "name"),
        include=INCLUDE,
        fields=FIELDS,
        included=included,
    )


def found(request: ApiRequest, guid: str) -> Document:
    """The plan; 404 when there is none."""
    plan = request.context.store.get("service_plan", guid)
    if plan is None:
        raise not_found("Service plan")
    return plan


@route("GET", "/v3/service_plans/<guid>", auth="optional")
def show(request: ApiRequest, guid: str) -> Answer:
    """One."""
    plan = found(request, guid)
    names = fields_of(request, "service_offering.service_broker")
    if not names:
        return with_included(request, plan, present(request, plan), INCLUDE)
    request.allow_params("fields[service_offering.service_broker]")
    return present(request, plan) | {"included": _included(request, [plan])}


@route("GET", "/v3/service_plans/<guid>/visibility")
def visibility(request: ApiRequest, guid: str) -> Answer:
    """Who may use it: everybody."""
    return {"type": found(request, guid)["visibility_type"]}


@route("PATCH", "/v3/service_plans/<guid>/visibility")
@route("POST", "/v3/service_plans/<guid>/visibility")
def change_visibility(request: ApiRequest, guid: str) -> Answer:
    """Plans of a local cloud stay public."""
    found(request, guid)
    require_admin(request)
    wanted = request.json().get("type")
    if wanted not in {"public", "admin", "organization"}:
        raise bad_query("Type must be one of 'public', 'admin', 'organization'")
    if wanted != "public":
        raise unprocessable("The plans of a local cloud are public.")
    return {"type": "public"}


@route("PATCH", "/v3/service_plans/<guid>")
def update(request: ApiRequest, guid: str) -> Answer:
    """Metadata, by admins."""
    plan = found(request, guid)
    require_admin(request)
    kept = metadata.merged(plan["metadata"], request.json())
    return present(request, request.context.store.update("service_plan", guid, metadata=kept))
