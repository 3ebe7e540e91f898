"""Processes: their settings, their scale, and how their instances are (platform API §4.8)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..app_life import audit_app, said_update
from ..bodies import Body
from ..cell.spec import InstanceView
from ..context import actor
from ..deploying import active
from ..errors import bad_query, not_found, unprocessable
from ..listing import listing, pick
from ..lookup import HIDDEN, HIDDEN_FROM_YOU, children, common_filters, the_app, the_child, to_one
from ..metadata import merged, present
from ..process_rules import SIZES, command_problem, health_problems, merged_health, size_problems
from ..processes import detected_command, newest
from ..quota_rules import check_growth, size_of
from ..rights import DEVELOPER, DEVELOPER_OR_SUPPORTER, has_space_role
from ..running import runtime
from ..store import Document
from ..web import Answer, ApiRequest, route

IN_FLIGHT = "Cannot scale this process while a deployment is in flight."
MEGABYTE = 1024 * 1024
FILE_DESCRIPTORS = 16384


def present_process(request: ApiRequest, process: Document) -> dict[str, Any]:
    """A process as the API shows it alone, its command included where the caller may read it."""
    app = request.context.store.get("app", process["app_guid"]) or {}
    secrets = request.caller.sees_everything or has_space_role(
        request, app.get("space_guid"), "space_developer", "space_supporter"
    )
    command = process["command"] or (detected_command(request.context, app, process["type"]) if app else None)
    shown = _shown(request, process, app, command if secrets or command is None else HIDDEN_FROM_YOU)
    return shown | _embedded(request, process, app)


def present_listed(request: ApiRequest, process: Document) -> dict[str, Any]:
    """A process as lists show it."""
    app = request.context.store.get("app", process["app_guid"]) or {}
    return _shown(request, process, app, HIDDEN) | _embedded(request, process, app)


def _embedded(request: ApiRequest, process: Document, app: Document) -> dict[str, Any]:
    """What `embed=process_instances` adds."""
    wanted = request.params.get("embed")
    if wanted is None:
        return {}
    if wanted != "process_instances":
        raise bad_query("Invalid embed type. Valid embed types are: 'process_instances'")
    return {"process_instances": _instances(request, process, app)}


def _instances(request: ApiRequest, process: Document, app: Document) -> list[dict[str, Any]]:
    """The state of each instance, in few words; `since` in seconds."""
    found = stats(request, app, process)["resources"]
    return [{"index": one["index"], "state": one["state"], "since": one["uptime"]} for one in found]


def _shown(
    request: ApiRequest, process: Document, app: dict[str, Any], command: str | None
) -> dict[str, Any]:
    base = f"/v3/processes/{process['guid']}"
    return {
        "guid": process["guid"],
        "created_at": process["created_at"],
        "updated_at": process["updated_at"],
        "version": process["version"],
        "type": process["type"],
        "command": command,
        "user": process["user"],
        "instances": process["instances"],
        "memory_in_mb": process["memory_in_mb"],
        "disk_in_mb": process["disk_in_mb"],
        "log_rate_limit_in_bytes_per_second": process["log_rate_limit_in_bytes_per_second"],
        "health_check": _check(process["health_check"], ("timeout", "invocation_timeout", "interval")),
        "readiness_health_check": _check(
            process["readiness_health_check"], ("invocation_timeout", "interval")
        ),
        "relationships": {"app": to_one(process["app_guid"]), "revision": _revision(process)},
        "metadata": present(process["metadata"]),
        "links": {
            "self": request.href(base),
            "scale": {**request.href(f"{base}/actions/scale"), "method": "POST"},
            "app": request.href(f"/v3/apps/{process['app_guid']}"),
            "space": request.href(f"/v3/spaces/{app.get('space_guid')}"),
            "stats": request.href(f"{base}/stats"),
            "process_instances": request.href(f"{base}/process_instances"),
        },
    }


def _revision(process: Document) -> dict[str, Any] | None:
    return to_one(process["revision_guid"]) if process["revision_guid"] else None


def _check(check: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    data: dict[str, Any] = {key: check["data"].get(key) for key in keys}
    if check["type"] == "http":
        data["endpoint"] = check["data"].get("endpoint") or "/"
    return {"type": check["type"], "data": data}


def the_process_of_type(request: ApiRequest, app: Document, kind: str) -> Document:
    """The newest process of a type of an app; 404 "Process not found" otherwise."""
    process = newest(request.context, app["guid"], kind)
    if process is None:
        raise not_found("Process")
    return process


@route("GET", "/v3/processes")
def list_processes(request: ApiRequest) -> Answer:
    """All processes that the caller can see."""
    filters = common_filters(request, types="type")
    return listing(
        request, children(request, "process", filters), present_listed, filters=filters, other=["embed"]
    )


@route("GET", "/v3/apps/<guid>/processes")
def list_processes_of_app(request: ApiRequest, guid: str) -> Answer:
    """An app's processes; two of type web while a deployment is under way."""
    the_app(request, guid)
    found = pick(request, "process", {"types": "type"}, app_guid=guid)
    return listing(request, found, present_listed, filters={"types": "type"}, other=["embed"])


