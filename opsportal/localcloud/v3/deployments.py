"""Deployments: replacing what runs without a gap (platform API §4.7)."""

from __future__ import annotations

from typing import Any

from ..bodies import Body
from ..context import actor
from ..deploying import ACTIVE, canary_weights, cancel, create_deployment, go_on
from ..errors import unprocessable
from ..listing import listing
from ..lookup import children, common_filters, the_child, to_one
from ..metadata import merged, present
from ..processes import current_droplet
from ..revisioning import is_deployable, same_as_deployed
from ..rights import DEVELOPER_OR_SUPPORTER, can_see_space, require_space_role
from ..store import Document
from ..web import Answer, ApiRequest, route

NO_APP = "Unable to use app. Ensure that the app exists and you have access to it."
NO_DROPLET = "Invalid droplet. Please specify a droplet in the request or set a current droplet for the app."
WRONG_DROPLET = "Unable to assign current droplet. Ensure the droplet exists and belongs to this app."
SAME = "Unable to rollback. The code and configuration you are rolling back to is the same as the deployed revision."
GONE = "Unable to deploy this revision, the droplet for this revision no longer exists."
NO_REVISIONS = "Cannot create deployment from a revision for an app without revisions enabled"
OPTIONS = (
    "max_in_flight",
    "canary",
    "web_instances",
    "memory_in_mb",
    "disk_in_mb",
    "log_rate_limit_in_bytes_per_second",
)


def present_deployment(request: ApiRequest, deployment: Document) -> dict[str, Any]:
    """A deployment as the API shows it."""
    base = f"/v3/deployments/{deployment['guid']}"
    links: dict[str, Any] = {
        "self": request.href(base),
        "app": request.href(f"/v3/apps/{deployment['app_guid']}"),
    }
    status: dict[str, Any] = {
        "value": deployment["status_value"],
        "reason": deployment["status_reason"],
        "details": {
            "last_successful_healthcheck": deployment["last_successful_healthcheck"],
            "last_status_change": deployment["last_status_change"],
        },
    }
    if deployment["status_value"] == ACTIVE:
        links["cancel"] = {**request.href(f"{base}/actions/cancel"), "method": "POST"}
        if deployment["status_reason"] == "PAUSED":
            links["continue"] = {**request.href(f"{base}/actions/continue"), "method": "POST"}
    if deployment["strategy"] == "canary":
        total = max(1, len(canary_weights(deployment)))
        status["canary"] = {"steps": {"current": deployment["canary_step"] or total, "total": total}}
    previous = deployment["previous_droplet_guid"]
    return {
        "guid": deployment["guid"],
        "status": status,
        "strategy": deployment["strategy"],
        "options": {"max_in_flight": 1, **deployment["options"]},
        "droplet": {"guid": deployment["droplet_guid"]},
        "previous_droplet": {"guid": previous} if previous else {"guid": None},
        "new_processes": deployment["new_processes"],
        "revision": deployment["revision"],
        "created_at": deployment["created_at"],
        "updated_at": deployment["updated_at"],
        "metadata": present(deployment["metadata"]),
        "relationships": {"app": to_one(deployment["app_guid"])},
        "links": links,
    }


@route("GET", "/v3/deployments")
def list_deployments(request: ApiRequest) -> Answer:
    """All deployments that the caller can see."""
    filters = common_filters(
        request,
        states=_has_state,
        status_values="status_value",
        status_reasons="status_reason",
    )
    return listing(request, children(request, "deployment", filters), present_deployment, filters=filters)


def _has_state(deployment: Document, wanted: frozenset[str]) -> bool:
    """The old filter `states`, whose words are partly the reasons of today."""
    return bool(wanted & {deployment["status_value"], deployment["status_reason"]})


@route("GET", "/v3/deployments/<guid>")
def show_deployment(request: ApiRequest, guid: str) -> Answer:
    """One deployment."""
    return present_deployment(request, the_child(request, "deployment", guid)[0])


@route("PATCH", "/v3/deployments/<guid>")
def patch_deployment(request: ApiRequest, guid: str) -> Answer:
    """Other metadata."""
    deployment, _app = the_child(request, "deployment", guid, *DEVELOPER_OR_SUPPORTER)
    body = Body(request.json(), "metadata")
    body.check()
    metadata = merged(deployment["metadata"], body.values)
    return present_deployment(request, request.context.store.update("deployment", guid, metadata=metadata))


