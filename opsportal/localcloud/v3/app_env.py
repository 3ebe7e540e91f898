"""Environment, features and permissions of an app, and the operator's variable groups (platform API §8.1, §8.2)."""

from __future__ import annotations

from typing import Any

from .. import vcap
from ..app_life import FEATURES, audit_app, environment_problems, said_update
from ..bodies import Body
from ..context import actor
from ..errors import not_authorized, not_found, unprocessables
from ..listing import everything
from ..lookup import HIDDEN_FROM_YOU, the_app
from ..rights import DEVELOPER, DEVELOPER_OR_SUPPORTER, has_space_role, require_admin
from ..store import Document
from ..web import Answer, ApiRequest, route


def may_read_environment(request: ApiRequest, app: Document, *roles: str) -> None:
    """403 unless the caller may read secrets of this app."""
    read_only = "cloud_controller.admin_read_only" in request.caller.scopes
    if not read_only and not has_space_role(request, app["space_guid"], *roles):
        raise not_authorized()


@route("GET", "/v3/apps/<guid>/env")
def show_env(request: ApiRequest, guid: str) -> Answer:
    """Everything an app finds in its environment; supporters do not see the services' secrets."""
    app = the_app(request, guid)
    may_read_environment(request, app, *DEVELOPER_OR_SUPPORTER)
    cloud = request.context
    secrets = has_space_role(request, app["space_guid"], *DEVELOPER) or request.caller.sees_everything
    audit_app(cloud, "audit.app.environment.show", actor(request.user), app, {})
    system: dict[str, Any] = {"VCAP_SERVICES": vcap.services(cloud, guid)}
    return {
        "staging_env_json": vcap.group(cloud, "staging"),
        "running_env_json": vcap.group(cloud, "running"),
        "environment_variables": app["environment_variables"],
        "system_env_json": system if secrets else {"redacted_message": HIDDEN_FROM_YOU},
        "application_env_json": {"VCAP_APPLICATION": vcap.application(cloud, app)},
    }


def _variables(request: ApiRequest, app: Document) -> dict[str, Any]:
    base = f"/v3/apps/{app['guid']}"
    links = {"self": request.href(f"{base}/environment_variables"), "app": request.href(base)}
    return {"var": app["environment_variables"], "links": links}


@route("GET", "/v3/apps/<guid>/environment_variables")
def show_variables(request: ApiRequest, guid: str) -> Answer:
    """The app's own variables."""
    app = the_app(request, guid)
    may_read_environment(request, app, *DEVELOPER_OR_SUPPORTER)
    audit_app(request.context, "audit.app.environment_variables.show", actor(request.user), app, {})
    return _variables(request, app)


def _changes(request: ApiRequest) -> dict[str, str | None]:
    body = Body(request.json(), "var")
    given = body.object("var")
    if not isinstance(body.values.get("var"), dict):
        body.problems.append("Var must be an object")
    body.check()
    problems = environment_problems(given)
    if problems:
        raise unprocessables(problems)
    return given


def _merge(before: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**before, **changes}.items() if value is not None}


@route("PATCH", "/v3/apps/<guid>/environment_variables")
def patch_variables(request: ApiRequest, guid: str) -> Answer:
    """Merge variables; null deletes one. They reach the app at its next start."""
    app = the_app(request, guid, *DEVELOPER_OR_SUPPORTER)
    changes = _changes(request)
    with request.context.store.lock:
        app = the_app(request, guid)
        merged = _merge(app["environment_variables"], changes)
        app = request.context.store.update("app", guid, environment_variables=merged)
    data = {"request": {"environment_variables": HIDDEN_FROM_YOU}}
    audit_app(request.context, "audit.app.update", actor(request.user), app, data)
    said_update(request.context, app, {"environment_json": HIDDEN_FROM_YOU})
    return _variables(request, app)


def _group(request: ApiRequest, name: str) -> dict[str, Any]:
    if name not in ("running", "staging"):
        raise not_found("Environment variable group")
    found = request.context.store.get("environment_variable_group", name)
    return {
        "name": name,
        "var": vcap.group(request.context, name),
        "updated_at": found["updated_at"] if found else None,
        "links": {"self": request.href(f"/v3/environment_variable_groups/{name}")},
    }


@route("GET", "/v3/environment_variable_groups/<name>")
def show_group(request: ApiRequest, name: str) -> Answer:
    """The variables that the operator gives every app."""
    return _group(request, name)


@route("PATCH", "/v3/environment_variable_groups/<name>")
def patch_group(request: ApiRequest, name: str) -> Answer:
    """Merge the operator's variables (admins only)."""
    require_admin(request)
    _group(request, name)
    changes = _changes(request)
    store = request.context.store
    with store.lock:
        found = store.get("environment_variable_group", name)
        if found is None:
            found = store.create("environment_variable_group", {"guid": name, "name": name, "var": {}})
        store.update("environment_variable_group", found["guid"], var=_merge(found["var"], changes))
    return _group(request, name)


def _feature(app: Document, name: str) -> dict[str, Any]:
    if name not in FEATURES:
        raise not_found("Feature")
    return {
        "name": name,
        "description": FEATURES[name][0],
        "enabled": app["features"].get(name, FEATURES[name][1]),
    }


@route("GET", "/v3/apps/<guid>/features")
def list_features(request: ApiRequest, guid: str) -> Answer:
    """All features of an app."""
    app = the_app(request, guid)
    return everything(
        request,
        [{"name": name, "created_at": ""} for name in FEATURES],
        lambda _r, one: _feature(app, one["name"]),
    )


@route("GET", "/v3/apps/<guid>/features/<name>")
def show_feature(request: ApiRequest, guid: str, name: str) -> Answer:
    """One feature."""
    return _feature(the_app(request, guid), name)


@route("PATCH", "/v3/apps/<guid>/features/<name>")
def patch_feature(request: ApiRequest, guid: str, name: str) -> Answer:
    """Turn a feature on or off."""
    app = the_app(request, guid, *DEVELOPER)
    _feature(app, name)
    body = Body(request.json(), "enabled")
    enabled = body.boolean("enabled")
    if "enabled" not in body:
        body.problems.append("Enabled must be a boolean")
    body.check()
    app = request.context.store.update("app", guid, features={**app["features"], name: enabled})
    return _feature(app, name)


@route("GET", "/v3/apps/<guid>/ssh_enabled")
def show_ssh_enabled(request: ApiRequest, guid: str) -> Answer:
    """There is no way into a container of the local cloud."""
    the_app(request, guid)
    return {"enabled": False, "reason": "Disabled globally"}


@route("GET", "/v3/apps/<guid>/permissions")
def show_permissions(request: ApiRequest, guid: str) -> Answer:
    """What the caller may read of an app."""
    app = the_app(request, guid)
    secrets = has_space_role(request, app["space_guid"], *DEVELOPER)
    read_only = "cloud_controller.admin_read_only" in request.caller.scopes
    return {"read_basic_data": True, "read_sensitive_data": secrets or read_only}
