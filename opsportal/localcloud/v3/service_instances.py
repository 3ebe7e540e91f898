"""``/v3/service_instances``: read, create, change, delete (platform API §7.2). Sharing: :mod:`.sharing`."""

from __future__ import annotations

from typing import Any

from .. import jobs, metadata, services
from ..bodies import is_url
from ..context import actor
from ..errors import ApiError, feature_disabled, instance_in_progress, not_found, unprocessable
from ..listing import Filter, split_values
from ..rights import DEVELOPER, can_see_space, require_space_role
from ..service_operations import is_busy
from ..service_views import FIELDS, asks_for_fields, included, present_instance
from ..store import Document
from ..web import Answer, ApiRequest, Body, listing, pick, route, visible_spaces

TYPES = ("managed", "user-provided")
COMMON = ("name", "type", "relationships", "tags", "metadata")
OF_TYPE = {
    "managed": ("parameters",),
    "user-provided": ("credentials", "syslog_drain_url", "route_service_url"),
}
URLS = ("syslog_drain_url", "route_service_url")


def spaces_of(request: ApiRequest, instance: Document) -> set[str]:
    """The space an instance is in and those it is shared into."""
    shared = request.context.store.values(
        "service_share", "space_guid", service_instance_guid=instance["guid"]
    )
    return {instance["space_guid"], *shared}


def visible(request: ApiRequest, guid: str) -> Document:
    """The instance, if the caller may see one of its spaces; 404 otherwise."""
    found = request.context.store.get("service_instance", guid)
    if found is None or not any(can_see_space(request, space) for space in spaces_of(request, found)):
        raise not_found("Service instance")
    return found


def writable(request: ApiRequest, guid: str) -> Document:
    """The instance, if the caller is a developer of its own space; 404 or 403 otherwise."""
    found = visible(request, guid)
    require_space_role(request, found["space_guid"], *DEVELOPER, resource="Service instance")
    return found


def _filters(request: ApiRequest) -> dict[str, Filter]:
    store = request.context.store

    def organization(one: Document) -> Any:
        return (store.get("space", one["space_guid"]) or {}).get("organization_guid")

    def plan(one: Document) -> Any:
        return (store.get("service_plan", one["service_plan_guid"]) or {}).get("name")

    return {
        "names": "name",
        "type": "type",
        "space_guids": lambda one, wanted: not wanted.isdisjoint(spaces_of(request, one)),
        "organization_guids": lambda one, wanted: organization(one) in wanted,
        "service_plan_guids": "service_plan_guid",
        "service_plan_names": lambda one, wanted: plan(one) in wanted,
    }


def _asked_by_space(request: ApiRequest) -> frozenset[str] | None:
    """The guids of the instances in the spaces that the query names, or shared into them; None without such a query."""
    if "space_guids" not in request.params:
        return None
    store, spaces = request.context.store, split_values(request.params["space_guids"])
    shared = store.values("service_share", "service_instance_guid", space_guid=spaces)
    return frozenset(store.values("service_instance", "guid", space_guid=spaces) | shared)


@route("GET", "/v3/service_instances")
def index(request: ApiRequest) -> Answer:
    """Those in spaces the caller may see, or shared into them."""
    filters = _filters(request)
    docs = pick(request, "service_instance", filters, guid=_asked_by_space(request))
    within = visible_spaces(request)
    if within is not None:
        docs = [one for one in docs if not within.isdisjoint(spaces_of(request, one))]
    return listing(
        request,
        docs,
        present_instance,
        filters=filters,
        order_by=("created_at", "updated_at", "name"),
        fields=FIELDS,
        included=included if asks_for_fields(request) else None,
    )


@route("GET", "/v3/service_instances/<guid>")
def show(request: ApiRequest, guid: str) -> Answer:
    """One."""
    found = visible(request, guid)
    request.allow_params(*(f"fields[{name}]" for name in FIELDS))
    shown = present_instance(request, found)
    return shown | ({"included": included(request, [found])} if asks_for_fields(request) else {})


