"""Tasks: commands that run once beside an app (platform API §6)."""

from __future__ import annotations

import secrets
from typing import Any

from ..app_life import audit_app
from ..bodies import Body
from ..context import actor
from ..errors import feature_disabled, unprocessable
from ..listing import Filter, listing, pick
from ..lookup import HIDDEN_FROM_YOU, children, common_filters, the_app, the_child, to_one
from ..metadata import merged, present
from ..process_rules import MAX_COMMAND
from ..processes import DEFAULT_DISK_IN_MB, current_droplet
from ..quota_rules import check_task
from ..rights import DEVELOPER, DEVELOPER_OR_SUPPORTER, has_space_role
from ..running import runtime
from ..store import Document
from ..web import Answer, ApiRequest, route

NO_DROPLET = "Task must have a droplet. Specify droplet or assign current droplet to app."
DEFAULT_MEMORY_IN_MB = 1024
ENDED = frozenset({"SUCCEEDED", "FAILED"})
SIZES = ("memory_in_mb", "disk_in_mb", "log_rate_limit_in_bytes_per_second")


def present_task(request: ApiRequest, task: Document) -> dict[str, Any]:
    """A task as the API shows it alone; its command only to developers."""
    app = request.context.store.get("app", task["app_guid"]) or {}
    open_to = has_space_role(request, app.get("space_guid"), *DEVELOPER)
    listed = present_listed(request, task)
    command = task["command"] if open_to else HIDDEN_FROM_YOU
    return {**dict(list(listed.items())[:3]), "command": command, **dict(list(listed.items())[3:])}


def present_listed(request: ApiRequest, task: Document) -> dict[str, Any]:
    """A task as lists show it: without its command."""
    base = f"/v3/tasks/{task['guid']}"
    return {
        "guid": task["guid"],
        "sequence_id": task["sequence_id"],
        "name": task["name"],
        "user": task["user"],
        "state": task["state"],
        "memory_in_mb": task["memory_in_mb"],
        "disk_in_mb": task["disk_in_mb"],
        "log_rate_limit_in_bytes_per_second": task["log_rate_limit_in_bytes_per_second"],
        "result": {"failure_reason": task["failure_reason"]},
        "droplet_guid": task["droplet_guid"],
        "metadata": present(task["metadata"]),
        "created_at": task["created_at"],
        "updated_at": task["updated_at"],
        "relationships": {"app": to_one(task["app_guid"])},
        "links": {
            "self": request.href(base),
            "app": request.href(f"/v3/apps/{task['app_guid']}"),
            "cancel": {**request.href(f"{base}/actions/cancel"), "method": "POST"},
            "droplet": request.href(f"/v3/droplets/{task['droplet_guid']}"),
        },
    }


@route("GET", "/v3/tasks")
def list_tasks(request: ApiRequest) -> Answer:
    """All tasks that the caller can see."""
    filters = common_filters(request, names="name", states="state")
    return listing(request, children(request, "task", filters), present_listed, filters=filters)


@route("GET", "/v3/apps/<guid>/tasks")
def list_tasks_of_app(request: ApiRequest, guid: str) -> Answer:
    """An app's tasks; developers see the commands here."""
    app = the_app(request, guid)
    filters: dict[str, Filter] = {"names": "name", "states": "state", "sequence_ids": "sequence_id"}
    found = pick(request, "task", {"names": "name", "states": "state"}, app_guid=guid)
    shown = present_task if has_space_role(request, app["space_guid"], *DEVELOPER) else present_listed
    return listing(request, found, shown, filters=filters)


@route("GET", "/v3/tasks/<guid>")
def show_task(request: ApiRequest, guid: str) -> Answer:
    """One task."""
    return present_task(request, the_child(request, "task", guid)[0])


@route("PATCH", "/v3/tasks/<guid>")
def patch_task(request: ApiRequest, guid: str) -> Answer:
    """Other metadata."""
    task, _app = the_child(request, "task", guid, *DEVELOPER)
    body = Body(request.json(), "metadata")
    body.check()
    changed = request.context.store.update("task", guid, metadata=merged(task["metadata"], body.values))
    return present_task(request, changed)