@route("GET", "/v3/processes/<guid>")
def show_process(request: ApiRequest, guid: str) -> Answer:
    """One process."""
    return present_process(request, the_child(request, "process", guid)[0])


@route("GET", "/v3/apps/<guid>/processes/<kind>")
def show_process_of_app(request: ApiRequest, guid: str, kind: str) -> Answer:
    """An app's newest process of a type."""
    return present_process(request, the_process_of_type(request, the_app(request, guid), kind))


@route("PATCH", "/v3/processes/<guid>")
def patch_process(request: ApiRequest, guid: str) -> Answer:
    """Other settings, which take effect at the next start."""
    process, app = the_child(request, "process", guid, *DEVELOPER)
    return _patch(request, app, process)


@route("PATCH", "/v3/apps/<guid>/processes/<kind>")
def patch_process_of_app(request: ApiRequest, guid: str, kind: str) -> Answer:
    """The same, by type."""
    app = the_app(request, guid, *DEVELOPER)
    return _patch(request, app, the_process_of_type(request, app, kind))


def _patch(request: ApiRequest, app: Document, process: Document) -> Answer:
    body = Body(request.json(), "command", "user", "health_check", "readiness_health_check", "metadata")
    given = body.values
    problem = command_problem(given.get("command"))
    body.problems += [problem] if problem else []
    if "health_check" in body:
        body.problems += health_problems(given["health_check"], "Health check")
    if "readiness_health_check" in body:
        noun = "Readiness health check"
        body.problems += health_problems(given["readiness_health_check"], noun, readiness=True)
    user = body.string("user", process["user"], null=True)
    body.check()
    changes: dict[str, Any] = {"user": user or "vcap", "metadata": merged(process["metadata"], given)}
    if "command" in body:
        changes["command"] = given["command"]
    for key in ("health_check", "readiness_health_check"):
        if key in body:
            changes[key] = merged_health(process[key], given[key])
    process = request.context.store.update("process", process["guid"], **changes)
    shown = {**given, "command": HIDDEN_FROM_YOU} if "command" in given else given
    _audit(request, "audit.app.process.update", app, process, shown)
    return present_process(request, process)


def _audit(request: ApiRequest, kind: str, app: Document, process: Document, data: dict[str, Any]) -> None:
    facts = {"process_guid": process["guid"], "process_type": process["type"], "request": data}
    audit_app(request.context, kind, actor(request.user), app, facts)


@route("POST", "/v3/processes/<guid>/actions/scale")
def scale_process(request: ApiRequest, guid: str) -> Answer:
    """Another number of instances at once, other sizes from the next start."""
    process, app = the_child(request, "process", guid, *DEVELOPER_OR_SUPPORTER)
    return _scale(request, app, process)


@route("POST", "/v3/apps/<guid>/processes/<kind>/actions/scale")
def scale_process_of_app(request: ApiRequest, guid: str, kind: str) -> Answer:
    """The same, by type."""
    app = the_app(request, guid, *DEVELOPER_OR_SUPPORTER)
    return _scale(request, app, the_process_of_type(request, app, kind))


def _scale(request: ApiRequest, app: Document, process: Document) -> Answer:
    body = Body(request.json(), *SIZES)
    body.problems += size_problems(body.values)
    body.check()
    changes = {key: value for key, value in body.values.items() if value is not None}
    with request.context.store.lock:
        if process["type"] == "web" and active(request.context, app["guid"]) is not None:
            raise unprocessable(IN_FLIGHT)
        if app["state"] == "STARTED":
            check_growth(request.context, app, [size_of({**process, **changes})], [size_of(process)])
        process = request.context.store.update("process", process["guid"], **changes)
    _audit(request, "audit.app.process.scale", app, process, changes)
    said_update(request.context, app, changes)
    runtime(request.context).converge_app(app["guid"])
    return present_process(request, process), 202


