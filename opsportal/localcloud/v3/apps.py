"""Apps: making, showing, starting, stopping and deleting them (platform API §8.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import jobs
from ..app_life import (
    DEFAULT_STACK,
    audit_app,
    create_app,
    environment_problems,
    restart_app,
    start_app,
    stop_app,
)
from ..bodies import Body
from ..context import actor
from ..errors import not_found, not_unique, unprocessable
from ..listing import Includer, listing, pick, with_included
from ..lookup import by_organization, the_app, to_one
from ..metadata import merged, present
from ..processes import current_droplet
from ..rights import DEVELOPER, DEVELOPER_OR_SUPPORTER, can_see_space, require_space_role, visible_spaces
from ..staging import known_buildpack
from ..store import Document
from ..web import Answer, ApiRequest, route

if TYPE_CHECKING:
    from ..context import Cloud


def present_app(request: ApiRequest, app: Document) -> dict[str, Any]:
    """An app as the API shows it."""
    base = f"/v3/apps/{app['guid']}"
    href = request.href

    def action(name: str) -> dict[str, str]:
        return {**href(f"{base}/actions/{name}"), "method": "POST"}

    return {
        "guid": app["guid"],
        "name": app["name"],
        "state": app["state"],
        "created_at": app["created_at"],
        "updated_at": app["updated_at"],
        "lifecycle": app["lifecycle"],
        "relationships": {
            "space": to_one(app["space_guid"]),
            "current_droplet": to_one(app["current_droplet_guid"]),
        },
        "links": {
            "self": href(base),
            "space": href(f"/v3/spaces/{app['space_guid']}"),
            "processes": href(f"{base}/processes"),
            "packages": href(f"{base}/packages"),
            "environment_variables": href(f"{base}/environment_variables"),
            "current_droplet": href(f"{base}/droplets/current"),
            "droplets": href(f"{base}/droplets"),
            "tasks": href(f"{base}/tasks"),
            "start": action("start"),
            "stop": action("stop"),
            "revisions": href(f"{base}/revisions"),
            "deployed_revisions": href(f"{base}/revisions/deployed"),
            "features": href(f"{base}/features"),
        },
        "metadata": present(app["metadata"]),
    }


def included_spaces(request: ApiRequest, apps: list[Document]) -> dict[str, list[dict[str, Any]]]:
    """The spaces of apps (or of anything with a `space_guid`), each once."""
    from .spaces import present as present_space  # noqa: PLC0415 - spaces include apps in turn

    guids = list(dict.fromkeys(one["space_guid"] for one in apps))
    found = [request.context.store.get("space", guid) for guid in guids]
    return {"spaces": [present_space(request, one) for one in found if one]}


def included_organizations(request: ApiRequest, apps: list[Document]) -> dict[str, list[dict[str, Any]]]:
    """The organizations of apps (or of anything with a `space_guid`), and their spaces, each once."""
    from .organizations import present as present_organization  # noqa: PLC0415 - as above

    store = request.context.store
    spaces = [store.get("space", one["space_guid"]) for one in apps]
    guids = list(dict.fromkeys(one["organization_guid"] for one in spaces if one))
    found = [store.get("organization", guid) for guid in guids]
    organizations = [present_organization(request, one) for one in found if one]
    return {**included_spaces(request, apps), "organizations": organizations}


INCLUDE: dict[str, Includer] = {"space": included_spaces, "space.organization": included_organizations}


@route("GET", "/v3/apps")
def list_apps(request: ApiRequest) -> Answer:
    """All apps that the caller can see."""
    filters: dict[str, Any] = {
        "names": "name",
        "space_guids": "space_guid",
        "organization_guids": by_organization(request),
        "stacks": lambda app, wanted: (app["lifecycle"]["data"].get("stack") or "") in wanted,
        "lifecycle_type": lambda app, wanted: app["lifecycle"]["type"] in wanted,
    }
    found = pick(request, "app", filters, space_guid=visible_spaces(request))
    order = ("created_at", "updated_at", "name", "state")
    return listing(request, found, present_app, filters=filters, order_by=order, include=INCLUDE)


@route("GET", "/v3/apps/<guid>")
def show_app(request: ApiRequest, guid: str) -> Answer:
    """One app."""
    app = the_app(request, guid)
    return with_included(request, app, present_app(request, app), INCLUDE)


@route("POST", "/v3/apps")
def post_app(request: ApiRequest) -> Answer:
    """A new, stopped app; 422 `CF-UniquenessError` when the space has one of that name."""
    body = Body(request.json(), "name", "relationships", "environment_variables", "lifecycle", "metadata")
    name = body.string("name", required=True)
    space = body.relationship("space")
    variables = body.object("environment_variables")
    body.problems += [f"Environment variables {one}" for one in environment_problems(variables)]
    given = lifecycle(body)
    body.check()
    if request.context.store.get("space", space) is None or not can_see_space(request, space):
        raise unprocessable("Invalid space. Ensure that the space exists and you have access to it.")
    require_space_role(request, space, *DEVELOPER)
    with request.context.store.lock:
        check_name(request.context, space, name)
        app = create_app(
            request.context,
            actor(request.user),
            name=name,
            space_guid=space,
            lifecycle=given,
            environment=variables,
            metadata=merged(None, body.values),
        )
    return present_app(request, app), 201


def check_name(cloud: Cloud, space_guid: str, name: str, but: str = "") -> None:
    """422 when another app of the space has the name."""
    if any(one["guid"] != but for one in cloud.store.find("app", space_guid=space_guid, name=name)):
        raise not_unique(f"App with the name '{name}' already exists.")


def lifecycle(body: Body, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The lifecycle that a body asks for, over what there was; problems go into the body's."""
    base = before or {"type": "buildpack", "data": {"buildpacks": [], "stack": DEFAULT_STACK}}
    given = body.object("lifecycle")
    if not given:
        return base
    kind, data = given.get("type", base["type"]), given.get("data", {})
    if kind != "buildpack":
        body.problems.append(f"Lifecycle type is not included in the list: buildpack; got {kind!r}")
    if not isinstance(data, dict):
        body.problems.append("Lifecycle data must be an object")
        return base
    merged_data = {**base["data"], **data}
    body.problems += lifecycle_problems(merged_data)
    chosen = {"buildpacks": merged_data["buildpacks"] or [], "stack": merged_data["stack"] or DEFAULT_STACK}
    return {"type": "buildpack", "data": {**merged_data, **chosen}}


