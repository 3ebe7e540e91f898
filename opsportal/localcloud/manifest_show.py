"""An app as a manifest, and how a manifest differs from what is there (platform API §4.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .manifest_rules import PROCESS_KEYS, Wanted, as_text, size_in_mb
from .processes import processes_of
from .routing import routes_of, url_of
from .store import Document

if TYPE_CHECKING:
    from .context import Cloud

_NOT_COMPARED = frozenset(
    {"name", "path", "processes", "routes", "services", "default_route", "random_route", *PROCESS_KEYS}
)


def manifest_of(cloud: Cloud, app: Document) -> dict[str, Any]:
    """The present settings of an app, as the one entry of a manifest."""
    data = app["lifecycle"]["data"]
    found: dict[str, Any] = {
        "name": app["name"],
        "lifecycle": app["lifecycle"]["type"],
        "stack": data.get("stack"),
    }
    if data.get("buildpacks"):
        found["buildpacks"] = data["buildpacks"]
    if app["environment_variables"]:
        found["env"] = app["environment_variables"]
    routes = [{"route": url_of(cloud, one), "protocol": "http1"} for one in routes_of(cloud, app["guid"])]
    if routes:
        found["routes"] = routes
    services = _services(cloud, app["guid"])
    if services:
        found["services"] = services
    if any(app["metadata"].values()):
        found["metadata"] = {part: values for part, values in app["metadata"].items() if values}
    newest = {one["type"]: one for one in processes_of(cloud, app["guid"])}
    found["processes"] = [_process(one) for one in newest.values()]
    return found


def _services(cloud: Cloud, app_guid: str) -> list[Any]:
    found: list[Any] = []
    for binding in cloud.store.find("service_credential_binding", app_guid=app_guid):
        instance = cloud.store.get("service_instance", binding["service_instance_guid"]) or {}
        name = instance.get("name")
        found.append({"name": name, "binding_name": binding["name"]} if binding["name"] else name)
    return found


def _process(process: Document) -> dict[str, Any]:
    rate = process["log_rate_limit_in_bytes_per_second"]
    found: dict[str, Any] = {"type": process["type"]}
    if process["command"]:
        found["command"] = process["command"]
    found |= {
        "instances": process["instances"],
        "memory": f"{process['memory_in_mb']}M",
        "disk_quota": f"{process['disk_in_mb']}M",
        "log-rate-limit-per-second": -1 if rate == -1 else f"{rate}B",
    }
    for prefix, key in (("", "health_check"), ("readiness-", "readiness_health_check")):
        check = process[key]
        found[f"{prefix}health-check-type"] = check["type"]
        for name, part in (
            ("http-endpoint", "endpoint"),
            ("invocation-timeout", "invocation_timeout"),
            ("interval", "interval"),
        ):
            if check["data"].get(part) is not None:
                found[f"{prefix}health-check-{name}"] = check["data"][part]
    if process["health_check"]["data"].get("timeout") is not None:
        found["timeout"] = process["health_check"]["data"]["timeout"]
    return found


def differences(cloud: Cloud, app: Document | None, index: int, wanted: Wanted) -> list[dict[str, Any]]:
    """What applying an entry of a manifest would change, as JSON-patch-like operations."""
    base = f"/applications/{index}"
    now = manifest_of(cloud, app) if app is not None else {}
    found: list[dict[str, Any]] = [] if app else [{"op": "add", "path": f"{base}/name", "value": wanted.name}]
    keys = {
        key: value for key, value in wanted.keys.items() if key not in _NOT_COMPARED and value is not None
    }
    if "env" in keys:
        keys["env"] = {str(name): as_text(value) for name, value in keys["env"].items()}
    for key, value in keys.items():
        found += _compare(f"{base}/{key.replace('_', '-')}", now.get(key), value)
    found += _compare_lists(
        f"{base}/routes", now.get("routes") or [], wanted.keys.get("routes") or [], _address
    )
    found += _compare_lists(
        f"{base}/services", now.get("services") or [], wanted.keys.get("services") or [], _name
    )
    processes = {one["type"]: one for one in now.get("processes", [])}
    order = list(processes)
    for kind, settings in wanted.processes.items():
        position = order.index(kind) if kind in order else len(order)
        known = processes.get(kind, {})
        for key, value in settings.items():
            shown = _shown_key(key)
            if value is not None and key != "type":
                path = f"{base}/processes/{position}/{shown}"
                found += _compare(path, known.get(shown), _as_size(key, value))
    return found


def _shown_key(key: str) -> str:
    return key if key == "disk_quota" else key.replace("_", "-")


def _as_size(key: str, value: Any) -> Any:
    size = size_in_mb(value) if key in ("memory", "disk_quota") else None
    return value if size is None else f"{size}M"


def _compare(path: str, before: Any, value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict) and (before is None or isinstance(before, dict)):
        inner = before or {}
        return [one for key in value for one in _compare(f"{path}/{key}", inner.get(key), value[key])]
    if before == value:
        return []
    if before is None:
        return [{"op": "add", "path": path, "value": value}]
    return [{"op": "replace", "path": path, "was": before, "value": value}]


def _compare_lists(path: str, before: list[Any], wanted: list[Any], identity: Any) -> list[dict[str, Any]]:
    known = {identity(one) for one in before}
    new = [one for one in wanted if identity(one) not in known]
    return [{"op": "add", "path": f"{path}/{len(before) + at}", "value": one} for at, one in enumerate(new)]


def _address(route: dict[str, Any]) -> str:
    return str(route["route"]).split("://")[-1]


def _name(service: Any) -> str:
    return str(service if isinstance(service, str) else service.get("name"))
