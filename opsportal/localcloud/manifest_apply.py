"""Carrying a manifest out: additive, part by part, in the platform's order (platform API §4.10)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from . import metadata as labels
from .app_life import DEFAULT_STACK, audit_app, create_app
from .bindings import bind_app
from .deploying import active
from .errors import ApiError, resource_not_found, unprocessable
from .lookup import HIDDEN_FROM_YOU
from .manifest_rules import Wanted, as_text, rate_in_bytes, size_in_mb
from .mapping import create_route, destinations_of, domains_of, find_route, map_route, split_address, unmap
from .process_rules import merged_health
from .processes import create_process, newest
from .quota_rules import check_growth, size_of
from .routing import routes_of
from .running import runtime
from .services import instances_of_space

if TYPE_CHECKING:
    from .context import Cloud
    from .store import Document

IN_FLIGHT = "Cannot scale this process while a deployment is in flight."
OTHER_SPACE = "Routes cannot be mapped to destinations in different spaces"
WORDS = ("brave", "calm", "eager", "gentle", "happy", "kind", "lively", "proud", "quick", "wise")
ANIMALS = ("badger", "crane", "dingo", "eland", "gecko", "heron", "lynx", "otter", "robin", "tapir")


def find_app(cloud: Cloud, space_guid: str, name: str) -> Document | None:
    """The app of that name in a space."""
    return cloud.store.first("app", space_guid=space_guid, name=name)


def ensure_app(cloud: Cloud, who: dict[str, str], space_guid: str, wanted: Wanted) -> Document:
    """The app, made now if the space has none of that name."""
    with cloud.store.lock:
        found = find_app(cloud, space_guid, wanted.name)
        if found is not None:
            return found
        return create_app(
            cloud, who, name=wanted.name, space_guid=space_guid, lifecycle=lifecycle_of(wanted, None)
        )


def apply_one(cloud: Cloud, who: dict[str, str], space_guid: str, wanted: Wanted) -> None:
    """Apply one application's settings; ApiError with "For application 'x': …" when a part cannot be."""
    app = ensure_app(cloud, who, space_guid, wanted)
    try:
        _apply_features(cloud, app, wanted)
        _apply_processes(cloud, who, app, wanted)
        app = _apply_app(cloud, app, wanted)
        _apply_routes(cloud, who, app, wanted)
        app = _apply_environment(cloud, app, wanted)
        _apply_services(cloud, who, app, wanted)
    except ApiError as error:
        if error.detail.startswith("For application"):
            raise
        detail = f"For application '{wanted.name}': {error.detail}"
        raise ApiError(error.status, error.code, error.title, detail) from error
    manifest = {**wanted.keys, **({"env": "[PRIVATE DATA HIDDEN]"} if "env" in wanted.keys else {})}
    audit_app(cloud, "audit.app.apply_manifest", who, app, {"request": {"manifest": manifest}})
    runtime(cloud).say(app["guid"], "API", "Applied manifest to app with guid " + app["guid"])


def _apply_features(cloud: Cloud, app: Document, wanted: Wanted) -> None:
    given = wanted.keys.get("features")
    if not given:
        return
    unknown = [name for name in given if name not in app["features"]]
    if unknown:
        raise unprocessable(
            f"Features must be a map of valid feature names to booleans; unknown: {unknown[0]}"
        )
    cloud.store.update("app", app["guid"], features={**app["features"], **given})


def _apply_processes(cloud: Cloud, who: dict[str, str], app: Document, wanted: Wanted) -> None:
    for kind, settings in wanted.processes.items():
        with cloud.store.lock:
            process = newest(cloud, app["guid"], kind) or create_process(cloud, who, app, kind)
            changes = process_changes(process, settings)
            if changes:
                cloud.store.update("process", process["guid"], **changes)
                _note_process(cloud, who, app, process, "update", changes)
    for kind, settings in wanted.processes.items():
        scale = scale_of(settings)
        if not scale:
            continue
        with cloud.store.lock:
            scaled = newest(cloud, app["guid"], kind)
            if kind == "web" and active(cloud, app["guid"]) is not None:
                raise unprocessable(IN_FLIGHT)
            if scaled is not None and app["state"] == "STARTED":
                check_growth(cloud, app, [size_of({**scaled, **scale})], [size_of(scaled)])
            if scaled is not None:
                cloud.store.update("process", scaled["guid"], **scale)
                _note_process(cloud, who, app, scaled, "scale", scale)
    runtime(cloud).converge_app(app["guid"])


def _note_process(
    cloud: Cloud, who: dict[str, str], app: Document, process: Document, verb: str, changes: dict[str, Any]
) -> None:
    shown = {**changes, **({"command": HIDDEN_FROM_YOU} if "command" in changes else {})}
    facts = {"process_guid": process["guid"], "process_type": process["type"], "request": shown}
    audit_app(cloud, f"audit.app.process.{verb}", who, app, {**facts, "manifest_triggered": True})


def process_changes(process: Document, settings: dict[str, Any]) -> dict[str, Any]:
    """What a manifest's process settings change in a process, scaling aside."""
    changes: dict[str, Any] = {}
    if "command" in settings:
        command = settings["command"]
        changes["command"] = None if command in (None, "null", "default") else command
    if settings.get("user"):
        changes["user"] = settings["user"]
    health = _health(settings, "health_check", timeout=settings.get("timeout"))
    if health:
        changes["health_check"] = merged_health(process["health_check"], health)
    ready = _health(settings, "readiness_health_check")
    if ready:
        changes["readiness_health_check"] = merged_health(process["readiness_health_check"], ready)
    return changes


