"""Checks of what people may set on a process, used by endpoints and manifests alike (platform API §4.8)."""

from __future__ import annotations

from typing import Any

HEALTH_KINDS = ("port", "process", "http")
MAX_COMMAND = 4096
SIZES = {"instances": 0, "memory_in_mb": 1, "disk_in_mb": 1, "log_rate_limit_in_bytes_per_second": -1}
_NUMBERS = {"timeout": 1, "invocation_timeout": 1, "interval": 1}


def health_problems(check: Any, noun: str, *, readiness: bool = False) -> list[str]:
    """What is wrong with a `health_check` or `readiness_health_check` body; `noun` names it in the texts."""
    if not isinstance(check, dict):
        return [f"{noun} must be an object"]
    found = [f"{noun} Unknown field(s): '{key}'" for key in check if key not in ("type", "data")]
    kind = check.get("type")
    if kind is not None and kind not in HEALTH_KINDS:
        found.append(f'{noun} type must be "port", "process", or "http"')
    data = check.get("data", {})
    if not isinstance(data, dict):
        return [*found, f"{noun} data must be an object"]
    allowed = {"invocation_timeout", "interval", "endpoint"} | (set() if readiness else {"timeout"})
    found += [f"{noun} data Unknown field(s): '{key}'" for key in data if key not in allowed]
    for key, least in _NUMBERS.items():
        value = data.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
            found.append(
                f"{noun} {key.replace('_', ' ')} must be an integer greater than or equal to {least}"
            )
    return found + _endpoint_problems(kind, data.get("endpoint"), noun)


def _endpoint_problems(kind: Any, endpoint: Any, noun: str) -> list[str]:
    if endpoint is None:
        return []
    if kind is not None and kind != "http":
        return [f"{noun} endpoint may only be set for http"]
    ok = isinstance(endpoint, str) and endpoint.startswith("/") and len(endpoint) <= 255
    clean = ok and all(" " < one < "\x7f" for one in endpoint)
    return [] if clean else [f"{noun} endpoint must be a valid URI path"]


def merged_health(before: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """A health check after a change: another kind keeps the times but not the endpoint."""
    kind = given.get("type") or before["type"]
    data = {**before["data"], **(given.get("data") or {})}
    if kind == "http":
        data["endpoint"] = data.get("endpoint") or "/"
    else:
        data.pop("endpoint", None)
    return {"type": kind, "data": data}


def size_problems(values: dict[str, Any]) -> list[str]:
    """What is wrong with the sizes of a scaling."""
    found = []
    for key, least in SIZES.items():
        value = values.get(key)
        if value is None:
            continue
        words = key.replace("_", " ").capitalize()
        if isinstance(value, bool) or not isinstance(value, int):
            found.append(f"{words} is not a number")
        elif value < least:
            found.append(f"{words} must be greater than or equal to {least}")
        elif value > 2**31 - 1:
            found.append(f"{words} must be less than or equal to {2**31 - 1}")
    return found


def command_problem(command: Any) -> str | None:
    """What is wrong with a start command, or None; null is the droplet's own."""
    if command is None:
        return None
    if not isinstance(command, str):
        return "Command must be a string"
    if not 1 <= len(command) <= MAX_COMMAND:
        return f"Command must be between 1 and {MAX_COMMAND} characters"
    return "Command must not contain NUL" if "\0" in command else None