@route("POST", "/v3/deployments/<guid>/actions/cancel")
def cancel_deployment(request: ApiRequest, guid: str) -> Answer:
    """Go back to what ran before; empty answer."""
    deployment, _app = the_child(request, "deployment", guid, *DEVELOPER_OR_SUPPORTER)
    cancel(request.context, actor(request.user), deployment)
    return None, 200


@route("POST", "/v3/deployments/<guid>/actions/continue")
def continue_deployment(request: ApiRequest, guid: str) -> Answer:
    """Let a paused canary go on; empty answer."""
    deployment, _app = the_child(request, "deployment", guid, *DEVELOPER_OR_SUPPORTER)
    go_on(request.context, actor(request.user), deployment)
    return None, 200


@route("POST", "/v3/deployments")
def post_deployment(request: ApiRequest) -> Answer:
    """Begin a deployment of a droplet, of a revision, or of what is current."""
    body = Body(request.json(), "relationships", "droplet", "revision", "strategy", "options", "metadata")
    app_guid = body.relationship("app")
    strategy = body.choice("strategy", ("rolling", "canary"), "rolling")
    options = _options(body, strategy)
    if body.object("droplet") and body.object("revision"):
        body.problems.append("Cannot set both fields 'droplet' and 'revision'")
    body.check()
    app = request.context.store.get("app", app_guid)
    if app is None or not can_see_space(request, app["space_guid"]):
        raise unprocessable(NO_APP)
    require_space_role(request, app["space_guid"], *DEVELOPER_OR_SUPPORTER, resource="App")
    droplet, revision = _wanted(request, body, app)
    deployment = create_deployment(
        request.context,
        actor(request.user),
        app,
        droplet,
        strategy=strategy,
        options=options,
        metadata=merged(None, body.values),
        revision=revision,
    )
    return present_deployment(request, deployment), 201


def _wanted(request: ApiRequest, body: Body, app: Document) -> tuple[Document, Document | None]:
    store = request.context.store
    if body.object("revision"):
        revision = store.get("revision", body.object("revision").get("guid"))
        if not app["features"]["revisions"]:
            raise unprocessable(NO_REVISIONS)
        if revision is None or revision["app_guid"] != app["guid"]:
            raise unprocessable("The revision does not exist")
        droplet = store.get("droplet", revision["droplet_guid"])
        if droplet is None or not is_deployable(request.context, revision):
            raise unprocessable(GONE)
        if same_as_deployed(request.context, app, revision):
            raise unprocessable(SAME)
        return droplet, revision
    if body.object("droplet"):
        droplet = store.get("droplet", body.object("droplet").get("guid"))
        if droplet is None or droplet["app_guid"] != app["guid"] or droplet["state"] != "STAGED":
            raise unprocessable(WRONG_DROPLET)
        return droplet, None
    droplet = current_droplet(request.context, app)
    if droplet is None:
        raise unprocessable(NO_DROPLET)
    return droplet, None


def _options(body: Body, strategy: str) -> dict[str, Any]:
    given = body.object("options")
    checked = Body(given, *OPTIONS)
    checked.integer("max_in_flight", 1, least=1)
    checked.integer("web_instances", least=1)
    checked.integer("memory_in_mb", least=1)
    checked.integer("disk_in_mb", least=1)
    checked.integer("log_rate_limit_in_bytes_per_second", least=-1)
    if "canary" in given:
        if strategy != "canary":
            checked.problems.append("Canary options are only valid for canary deployments")
        checked.problems += _canary_problems(given["canary"])
    body.problems += [
        f"Options {problem}" if problem.startswith("Unknown") else problem for problem in checked.problems
    ]
    return {key: value for key, value in given.items() if value is not None}


def _canary_problems(canary: Any) -> list[str]:
    if not isinstance(canary, dict):
        return ["Options.canary must be an object"]
    unknown = [f"Options.canary Unknown field(s): '{key}'" for key in canary if key != "steps"]
    steps = canary.get("steps")
    if steps is None:
        return unknown
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        return [*unknown, "Options.canary.steps must be an array of objects"]
    weights = [step.get("instance_weight") for step in steps]
    if not all(isinstance(one, int) and not isinstance(one, bool) and 1 <= one <= 100 for one in weights):
        return [
            *unknown,
            "Options.canary.steps instance_weight must be an integer between 1 and 100 (inclusive)",
        ]
    if weights != sorted(weights):
        return [*unknown, "Options.canary.steps instance_weight must be sorted in ascending order"]
    return unknown
