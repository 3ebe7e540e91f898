"""``/v3/service_credential_bindings``: bindings of apps, and keys (platform API §7.3)."""

from __future__ import annotations

from typing import Any

from .. import bindings, jobs, metadata
from ..context import actor
from ..errors import ApiError, not_authorized, not_found, unprocessable
from ..follow import follow
from ..listing import Filter, Includer, with_included
from ..rights import DEVELOPER, DEVELOPER_OR_SUPPORTER, can_see_space, has_space_role, require_space_role
from ..service_operations import is_busy
from ..service_views import present_instance
from ..store import Document
from ..web import Answer, ApiRequest, Body, listing, pick, route, visible_spaces
from . import apps

NO_INSTANCE = "The service instance could not be found: '{}'"
INCLUDE: dict[str, Includer] = {
    "app": follow("app", "app_guid", "apps", apps.present_app),
    "service_instance": follow(
        "service_instance", "service_instance_guid", "service_instances", present_instance
    ),
}


def present(request: ApiRequest, one: Document) -> dict[str, Any]:
    """A binding or key as the API shows it."""
    path = f"/v3/service_credential_bindings/{one['guid']}"
    app, instance = one["app_guid"], one["service_instance_guid"]
    relationships = {"service_instance": {"data": {"guid": instance}}}
    links = {
        "self": request.href(path),
        "details": request.href(f"{path}/details"),
        "service_instance": request.href(f"/v3/service_instances/{instance}"),
    }
    if _is_managed(request, one):
        links["parameters"] = request.href(f"{path}/parameters")
    if app:
        relationships["app"] = {"data": {"guid": app}}
        links["app"] = request.href(f"/v3/apps/{app}")
    return {
        **{key: one[key] for key in ("guid", "created_at", "updated_at", "name", "type", "last_operation")},
        "metadata": metadata.present(one["metadata"]),
        "relationships": relationships,
        "links": links,
    }


def _is_managed(request: ApiRequest, one: Document) -> bool:
    instance = request.context.store.get("service_instance", one["service_instance_guid"]) or {}
    return instance.get("type") == "managed"


def space_of(request: ApiRequest, one: Document) -> str | None:
    """The space a binding is seen from: its app's, or for a key its instance's."""
    store = request.context.store
    if one["app_guid"]:
        return (store.get("app", one["app_guid"]) or {}).get("space_guid")
    return (store.get("service_instance", one["service_instance_guid"]) or {}).get("space_guid")


def _filters(request: ApiRequest) -> dict[str, Filter]:
    store = request.context.store

    def instance(one: Document) -> Document:
        return store.get("service_instance", one["service_instance_guid"]) or {}

    def plan(one: Document) -> Document:
        return store.get("service_plan", instance(one).get("service_plan_guid")) or {}

    def offering(one: Document) -> Document:
        return store.get("service_offering", plan(one).get("service_offering_guid")) or {}

    def app_name(one: Document) -> Any:
        return (store.get("app", one["app_guid"]) or {}).get("name")

    return {
        "names": "name",
        "type": "type",
        "service_instance_guids": "service_instance_guid",
        "service_instance_names": lambda one, wanted: instance(one).get("name") in wanted,
        "service_plan_guids": lambda one, wanted: plan(one).get("guid") in wanted,
        "service_plan_names": lambda one, wanted: plan(one).get("name") in wanted,
        "service_offering_guids": lambda one, wanted: offering(one).get("guid") in wanted,
        "service_offering_names": lambda one, wanted: offering(one).get("name") in wanted,
        "app_guids": "app_guid",
        "app_names": lambda one, wanted: app_name(one) in wanted,
    }


@route("GET", "/v3/service_credential_bindings")
def index(request: ApiRequest) -> Answer:
    """Those in spaces the caller may see."""
    filters = _filters(request)
    docs = pick(request, "service_credential_binding", filters)
    within = visible_spaces(request)
    if within is not None:
        docs = [one for one in docs if space_of(request, one) in within]
    order = ("created_at", "updated_at", "name")
    return listing(request, docs, present, filters=filters, order_by=order, include=INCLUDE)


def visible(request: ApiRequest, guid: str) -> Document:
    """The binding, if the caller may see its space; 404 otherwise."""
    found = request.context.store.get("service_credential_binding", guid)
    if found is None or not can_see_space(request, space_of(request, found)):
        raise not_found("Service credential binding")
    return found


@route("GET", "/v3/service_credential_bindings/<guid>")
def show(request: ApiRequest, guid: str) -> Answer:
    """One."""
    found = visible(request, guid)
    return with_included(request, found, present(request, found), INCLUDE)