@route("GET", "/v3/processes/<guid>/stats")
def show_stats(request: ApiRequest, guid: str) -> Answer:
    """How each instance is."""
    process, app = the_child(request, "process", guid)
    return stats(request, app, process)


@route("GET", "/v3/apps/<guid>/processes/<kind>/stats")
def show_stats_of_app(request: ApiRequest, guid: str, kind: str) -> Answer:
    """The same, by type."""
    app = the_app(request, guid)
    return stats(request, app, the_process_of_type(request, app, kind))


def stats(request: ApiRequest, app: Document, process: Document) -> dict[str, Any]:
    """The stats of all instances that there should be; DOWN where there is none (yet).

    What is ending, or runs as it was before a stop or restart, is none of them.
    """
    version = (process["running"] or {}).get("version") if app["state"] == "STARTED" else None
    seen = runtime(request.context).cell.views(process["guid"]) if version else []
    views = {one.index: one for one in seen if one.version == version}
    return {"resources": [_stat(process, index, views.get(index)) for index in range(process["instances"])]}


def _stat(process: Document, index: int, view: InstanceView | None) -> dict[str, Any]:
    if view is None:
        return {
            "type": process["type"],
            "index": index,
            "state": "DOWN",
            "routable": False,
            "uptime": 0,
            "isolation_segment": None,
            "details": None,
        }
    sizes = process["running"] or process
    ports = [
        {
            "external": view.port,
            "internal": view.port,
            "external_tls_proxy_port": None,
            "internal_tls_proxy_port": None,
        }
    ]
    return {
        "type": process["type"],
        "index": index,
        "instance_guid": view.guid,
        "state": view.state,
        "routable": view.routable,
        "host": "127.0.0.1",
        "instance_internal_ip": "127.0.0.1",
        "instance_ports": ports if view.port else [],
        "uptime": view.uptime,
        "mem_quota": sizes["memory_in_mb"] * MEGABYTE,
        "disk_quota": sizes["disk_in_mb"] * MEGABYTE,
        "log_rate_limit": process["log_rate_limit_in_bytes_per_second"],
        "fds_quota": FILE_DESCRIPTORS,
        "isolation_segment": None,
        "details": view.details,
        "usage": {
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "cpu": view.cpu,
            "cpu_entitlement": view.cpu,
            "mem": view.memory_bytes,
            "disk": 0,
            "log_rate": 0,
        },
    }


@route("GET", "/v3/processes/<guid>/process_instances")
def list_instances(request: ApiRequest, guid: str) -> Answer:
    """The state of each instance, in few words; `since` in seconds."""
    process, app = the_child(request, "process", guid)
    base = f"/v3/processes/{guid}"
    return {
        "resources": _instances(request, process, app),
        "links": {"self": request.href(f"{base}/process_instances"), "process": request.href(base)},
    }


@route("DELETE", "/v3/processes/<guid>/instances/<index>")
def delete_instance(request: ApiRequest, guid: str, index: str) -> Answer:
    """End one instance; the platform starts it again."""
    process, app = the_child(request, "process", guid, *DEVELOPER_OR_SUPPORTER)
    return end_instance(request, app, process, index)


@route("DELETE", "/v3/apps/<guid>/processes/<kind>/instances/<index>")
def delete_instance_of_app(request: ApiRequest, guid: str, kind: str, index: str) -> Answer:
    """The same, by type."""
    app = the_app(request, guid, *DEVELOPER_OR_SUPPORTER)
    return end_instance(request, app, the_process_of_type(request, app, kind), index)


def end_instance(request: ApiRequest, app: Document, process: Document, index: str) -> Answer:
    """Have the cell replace one instance; 404 "Instance not found" when there is none of that number."""
    if not (index.isascii() and index.isdigit()) or int(index) >= process["instances"]:
        raise not_found("Instance")
    runtime(request.context).cell.restart_instance(process["guid"], int(index))
    _audit(request, "audit.app.process.terminate_instance", app, process, {"index": int(index)})
    return None, 204