@route("POST", "/v3/apps/<guid>/tasks")
def post_task(request: ApiRequest, guid: str) -> Answer:
    """Run a command with the app's droplet, environment and bindings as they are now."""
    app = the_app(request, guid, *DEVELOPER)
    flag = request.context.store.first("feature_flag", name="task_creation")
    if flag is not None and not flag["enabled"] and not request.caller.is_admin:
        raise feature_disabled("task_creation")
    body = Body(request.json(), "name", "command", "template", "droplet_guid", "user", "metadata", *SIZES)
    template = _template(request, body, app)
    command = body.string("command", template.get("command"), longest=MAX_COMMAND, required=not template)
    if "\0" in command:
        body.problems.append("Command must not contain NUL")
    name = body.string("name", secrets.token_hex(4))
    sizes = _sizes(body, template)
    user = body.string("user", "vcap", null=True)
    droplet_guid = body.string("droplet_guid", app["current_droplet_guid"], null=True)
    body.check()
    droplet = request.context.store.get("droplet", droplet_guid)
    if droplet is None or droplet["app_guid"] != guid or droplet["state"] != "STAGED":
        raise unprocessable(NO_DROPLET)
    values = {"name": name, "command": command, "user": user, "droplet_guid": droplet["guid"], **sizes}
    task = _create(request, app, {**values, "metadata": merged(None, body.values)})
    shown = {"name": name, "memory_in_mb": sizes["memory_in_mb"], "command": HIDDEN_FROM_YOU}
    data = {"task_guid": task["guid"], "request": shown}
    audit_app(request.context, "audit.app.task.create", actor(request.user), app, data)
    runtime(request.context).run_task(task, app, command)
    return present_task(request, task), 202


def _template(request: ApiRequest, body: Body, app: Document) -> dict[str, Any]:
    given = body.object("template")
    if not given:
        return {}
    process_guid = (
        (given.get("process") or {}).get("guid") if isinstance(given.get("process"), dict) else None
    )
    process = request.context.store.get("process", process_guid)
    if process is None or process["app_guid"] != app["guid"]:
        raise unprocessable("Template process not found")
    droplet = current_droplet(request.context, app) or {}
    detected = (droplet.get("process_types") or {}).get(process["type"])
    return {**process, "command": process["command"] or detected or ""}


def _sizes(body: Body, template: dict[str, Any]) -> dict[str, Any]:
    defaults = (DEFAULT_MEMORY_IN_MB, DEFAULT_DISK_IN_MB, -1)
    found = {}
    for key, default in zip(SIZES, defaults, strict=True):
        least = -1 if key.startswith("log_rate") else 1
        found[key] = body.integer(key, template.get(key, default), least=least)
    return found


def _create(request: ApiRequest, app: Document, values: dict[str, Any]) -> Document:
    store = request.context.store
    with store.lock:
        check_task(request.context, app, values["memory_in_mb"])
        last = max([one["sequence_id"] for one in store.find("task", app_guid=app["guid"])], default=0)
        document = {
            "app_guid": app["guid"],
            "state": "PENDING",
            "failure_reason": None,
            "sequence_id": last + 1,
        }
        return store.create("task", {**document, **values})


@route("POST", "/v3/tasks/<guid>/actions/cancel")
def cancel_task(request: ApiRequest, guid: str) -> Answer:
    """End a task's command; 422 when it has ended."""
    task, app = the_child(request, "task", guid, *DEVELOPER_OR_SUPPORTER)
    with request.context.store.lock:
        task = request.context.store.get("task", guid) or task
        if task["state"] in ENDED:
            raise unprocessable(f"Task state is {task['state']} and therefore cannot be canceled")
        task = request.context.store.update("task", guid, state="CANCELING")
    audit_app(request.context, "audit.app.task.cancel", actor(request.user), app, {"task_guid": guid})
    runtime(request.context).cell.cancel_task(guid)
    return present_task(request, task), 202


@route("PUT", "/v3/tasks/<guid>/cancel")
def cancel_task_the_old_way(request: ApiRequest, guid: str) -> Answer:
    """The form that the cf CLI v7 uses."""
    return cancel_task(request, guid)