@route("POST", "/v3/service_credential_bindings")
def create(request: ApiRequest) -> Answer:
    """Bind an app or make a key: 202 and a job for managed instances, 201 for user-provided ones."""
    body = Body(request.json(), "type", "name", "strategy", "relationships", "parameters", "metadata")
    type_ = body.choice("type", ("app", "key"))
    name = body.string("name", required=type_ == "key", null=type_ == "app") or None
    instance_guid = body.relationship("service_instance")
    app_guid = body.relationship("app") if type_ == "app" else ""
    body.relationships_known("service_instance", *(["app"] if type_ == "app" else []))
    if body.choice("strategy", ("single", "multiple"), "single") == "multiple":
        body.problems.append("Strategy must be 'single'")
    parameters = body.object("parameters")
    body.check()
    instance = _instance(request, instance_guid)
    app = _app(request, app_guid) if type_ == "app" else None
    if app is None:
        require_space_role(request, instance["space_guid"], *DEVELOPER)
    if instance["type"] != "managed" and "parameters" in body:
        raise unprocessable("Binding parameters are not supported for user-provided service instances")
    cloud, who = request.context, actor(request.user)
    kept = metadata.merged(None, body.values)
    made = bindings.new_binding(cloud, instance, app=app, name=name, parameters=parameters, metadata=kept)
    if instance["type"] == "managed":
        return jobs.answered(request, bindings.start_bind(cloud, made, who))
    return present(request, bindings.complete_binding(cloud, made, who)), 201


def _instance(request: ApiRequest, guid: str) -> Document:
    from .service_instances import visible as visible_instance  # noqa: PLC0415 - so that each can include the other

    try:
        return visible_instance(request, guid)
    except ApiError as error:
        raise unprocessable(NO_INSTANCE.format(guid)) from error


def _app(request: ApiRequest, guid: str) -> Document:
    app = request.context.store.get("app", guid)
    if app is None or not can_see_space(request, app["space_guid"]):
        raise unprocessable(f"The app could not be found: '{guid}'")
    require_space_role(request, app["space_guid"], *DEVELOPER_OR_SUPPORTER)
    return app


@route("GET", "/v3/service_credential_bindings/<guid>/details")
def details(request: ApiRequest, guid: str) -> Answer:
    """The credentials, for developers and admins; reading them is noted."""
    found = visible(request, guid)
    if not request.caller.reads_secrets and not has_space_role(request, space_of(request, found), *DEVELOPER):
        raise not_authorized()
    state = found["last_operation"]
    if state["type"] == "create" and state["state"] != "succeeded":
        what = "Creation of service credential binding"
        how = "failed" if state["state"] == "failed" else "in progress"
        raise ApiError(404, 10010, "CF-ResourceNotFound", f"{what} {how}")
    bindings.note_binding(request.context, actor(request.user), "show", found)
    shown: dict[str, Any] = {"credentials": found["credentials"] or {}}
    if found["syslog_drain_url"]:
        shown["syslog_drain_url"] = found["syslog_drain_url"]
    return shown | {"volume_mounts": found["volume_mounts"]}


@route("GET", "/v3/service_credential_bindings/<guid>/parameters")
def parameters_of(request: ApiRequest, guid: str) -> Answer:
    """What it was made with; the brokers here do not tell."""
    found = visible(request, guid)
    if not _is_managed(request, found):
        raise unprocessable("Fetching parameters is not supported for user-provided service instances.")
    raise ApiError(
        400,
        120005,
        "CF-ServiceFetchBindingParametersNotSupported",
        "This service does not support fetching service binding parameters.",
    )


@route("PATCH", "/v3/service_credential_bindings/<guid>")
def update(request: ApiRequest, guid: str) -> Answer:
    """Metadata."""
    before = visible(request, guid)
    require_space_role(request, space_of(request, before), *DEVELOPER)
    body = Body(request.json(), "metadata")
    body.check()
    kept = metadata.merged(before["metadata"], body.values)
    after = request.context.store.update("service_credential_binding", guid, metadata=kept)
    return present(request, after)


@route("DELETE", "/v3/service_credential_bindings/<guid>")
def delete(request: ApiRequest, guid: str) -> Answer:
    """Take it away: 202 and a job for managed instances, 204 for user-provided ones."""
    found = visible(request, guid)
    roles = DEVELOPER_OR_SUPPORTER if found["type"] == "app" else DEVELOPER
    require_space_role(request, space_of(request, found), *roles, resource="Service credential binding")
    cloud, who = request.context, actor(request.user)
    if _is_managed(request, found):
        return jobs.answered(request, bindings.start_unbind(cloud, found, who))
    if is_busy(found):
        raise unprocessable(bindings.BINDING_IN_PROGRESS)
    bindings.remove_binding(cloud, found, who)
    return None, 204