@route("POST", "/v3/service_instances")
def create(request: ApiRequest) -> Answer:
    """A managed one: 202 and a job. A user-provided one: 201."""
    values = request.json()
    type_ = values.get("type")
    body = Body(values, *COMMON, *OF_TYPE.get(type_ if isinstance(type_, str) else "", ()))
    if body.choice("type", TYPES) == "":
        body.check()
    name, space = body.string("name", required=True), body.relationship("space")
    managed = type_ == "managed"
    plan = body.relationship("service_plan") if managed else ""
    body.relationships_known("space", *(["service_plan"] if managed else []))
    tags = body.strings("tags")
    details = {"parameters": body.object("parameters")} if managed else _user_provided(body)
    body.check()
    if not can_see_space(request, space):
        raise unprocessable("Invalid space. Ensure that the space exists and you have access to it.")
    require_space_role(request, space, *DEVELOPER)
    kept = metadata.merged(None, values)
    details |= {"tags": tags, "metadata": kept}
    if managed:
        return _create_managed(request, space, name, plan, details)
    made = services.new_instance(request.context, space, name, "user-provided", **details)
    services.note_instance(request.context, actor(request.user), "create", made)
    return present_instance(request, made), 201


def _user_provided(body: Body) -> dict[str, Any]:
    """What a user-provided instance holds, as far as the body gives it."""
    given: dict[str, Any] = {}
    if "credentials" in body:
        given["credentials"] = body.object("credentials")
    for key in URLS:
        if key in body:
            value = body.string(key, null=True, longest=1024)
            if value and not is_url(value):
                body.problems.append(f"{key.replace('_', ' ').capitalize()} must be a valid URI")
            given[key] = value or None
    return given


def _create_managed(request: ApiRequest, space: str, name: str, plan: str, details: dict[str, Any]) -> Answer:
    cloud = request.context
    flag = cloud.store.get("feature_flag", "service_instance_creation") or {}
    if not flag.get("enabled") and not request.caller.is_admin:
        raise feature_disabled("service_instance_creation")
    if cloud.store.get("service_plan", plan) is None:
        raise unprocessable(
            "Invalid service plan. Ensure that the service plan exists, is available, and you have access to it."
        )
    with cloud.store.lock:
        _check_quota(request, space)
        made = services.new_instance(cloud, space, name, "managed", service_plan_guid=plan, **details)
    return jobs.answered(request, services.start_create(cloud, made, actor(request.user)))


def _check_quota(request: ApiRequest, space_guid: str) -> None:
    """400 when the organization or the space may not have one more instance (platform API §7.5)."""
    store = request.context.store
    space = store.get("space", space_guid) or {}
    organization = store.get("organization", space.get("organization_guid")) or {}
    quota = store.get("organization_quota", organization.get("quota_guid")) or {}
    _check_space_quota(request, space)
    most = quota.get("services", {}).get("total_service_instances")
    within = [one["guid"] for one in store.find("space", organization_guid=organization.get("guid"))]
    if most is not None and store.count("service_instance", space_guid=within, type="managed") >= most:
        raise ApiError(
            400,
            60005,
            "CF-ServiceInstanceQuotaExceeded",
            "You have exceeded your organization's services limit.",
        )


def _check_space_quota(request: ApiRequest, space: dict[str, Any]) -> None:
    store = request.context.store
    quota = store.get("space_quota", space.get("quota_guid")) or {}
    most = quota.get("services", {}).get("total_service_instances")
    if most is not None and store.count("service_instance", space_guid=space["guid"], type="managed") >= most:
        text = "You have exceeded your space's services limit."
        raise ApiError(400, 60012, "CF-ServiceInstanceSpaceQuotaExceeded", text)


@route("PATCH", "/v3/service_instances/<guid>")
def update(request: ApiRequest, guid: str) -> Answer:
    """Change one: 202 and a job when its maker must be asked, else 200."""
    before = writable(request, guid)
    managed = before["type"] == "managed"
    known = ("parameters", "relationships", "maintenance_info") if managed else OF_TYPE["user-provided"]
    body = Body(request.json(), "name", "tags", "metadata", *known)
    name = body.string("name", before["name"], required="name" in body)
    now: dict[str, Any] = {"name": name}
    if "tags" in body:
        now["tags"] = body.strings("tags")
    later = _later_changes(body) if managed else {}
    now |= {} if managed else _user_provided(body)
    body.check()
    now["metadata"] = metadata.merged(before["metadata"], body.values)
    if managed:
        return _update_managed(request, before, now, later)
    return present_instance(request, _update_user_provided(request, before, now))


