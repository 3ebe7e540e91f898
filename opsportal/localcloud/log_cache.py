"""Log Cache: reading lines, exactly as far as the cf CLI's strict decoder allows (platform API §11)."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

from .errors import ApiError
from .logs import Line
from .rights import can_see_space
from .running import runtime
from .web import Answer, ApiRequest, route

if TYPE_CHECKING:
    from .context import Cloud
    from .store import Document

VERSION = "3.0.0"
DEFAULT_LIMIT = 100
MOST = 1000
KINDS = frozenset({"LOG", "COUNTER", "GAUGE", "TIMER", "EVENT", "ANY"})
_STARTED = time.time()


@route("GET", "/api/v1/info", auth="none")
def show_info(request: ApiRequest) -> Answer:
    """The version, without a token: the CLI chooses its paths by it."""
    return {"version": VERSION, "vm_uptime": str(int(time.time() - _STARTED))}


def visible_app(request: ApiRequest, guid: str) -> Document:
    """The app whose lines are asked for; 404 without a token or a right, as without an app."""
    app = request.context.store.get("app", guid)
    if request.user is None or app is None or not can_see_space(request, app["space_guid"]):
        raise ApiError(404, 10010, "CF-ResourceNotFound", "Source not found")
    return app


@route("GET", "/api/v1/read/<source>", auth="optional")
def read(request: ApiRequest, source: str) -> Answer:
    """Lines of an app: from `start_time` (inclusive) to `end_time` (exclusive), in nanoseconds."""
    app = visible_app(request, source)
    start = _number(request, "start_time", 0)
    end = _number(request, "end_time", time.time_ns() + 1)
    limit = _number(request, "limit", DEFAULT_LIMIT)
    if not 0 < limit <= MOST:
        raise _bad("limit", f"must be between 1 and {MOST}")
    if "end_time" in request.params and end <= start:
        raise _bad("end_time", "must be after start_time")
    kinds = set(request.raw.args.getlist("envelope_types")) or {"ANY"}
    if kinds - KINDS:
        raise _bad("envelope_types", "must be LOG, COUNTER, GAUGE, TIMER or EVENT")
    if not kinds & {"LOG", "ANY"}:
        return {"envelopes": {"batch": []}}
    # the newest stamps may lie a little ahead of the clock, when many lines came in one moment
    ahead = end if "end_time" in request.params else end + 10**9
    descending = request.params.get("descending") == "true"
    lines = runtime(request.context).logs.read(source, start, ahead, limit, descending=descending)
    tags = _tags(request.context, app)
    return {"envelopes": {"batch": [_envelope(source, tags, line) for line in lines]}}


def _number(request: ApiRequest, name: str, default: int) -> int:
    text = request.params.get(name)
    if text is None or text == "":
        return default
    try:
        return int(text)
    except ValueError as error:
        raise _bad(name, "must be a number") from error


def _bad(name: str, what: str) -> ApiError:
    return ApiError(400, 1004, "CF-BadRequest", f"{name} {what}")


def _tags(cloud: Cloud, app: Document) -> dict[str, str]:
    space = cloud.store.get("space", app["space_guid"]) or {}
    organization = cloud.store.get("organization", space.get("organization_guid")) or {}
    return {
        "app_id": app["guid"],
        "app_name": app["name"],
        "space_id": app["space_guid"],
        "space_name": space.get("name", ""),
        "organization_id": space.get("organization_guid", ""),
        "organization_name": organization.get("name", ""),
        "source_id": app["guid"],
        "origin": "rep",
    }


def _envelope(source: str, tags: dict[str, str], line: Line) -> dict[str, Any]:
    own = {**tags, "source_type": line.source_type, "instance_id": line.instance}
    if line.source_type.startswith("APP/PROC/"):
        own["process_type"] = line.source_type.split("/")[2].lower()
    return {
        "timestamp": str(line.stamp),
        "source_id": source,
        "instance_id": line.instance,
        "deprecated_tags": {},
        "tags": own,
        "log": {"payload": base64.b64encode(line.payload).decode(), "type": line.stream},
    }


@route("GET", "/api/v1/meta", auth="optional")
def show_meta(request: ApiRequest) -> Answer:
    """How many lines there are of each app that the caller can see."""
    if request.user is None:
        raise ApiError(404, 10010, "CF-ResourceNotFound", "Source not found")
    found: dict[str, dict[str, str]] = {}
    for app in request.context.store.find("app"):
        facts = (
            runtime(request.context).logs.meta(app["guid"])
            if can_see_space(request, app["space_guid"])
            else None
        )
        if facts is not None:
            count, expired, oldest, newest = facts
            found[app["guid"]] = {
                "count": str(count),
                "expired": str(expired),
                "oldestTimestamp": str(oldest),
                "newestTimestamp": str(newest),
            }
    return {"meta": found}
