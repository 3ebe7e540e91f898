"""Which files the platform already has, so that they need not be sent (platform API §4.4)."""

from __future__ import annotations

import re
from typing import Any

from ..bodies import known_fields
from ..errors import unprocessable
from ..running import runtime
from ..web import Answer, ApiRequest, route

MOST = 5000
SHA1 = re.compile(r"[0-9a-fA-F]{40}\Z")
MODE = re.compile(r"[0-7]+\Z")


def problem_of(entry: Any) -> str | None:
    """What is wrong with one entry, or None."""
    if not isinstance(entry, dict):
        return "Resources must be an array of objects"
    checksum = entry.get("checksum")
    if not isinstance(checksum, dict) or not isinstance(checksum.get("value"), str):
        return "Resources checksum must be an object with a value"
    if not SHA1.match(checksum["value"]):
        return "Resources checksum value must be a valid sha1"
    size = entry.get("size_in_bytes")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        return "Resources size_in_bytes must be a non-negative integer"
    if not isinstance(entry.get("path", ""), str):
        return "Resources path must be a string"
    mode = entry.get("mode", "0644")
    if not isinstance(mode, str) or not MODE.match(mode) or len(mode) > 8:
        return "Resources mode must be a POSIX file mode"
    return None


@route("POST", "/v3/resource_matches")
def match_resources(request: ApiRequest) -> Answer:
    """The entries that are known; none while the feature flag `resource_matching` is off."""
    body = request.json()
    known_fields(body, "resources")
    entries = body.get("resources")
    if not isinstance(entries, list) or not entries:
        raise unprocessable("Resources must have at least 1 resource")
    if len(entries) > MOST:
        raise unprocessable(f"Resources is too long (maximum is {MOST} resources)")
    problem = next((one for one in map(problem_of, entries) if one), None)
    if problem:
        raise unprocessable(problem)
    flag = request.context.store.first("feature_flag", name="resource_matching")
    if flag is not None and not flag["enabled"]:
        return {"resources": []}, 201
    blobs = runtime(request.context).blobs
    known = [_shown(one) for one in entries if _is_known(one, blobs.has_file)]
    return {"resources": known}, 201


def _is_known(entry: dict[str, Any], has_file: Any) -> bool:
    size: int = entry["size_in_bytes"]
    return size > 0 and bool(has_file(entry["checksum"]["value"].lower(), size))


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "checksum": {"value": entry["checksum"]["value"]},
        "size_in_bytes": entry["size_in_bytes"],
        "path": entry.get("path", ""),
        "mode": entry.get("mode", "0644"),
    }