def lifecycle_problems(data: dict[str, Any]) -> list[str]:
    """What is wrong with a lifecycle's data."""
    found = [
        f"Unknown field(s): '{key}'" for key in data if key not in ("buildpacks", "stack", "credentials")
    ]
    names = data.get("buildpacks") or []
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        return [*found, "Lifecycle Buildpacks can only contain strings"]
    found += [
        f'Buildpack "{name}" must be an existing admin buildpack or a valid git URI'
        for name in names
        if known_buildpack(name) is None and "://" not in name
    ]
    stack = data.get("stack")
    if stack is not None and not isinstance(stack, str):
        found.append("Lifecycle Stack must be a string")
    elif stack not in (None, DEFAULT_STACK):
        found.append("Stack must be an existing stack")
    return found


@route("PATCH", "/v3/apps/<guid>")
def patch_app(request: ApiRequest, guid: str) -> Answer:
    """Another name, lifecycle or metadata."""
    app = the_app(request, guid, *DEVELOPER)
    body = Body(request.json(), "name", "lifecycle", "metadata")
    name = body.string("name", app["name"], required="name" in body)
    given = lifecycle(body, app["lifecycle"])
    body.check()
    with request.context.store.lock:
        check_name(request.context, app["space_guid"], name, guid)
        app = request.context.store.update(
            "app", guid, name=name, lifecycle=given, metadata=merged(app["metadata"], body.values)
        )
    audit_app(request.context, "audit.app.update", actor(request.user), app, {"request": body.values})
    return present_app(request, app)


@route("DELETE", "/v3/apps/<guid>")
def delete_app(request: ApiRequest, guid: str) -> Answer:
    """Stop and delete an app, by a job."""
    app = the_app(request, guid, *DEVELOPER)
    audit_app(request.context, "audit.app.delete-request", actor(request.user), app, {})
    job = jobs.start(request.context, "app.delete", {"guid": guid}, {"app": f"/v3/apps/{guid}"})
    return jobs.answered(request, job)


def _delete(cloud: Cloud, data: dict[str, Any]) -> None:
    cloud.runtime.delete_app(data["guid"])


jobs.register("app.delete", _delete)
jobs.register("app.clear_buildpack_cache", lambda cloud, data: None)


@route("POST", "/v3/apps/<guid>/actions/start")
def start(request: ApiRequest, guid: str) -> Answer:
    """Run it; 422 without a droplet."""
    app = the_app(request, guid, *DEVELOPER_OR_SUPPORTER)
    if app["state"] != "STARTED":
        app = start_app(request.context, actor(request.user), app)
    return present_app(request, app)


@route("POST", "/v3/apps/<guid>/actions/stop")
def stop(request: ApiRequest, guid: str) -> Answer:
    """Stop it."""
    app = the_app(request, guid, *DEVELOPER_OR_SUPPORTER)
    if app["state"] != "STOPPED":
        app = stop_app(request.context, actor(request.user), app)
    return present_app(request, app)


@route("POST", "/v3/apps/<guid>/actions/restart")
def restart(request: ApiRequest, guid: str) -> Answer:
    """Stop and start it; 422 without a droplet."""
    app = the_app(request, guid, *DEVELOPER_OR_SUPPORTER)
    return present_app(request, restart_app(request.context, actor(request.user), app))


@route("POST", "/v3/apps/<guid>/actions/clear_buildpack_cache")
def clear_buildpack_cache(request: ApiRequest, guid: str) -> Answer:
    """There is no cache, so the job has nothing to do."""
    the_app(request, guid, *DEVELOPER)
    job = jobs.start(request.context, "app.clear_buildpack_cache", {}, {"app": f"/v3/apps/{guid}"})
    return jobs.answered(request, job)


@route("GET", "/v3/apps/<guid>/relationships/current_droplet")
def show_current_droplet(request: ApiRequest, guid: str) -> Answer:
    """Which droplet is current; 404 "Droplet not found" without one."""
    app = the_app(request, guid)
    if current_droplet(request.context, app) is None:
        raise not_found("Droplet")
    return droplet_relationship(request, app)


def droplet_relationship(request: ApiRequest, app: Document) -> dict[str, Any]:
    """The relationship to the current droplet as the API shows it."""
    base = f"/v3/apps/{app['guid']}"
    return {
        **to_one(app["current_droplet_guid"]),
        "links": {
            "self": request.href(f"{base}/relationships/current_droplet"),
            "related": request.href(f"{base}/droplets/current"),
        },
    }
