"""Reading and checking a manifest: what may stand in it, and what is said when something else does (platform API §5.1)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from .app_life import environment_problems
from .errors import bad_request, parse_error, unprocessable, unprocessables
from .metadata import problems as metadata_problems
from .process_rules import HEALTH_KINDS, command_problem

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 50
UNITS = {
    "B": 1 / 1048576,
    "K": 1 / 1024,
    "KB": 1 / 1024,
    "M": 1,
    "MB": 1,
    "G": 1024,
    "GB": 1024,
    "T": 1048576,
    "TB": 1048576,
}
UNIT_TEXT = "must use a supported unit: B, K, KB, M, MB, G, GB, T, or TB"
PROCESS_KEYS = (
    "command",
    "user",
    "instances",
    "memory",
    "disk_quota",
    "log_rate_limit_per_second",
    "health_check_type",
    "health_check_http_endpoint",
    "health_check_invocation_timeout",
    "health_check_interval",
    "readiness_health_check_type",
    "readiness_health_check_http_endpoint",
    "readiness_health_check_invocation_timeout",
    "readiness_health_check_interval",
    "timeout",
)
WHOLE_NUMBERS = (
    "timeout",
    "health_check_invocation_timeout",
    "health_check_interval",
    "readiness_health_check_invocation_timeout",
    "readiness_health_check_interval",
)
_SIZE = re.compile(r"(\d+)\s*([A-Za-z]*)\Z", re.ASCII)
_ROUTE = re.compile(r"((https?|tcp)://)?(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+(:\d+)?(/\S*)?\Z")


@dataclass(frozen=True)
class Wanted:
    """One application of a manifest, its keys with underscores; `processes` holds the web process's keys too."""

    name: str
    keys: dict[str, Any]
    processes: dict[str, dict[str, Any]] = field(default_factory=dict)


def parse(data: bytes, content_type: str) -> list[Wanted]:
    """The applications of a manifest body.

    400 for another content type, more than 1 MB, anchors, or what is not YAML; 422 with one error for each problem.
    """
    if "yaml" not in content_type.lower():
        raise bad_request("Content-Type must be yaml")
    if len(data) > MAX_BYTES:
        raise bad_request("Manifest size is too large. The maximum supported manifest size is 1MB.")
    whole = _load(data)
    if not isinstance(whole, dict):
        raise parse_error()
    if whole.get("version") not in (None, 1):
        raise unprocessable("Unsupported manifest schema version. Currently supported versions: [1].")
    entries = whole.get("applications")
    if not isinstance(entries, list) or not entries:
        raise unprocessable("Cannot parse manifest with no 'applications' field.")
    found = [_wanted(entry) for entry in entries]
    problems = [text for index, one in enumerate(found) for text in _problems(index, one)]
    if problems:
        raise unprocessables(problems)
    return found


def _load(data: bytes) -> Any:
    try:
        text = data.decode("utf-8")
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise parse_error()
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise bad_request("Manifest does not support Anchors and Aliases")
        return yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise parse_error() from error


def underscored(values: dict[Any, Any]) -> dict[str, Any]:
    """The keys of a map with underscores in place of hyphens."""
    return {str(key).replace("-", "_"): value for key, value in values.items()}


def _wanted(entry: Any) -> Wanted:
    if not isinstance(entry, dict):
        raise unprocessable("Applications must be an array of objects")
    keys = underscored(entry)
    name = keys.get("name")
    processes: dict[str, dict[str, Any]] = {}
    web = {key: keys[key] for key in PROCESS_KEYS if key in keys}
    given = keys.get("processes")
    for one in given if isinstance(given, list) else []:
        if isinstance(one, dict) and isinstance(one.get("type"), str):
            processes[one["type"]] = underscored(one)
    if web or "web" in processes:
        processes["web"] = {**web, **processes.get("web", {})}
    return Wanted(name if isinstance(name, str) else "", keys, processes)


def _problems(index: int, wanted: Wanted) -> list[str]:
    keys = wanted.keys
    if not wanted.name.strip():
        return [f"For application at index {index}: Name must not be empty"]
    found = [
        *_buildpack_problems(keys),
        *_environment_problems(keys.get("env")),
        *_route_problems(keys),
        *_service_problems(keys.get("services")),
        *_feature_problems(keys.get("features")),
        *_list_problems(keys),
    ]
    if keys.get("metadata") is not None:
        found += metadata_problems(keys["metadata"])
    for kind, process in wanted.processes.items():
        top = not isinstance(keys.get("processes"), list)
        found += [
            text if kind == "web" and top else f'Process "{kind}": {text}'
            for text in process_problems(process)
        ]
    return [f"For application '{wanted.name}': {text}" for text in found]


def _buildpack_problems(keys: dict[str, Any]) -> list[str]:
    found = []
    if keys.get("buildpack") is not None and keys.get("buildpacks") is not None:
        found.append("Buildpack and Buildpacks fields cannot be used together.")
    given = keys.get("buildpacks")
    if given is not None and (not isinstance(given, list) or not all(isinstance(one, str) for one in given)):
        found.append("Buildpacks can only contain strings")
    if keys.get("buildpack") is not None and not isinstance(keys["buildpack"], str):
        found.append("Buildpack must be a string")
    if keys.get("stack") is not None and not isinstance(keys["stack"], str):
        found.append("Stack must be a string")
    if keys.get("lifecycle") not in (None, "buildpack"):
        found.append("Lifecycle type is not included in the list: buildpack")
    if keys.get("docker") is not None:
        found.append("Docker is not supported by this platform: feature flag diego_docker is disabled")
    return found