def _health(settings: dict[str, Any], prefix: str, timeout: Any = None) -> dict[str, Any]:
    data = {
        "timeout": timeout,
        "endpoint": settings.get(f"{prefix}_http_endpoint"),
        "invocation_timeout": settings.get(f"{prefix}_invocation_timeout"),
        "interval": settings.get(f"{prefix}_interval"),
    }
    data = {key: value for key, value in data.items() if value is not None}
    kind = settings.get(f"{prefix}_type")
    kind = "process" if kind == "none" else kind
    if kind is None and not data:
        return {}
    return {"type": kind, "data": data}


def scale_of(settings: dict[str, Any]) -> dict[str, Any]:
    """The sizes that a manifest's process settings ask for."""
    found = {
        "instances": settings.get("instances"),
        "memory_in_mb": size_in_mb(settings["memory"]) if settings.get("memory") is not None else None,
        "disk_in_mb": size_in_mb(settings["disk_quota"]) if settings.get("disk_quota") is not None else None,
        "log_rate_limit_in_bytes_per_second": rate_in_bytes(settings["log_rate_limit_per_second"])
        if settings.get("log_rate_limit_per_second") is not None
        else None,
    }
    return {key: value for key, value in found.items() if value is not None}


def lifecycle_of(wanted: Wanted, before: dict[str, Any] | None) -> dict[str, Any]:
    """The lifecycle that a manifest asks for, over what there was."""
    data = dict(before["data"]) if before else {"buildpacks": [], "stack": DEFAULT_STACK}
    keys = wanted.keys
    if "buildpacks" in keys:
        data["buildpacks"] = [one for one in keys["buildpacks"] or [] if one not in ("default", "null")]
    elif "buildpack" in keys:
        one = keys["buildpack"]
        data["buildpacks"] = [one] if one not in (None, "default", "null") else []
    if keys.get("stack"):
        data["stack"] = keys["stack"]
    return {"type": "buildpack", "data": data}


def _apply_app(cloud: Cloud, app: Document, wanted: Wanted) -> Document:
    from .v3.apps import lifecycle_problems  # noqa: PLC0415 - the endpoints import the rules, not the other way

    lifecycle = lifecycle_of(wanted, app["lifecycle"])
    problems = lifecycle_problems(lifecycle["data"])
    if problems:
        raise unprocessable(", ".join(problems))
    metadata = labels.merged(
        app["metadata"], {"metadata": wanted.keys["metadata"]} if wanted.keys.get("metadata") else {}
    )
    return cloud.store.update("app", app["guid"], lifecycle=lifecycle, metadata=metadata)


def _apply_routes(cloud: Cloud, who: dict[str, str], app: Document, wanted: Wanted) -> None:
    keys = wanted.keys
    space = cloud.store.get("space", app["space_guid"])
    if space is None:
        raise unprocessable("The space no longer exists.")
    if keys.get("no_route"):
        for route in routes_of(cloud, app["guid"]):
            for destination in destinations_of(cloud, route["guid"]):
                if destination["app_guid"] == app["guid"]:
                    unmap(cloud, who, route, destination)
        return
    for entry in keys.get("routes") or []:
        domain, host, path = split_address(cloud, space["organization_guid"], entry["route"])
        route = _route(cloud, space, domain, host, path, entry.get("options") or {})
        map_route(cloud, who, route, app, protocol=entry.get("protocol"))
    if not keys.get("routes") and not routes_of(cloud, app["guid"]):
        _apply_made_up_route(cloud, who, app, space, keys)


def _route(
    cloud: Cloud, space: Document, domain: Document, host: str, path: str, options: dict[str, Any]
) -> Document:
    with cloud.store.lock:
        found = find_route(cloud, domain["guid"], host, path)
        if found is None:
            return create_route(cloud, space, domain, host=host, path=path, options=options)
        if found["space_guid"] != space["guid"]:
            raise unprocessable(OTHER_SPACE)
        if options:
            return cloud.store.update("route", found["guid"], options={**found["options"], **options})
        return found


def _apply_made_up_route(
    cloud: Cloud, who: dict[str, str], app: Document, space: Document, keys: dict[str, Any]
) -> None:
    host = "".join(
        one if one.isalnum() or one == "-" else "-" for one in app["name"].lower().replace("_", "-")
    )[:63]
    if keys.get("random_route"):
        host = f"{host}-{secrets.choice(WORDS)}-{secrets.choice(ANIMALS)}-{secrets.token_hex(2)}"[:63]
    elif not keys.get("default_route"):
        return
    domains = [one for one in domains_of(cloud, space["organization_guid"]) if not one.get("internal")]
    if not domains:
        raise unprocessable("No default domains available")
    map_route(cloud, who, _route(cloud, space, domains[0], host, "", {}), app)


def _apply_environment(cloud: Cloud, app: Document, wanted: Wanted) -> Document:
    given = wanted.keys.get("env")
    if not given:
        return app
    with cloud.store.lock:
        app = cloud.store.get("app", app["guid"]) or app
        values = {str(key): as_text(value) for key, value in given.items()}
        return cloud.store.update(
            "app", app["guid"], environment_variables={**app["environment_variables"], **values}
        )


def _apply_services(cloud: Cloud, who: dict[str, str], app: Document, wanted: Wanted) -> None:
    for entry in wanted.keys.get("services") or []:
        one: dict[str, Any] = {"name": entry} if isinstance(entry, str) else entry
        instances = instances_of_space(cloud, app["space_guid"])
        instance = next((each for each in instances if each["name"] == one["name"]), None)
        if instance is None:
            raise resource_not_found(f"Service instance '{one['name']}' not found")
        try:
            bind_app(cloud, app, instance, one.get("binding_name"), one.get("parameters"), who)
        except ApiError as error:
            detail = f"For service '{one['name']}': {error.detail}"
            raise ApiError(error.status, error.code, error.title, detail) from error