def _later_changes(body: Body) -> dict[str, Any]:
    """What only the instance's maker can change."""
    later: dict[str, Any] = {}
    if "parameters" in body:
        later["parameters"] = body.object("parameters")
    if "relationships" in body:
        later["service_plan_guid"] = body.relationship("service_plan")
    if "maintenance_info" in body:
        body.object("maintenance_info")
        later.setdefault("parameters", {})
    return later


def _update_managed(
    request: ApiRequest, before: Document, now: dict[str, Any], later: dict[str, Any]
) -> Answer:
    cloud, guid = request.context, before["guid"]
    plan = later.get("service_plan_guid")
    if plan and cloud.store.get("service_plan", plan) is None:
        raise unprocessable(
            "Invalid service plan. Ensure that the service plan exists, is available, and you have access to it."
        )
    with cloud.store.lock:
        services.check_name(cloud, before["space_guid"], now["name"], but=guid)
        current = cloud.store.get("service_instance", guid)
        if current is None:
            raise not_found("Service instance")
        if is_busy(current):
            raise instance_in_progress(before["name"])
        after = cloud.store.update("service_instance", guid, **now)
        if later:
            return jobs.answered(request, services.start_update(cloud, after, actor(request.user), later))
    return present_instance(request, after)


def _update_user_provided(request: ApiRequest, before: Document, now: dict[str, Any]) -> Document:
    """New credentials replace the old ones, in the bindings too; running apps see them after a restart."""
    cloud, guid = request.context, before["guid"]
    with cloud.store.lock:
        services.check_name(cloud, before["space_guid"], now["name"], but=guid)
        after = cloud.store.update("service_instance", guid, **now)
        for binding in cloud.store.find("service_credential_binding", service_instance_guid=guid):
            held = {key: after[key] for key in ("credentials", "syslog_drain_url")}
            cloud.store.update("service_credential_binding", binding["guid"], **held)
    services.note_instance(cloud, actor(request.user), "update", after)
    return after


@route("DELETE", "/v3/service_instances/<guid>")
def delete(request: ApiRequest, guid: str) -> Answer:
    """With its bindings: a managed one by a job, a user-provided or purged one at once."""
    found = writable(request, guid)
    request.allow_params("purge")
    who = actor(request.user)
    if found["type"] == "managed" and request.params.get("purge") != "true":
        return jobs.answered(request, services.start_delete(request.context, found, who))
    services.remove_instance(request.context, found, who)
    return None, 204


@route("GET", "/v3/service_instances/<guid>/credentials")
def credentials(request: ApiRequest, guid: str) -> Answer:
    """What a user-provided one holds; for developers."""
    found = visible(request, guid) if request.caller.reads_secrets else writable(request, guid)
    if found["type"] == "managed":
        raise not_found("Service instance")
    services.note_instance(request.context, actor(request.user), "show", found)
    return dict(found["credentials"] or {})


@route("GET", "/v3/service_instances/<guid>/parameters")
def parameters(request: ApiRequest, guid: str) -> Answer:
    """What a managed one was made with; the brokers here do not tell."""
    found = visible(request, guid)
    if found["type"] != "managed":
        raise unprocessable("Fetching parameters is not supported for user-provided service instances.")
    raise ApiError(
        400,
        120004,
        "CF-ServiceFetchInstanceParametersNotSupported",
        "This service does not support fetching service instance parameters.",
    )


@route("GET", "/v3/service_instances/<guid>/permissions")
def permissions(request: ApiRequest, guid: str) -> Answer:
    """What the caller may do with it."""
    found = request.context.store.get("service_instance", guid)
    if found is None:
        raise not_found("Service instance")
    read = can_see_space(request, found["space_guid"])
    try:
        require_space_role(request, found["space_guid"], *DEVELOPER)
    except ApiError:
        return {"read": read, "manage": False}
    return {"read": read, "manage": True}
