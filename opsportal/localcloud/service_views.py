"""How service instances are shown, with the related resources ``fields[…]`` asks for (platform API §7.2, §10.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import metadata
from .fields import chosen, fields_of
from .follow import referenced
from .store import Document

if TYPE_CHECKING:
    from .web import ApiRequest

FIELDS = {
    "space": ("guid", "name", "relationships.organization"),
    "space.organization": ("guid", "name"),
    "service_plan": ("guid", "name", "relationships.service_offering"),
    "service_plan.service_offering": (
        "guid",
        "name",
        "description",
        "documentation_url",
        "tags",
        "relationships.service_broker",
    ),
    "service_plan.service_offering.service_broker": ("guid", "name"),
}


def present_instance(request: ApiRequest, one: Document) -> dict[str, Any]:
    """An instance of either type as the API shows it."""
    path = f"/v3/service_instances/{one['guid']}"
    shown: dict[str, Any] = {
        key: one[key] for key in ("guid", "created_at", "updated_at", "name", "tags", "type")
    }
    shown["last_operation"] = one["last_operation"]
    relationships = {"space": {"data": {"guid": one["space_guid"]}}}
    bindings = f"?service_instance_guids={one['guid']}"
    links = {
        "self": request.href(path),
        "space": request.href(f"/v3/spaces/{one['space_guid']}"),
        "service_credential_bindings": request.href(f"/v3/service_credential_bindings{bindings}"),
        "service_route_bindings": request.href(f"/v3/service_route_bindings{bindings}"),
    }
    if one["type"] == "managed":
        plan = one["service_plan_guid"]
        shown |= {
            "maintenance_info": {},
            "upgrade_available": False,
            "dashboard_url": None,
            "broker_provided_metadata": {"labels": {}, "attributes": {}},
        }
        relationships["service_plan"] = {"data": {"guid": plan}}
        links["service_plan"] = request.href(f"/v3/service_plans/{plan}")
        links["parameters"] = request.href(f"{path}/parameters")
        links["shared_spaces"] = request.href(f"{path}/relationships/shared_spaces")
    else:
        shown |= {key: one[key] for key in ("syslog_drain_url", "route_service_url")}
        links["credentials"] = request.href(f"{path}/credentials")
    tail = {"metadata": metadata.present(one["metadata"]), "links": links}
    return shown | {"relationships": relationships} | tail


def asks_for_fields(request: ApiRequest) -> bool:
    """Whether any ``fields[…]`` is given."""
    return any(fields_of(request, name) for name in FIELDS)


def included(request: ApiRequest, docs: list[Document]) -> dict[str, list[dict[str, Any]]]:
    """The related resources asked for, each with the fields asked for."""
    spaces = referenced(request, docs, "space", "space_guid")
    plans = referenced(request, docs, "service_plan", "service_plan_guid")
    offerings = referenced(request, plans, "service_offering", "service_offering_guid")
    related = {
        "space": ("spaces", spaces),
        "space.organization": (
            "organizations",
            referenced(request, spaces, "organization", "organization_guid"),
        ),
        "service_plan": ("service_plans", plans),
        "service_plan.service_offering": ("service_offerings", offerings),
        "service_plan.service_offering.service_broker": (
            "service_brokers",
            referenced(request, offerings, "service_broker", "service_broker_guid"),
        ),
    }
    result = {}
    for name, (plural, found) in related.items():
        names = fields_of(request, name)
        if names:
            result[plural] = [chosen(_with_relationships(one), names) for one in found]
    return result


def _with_relationships(one: Document) -> dict[str, Any]:
    references = {
        key.removesuffix("_guid"): {"data": {"guid": value}}
        for key, value in one.items()
        if key.endswith("_guid") and value
    }
    return {**one, "relationships": references}
