"""``/v3/service_instances/:guid/relationships/shared_spaces`` (platform API §7.4)."""

from __future__ import annotations

from typing import Any

from .. import bindings, services
from ..bodies import to_many
from ..context import actor
from ..errors import feature_disabled, not_authorized, unprocessable
from ..fields import chosen, fields_of
from ..rights import DEVELOPER, can_see_space, has_space_role
from ..store import Document
from ..web import Answer, ApiRequest, route
from . import organizations, service_instances
from . import spaces as space_endpoints

FIELDS = {"space": ("guid", "name", "relationships.organization"), "space.organization": ("guid", "name")}


def _path(guid: str) -> str:
    return f"/v3/service_instances/{guid}/relationships/shared_spaces"


def _shares(request: ApiRequest, guid: str) -> list[Document]:
    return request.context.store.find("service_share", service_instance_guid=guid)


def _relationship(request: ApiRequest, guid: str) -> dict[str, Any]:
    return {
        "data": [{"guid": one["space_guid"]} for one in _shares(request, guid)],
        "links": {"self": request.href(_path(guid))},
    }


@route("GET", "/v3/service_instances/<guid>/relationships/shared_spaces")
def index(request: ApiRequest, guid: str) -> Answer:
    """The spaces it is shared into."""
    service_instances.visible(request, guid)
    request.allow_params(*(f"fields[{name}]" for name in FIELDS))
    store = request.context.store
    spaces = store.find("space", guid=[one["space_guid"] for one in _shares(request, guid)])
    organizations_of = store.find("organization", guid={one["organization_guid"] for one in spaces})
    included: dict[str, Any] = {}
    if names := fields_of(request, "space"):
        included["spaces"] = [chosen(space_endpoints.present(request, one), names) for one in spaces]
    if names := fields_of(request, "space.organization"):
        shown = [organizations.present(request, one) for one in organizations_of]
        included["organizations"] = [chosen(one, names) for one in shown]
    return _relationship(request, guid) | ({"included": included} if included else {})


@route("GET", "/v3/service_instances/<guid>/relationships/shared_spaces/usage_summary")
def usage(request: ApiRequest, guid: str) -> Answer:
    """How many apps each of those spaces binds to it."""
    service_instances.visible(request, guid)
    summary = [
        {
            "space": {"guid": one["space_guid"]},
            "bound_app_count": len(_bound(request, guid, one["space_guid"])),
        }
        for one in _shares(request, guid)
    ]
    links = {
        "self": request.href(f"{_path(guid)}/usage_summary"),
        "shared_spaces": request.href(_path(guid)),
        "service_instance": request.href(f"/v3/service_instances/{guid}"),
    }
    return {"usage_summary": summary, "links": links}


def _bound(request: ApiRequest, guid: str, space: str) -> list[Document]:
    store = request.context.store
    apps = {one["guid"] for one in store.find("app", space_guid=space)}
    found = store.find("service_credential_binding", service_instance_guid=guid)
    return [one for one in found if one["app_guid"] in apps]


@route("POST", "/v3/service_instances/<guid>/relationships/shared_spaces")
def share(request: ApiRequest, guid: str) -> Answer:
    """Let apps of other spaces bind to it; developers of both spaces may."""
    instance = service_instances.writable(request, guid)
    store = request.context.store
    if not (store.get("feature_flag", "service_instance_sharing") or {}).get("enabled"):
        raise feature_disabled("service_instance_sharing")
    targets = to_many(request.json())
    _check_shareable(request, instance, targets)
    with store.lock:
        for space in targets:
            services.check_name(request.context, space, instance["name"], but=guid)
            wanted = {"service_instance_guid": guid, "space_guid": space}
            if not store.find("service_share", **wanted):
                store.create("service_share", wanted)
    data = {"target_space_guids": targets}
    services.note_instance(request.context, actor(request.user), "share", instance, data)
    return _relationship(request, guid)


def _check_shareable(request: ApiRequest, instance: Document, targets: list[str]) -> None:
    store, name = request.context.store, instance["name"]
    if instance["type"] != "managed":
        raise unprocessable("User-provided services cannot be shared.")
    plan = store.get("service_plan", instance["service_plan_guid"]) or {}
    offering = store.get("service_offering", plan.get("service_offering_guid")) or {}
    if not offering.get("shareable"):
        raise unprocessable(f"The {offering.get('name')} service does not support service instance sharing.")
    missing = [one for one in targets if store.get("space", one) is None or not can_see_space(request, one)]
    if missing:
        raise unprocessable(
            f"Unable to share service instance {name} with spaces {missing}. "
            "Ensure the spaces exist and that you have access to them."
        )
    if not all(has_space_role(request, one, *DEVELOPER) for one in targets):
        raise unprocessable(
            f"Unable to share service instance {name} with spaces {targets}. "
            "Write permission is required in order to share a service instance with a space."
        )
    if instance["space_guid"] in targets:
        raise unprocessable(
            f"Unable to share service instance '{name}' with space '{instance['space_guid']}'. "
            "Service instances cannot be shared into the space where they were created."
        )


@route("DELETE", "/v3/service_instances/<guid>/relationships/shared_spaces/<space>")
def unshare(request: ApiRequest, guid: str, space: str) -> Answer:
    """End a share, and the bindings of that space's apps."""
    instance = service_instances.visible(request, guid)
    if not has_space_role(request, instance["space_guid"], *DEVELOPER):
        raise not_authorized()
    store = request.context.store
    shares = store.find("service_share", service_instance_guid=guid, space_guid=space)
    if not shares:
        raise unprocessable(
            f"Unable to unshare service instance from space {space}. "
            "Ensure the space exists and the service instance has been shared to this space."
        )
    for binding in _bound(request, guid, space):
        bindings.remove_binding(request.context, binding, actor(request.user))
    for one in shares:
        store.delete("service_share", one["guid"])
    data = {"target_space_guid": space}
    services.note_instance(request.context, actor(request.user), "unshare", instance, data)
    return None, 204