def _environment_problems(given: Any) -> list[str]:
    if given is None:
        return []
    if not isinstance(given, dict):
        return ["Env must be an object of keys and values"]
    return environment_problems({str(key): "" for key in given})


def _route_problems(keys: dict[str, Any]) -> list[str]:
    found = [
        f"{key.replace('_', '-').capitalize()} must be a boolean"
        for key in ("no_route", "random_route", "default_route")
        if keys.get(key) is not None and not isinstance(keys[key], bool)
    ]
    if keys.get("random_route") is True and keys.get("default_route") is True:
        found.append("Random-route and default-route may not be used together")
    routes = keys.get("routes")
    if routes is None:
        return found
    if not isinstance(routes, list) or not all(isinstance(one, dict) and "route" in one for one in routes):
        return [*found, "Routes must be a list of route objects"]
    for one in routes:
        if not isinstance(one["route"], str) or not _ROUTE.match(one["route"]):
            found.append(f"The route '{one['route']}' is not a properly formed URL")
        if one.get("protocol") not in (None, "http1", "http2", "tcp"):
            found.append("Route protocol must be 'http1', 'http2' or 'tcp'.")
    return found


def _service_problems(given: Any) -> list[str]:
    if given is None:
        return []
    wrong = ["Services must be a list of service names or service objects with a 'name'"]
    if not isinstance(given, list):
        return wrong
    for one in given:
        if isinstance(one, str):
            continue
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            return wrong
        if one.get("parameters") is not None and not isinstance(one["parameters"], dict):
            return ["Services parameters must be an object"]
    return []


def _feature_problems(given: Any) -> list[str]:
    if given is None:
        return []
    if not isinstance(given, dict) or not all(isinstance(one, bool) for one in given.values()):
        return [
            "Features must be a map of valid feature names to booleans (true = enabled, false = disabled)"
        ]
    return []


def _list_problems(keys: dict[str, Any]) -> list[str]:
    found = []
    processes = keys.get("processes")
    if processes is not None:
        if not isinstance(processes, list) or not all(isinstance(one, dict) for one in processes):
            return ["Processes must be an array of process configurations"]
        kinds = [one.get("type") for one in processes]
        found += (
            ["All Processes must specify a type"] if not all(isinstance(one, str) for one in kinds) else []
        )
        doubled = sorted({str(one) for one in kinds if kinds.count(one) > 1})
        found += [f'Process "{one}" may only be present once' for one in doubled]
    if keys.get("sidecars") is not None and not isinstance(keys["sidecars"], list):
        found.append("Sidecars must be an array of sidecar configurations")
    return found


def process_problems(process: dict[str, Any]) -> list[str]:
    """What is wrong with the settings of one process."""
    found = []
    if "command" in process and process["command"] not in ("null", "default", None):
        problem = command_problem(process["command"])
        found += [problem] if problem else []
    for key, words in (("memory", "Memory"), ("disk_quota", "Disk quota")):
        if process.get(key) is not None and size_in_mb(process[key]) is None:
            found.append(f"{words} {UNIT_TEXT}")
        elif process.get(key) is not None and (size_in_mb(process[key]) or 0) < 1:
            found.append(f"{words} must be greater than 0MB")
    if (
        process.get("log_rate_limit_per_second") is not None
        and rate_in_bytes(process["log_rate_limit_per_second"]) is None
    ):
        found.append(f"Log rate limit per second {UNIT_TEXT}, or be 0 or -1")
    found += _number_problems(process)
    for prefix in ("", "readiness_"):
        found += _health_problems(process, prefix)
    return found


def _number_problems(process: dict[str, Any]) -> list[str]:
    found = []
    for key, least in (("instances", 0), *((key, 1) for key in WHOLE_NUMBERS)):
        value = process.get(key)
        words = key.replace("_", " ").capitalize()
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            found.append(f"{words} is not a number")
        elif value < least:
            found.append(f"{words} must be greater than or equal to {least}")
    return found


def _health_problems(process: dict[str, Any], prefix: str) -> list[str]:
    found = []
    words = f"{prefix.replace('_', ' ')}health check".capitalize()
    kind = process.get(f"{prefix}health_check_type")
    endpoint = process.get(f"{prefix}health_check_http_endpoint")
    if kind is not None and kind not in (*HEALTH_KINDS, "none"):
        found.append(f'{words} type must be "port", "process", or "http"')
    if endpoint is not None:
        if not isinstance(endpoint, str) or not endpoint.startswith("/"):
            found.append(f"{words} HTTP endpoint must be a valid URI path")
        if kind is not None and kind != "http":
            found.append(f'{words} type must be "http" to set a health check HTTP endpoint.')
    return found


def size_in_mb(value: Any) -> int | None:
    """A manifest's size as whole megabytes; None when it is not one."""
    match = _SIZE.match(value.strip()) if isinstance(value, str) else None
    if match is None or match.group(2).upper() not in UNITS:
        return None
    return int(int(match.group(1)) * UNITS[match.group(2).upper()])


def rate_in_bytes(value: Any) -> int | None:
    """A log rate limit in bytes; -1 is unlimited, None when it is not one."""
    if value in (0, -1, "0", "-1") and not isinstance(value, bool):
        return int(value)
    match = _SIZE.match(value.strip()) if isinstance(value, str) else None
    if match is None or match.group(2).upper() not in UNITS:
        return None
    return int(int(match.group(1)) * UNITS[match.group(2).upper()] * 1048576)


def as_text(value: Any) -> str:
    """An environment value as the platform turns YAML into text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(", ", "=>"), default=str)
    return str(value)
