"""Manifests: applied by a job, compared, and made of what is there (platform API §4.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from werkzeug.wrappers import Response

from .. import jobs
from ..app_life import audit_app
from ..context import actor
from ..errors import not_found
from ..lookup import the_app
from ..manifest_apply import apply_one, ensure_app, find_app
from ..manifest_rules import Wanted, parse
from ..manifest_show import differences, manifest_of
from ..rights import DEVELOPER, require_space_role
from ..web import Answer, ApiRequest, route
from .app_env import may_read_environment

if TYPE_CHECKING:
    from ..context import Cloud

OPERATION = "space.apply_manifest"


def _space(request: ApiRequest, guid: str) -> None:
    if request.context.store.get("space", guid) is None:
        raise not_found("Space")
    require_space_role(request, guid, *DEVELOPER)


@route("POST", "/v3/spaces/<guid>/actions/apply_manifest")
def apply_manifest(request: ApiRequest, guid: str) -> Answer:
    """Apply a manifest: missing apps exist when this answers, the rest is a job's work."""
    _space(request, guid)
    wanted = parse(request.raw.get_data(), request.raw.content_type or "")
    who = actor(request.user)
    for one in wanted:
        ensure_app(request.context, who, guid, one)
    entries = [{"name": one.name, "keys": one.keys, "processes": one.processes} for one in wanted]
    data = {"space_guid": guid, "who": who, "applications": _plain(entries)}
    job = jobs.start(request.context, OPERATION, data, {"space": f"/v3/spaces/{guid}"})
    return jobs.answered(request, job)


def _plain(value: Any) -> Any:
    """What YAML knows and JSON does not (dates, keys that are no text), as text."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | set | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _apply(cloud: Cloud, data: dict[str, Any]) -> None:
    if cloud.store.get("space", data["space_guid"]) is None:
        raise not_found("Space")
    for entry in data["applications"]:
        apply_one(cloud, data["who"], data["space_guid"], Wanted(**entry))


jobs.register(OPERATION, _apply)


@route("POST", "/v3/spaces/<guid>/manifest_diff")
def manifest_diff(request: ApiRequest, guid: str) -> Answer:
    """What applying a manifest would change."""
    _space(request, guid)
    wanted = parse(request.raw.get_data(), request.raw.content_type or "")
    cloud = request.context
    found = [
        one
        for index, each in enumerate(wanted)
        for one in differences(cloud, find_app(cloud, guid, each.name), index, each)
    ]
    return {"diff": _plain(found)}, 201


@route("GET", "/v3/apps/<guid>/manifest")
def show_manifest(request: ApiRequest, guid: str) -> Response:
    """The app as it is, as a manifest (developers only: it shows the environment)."""
    app = the_app(request, guid)
    may_read_environment(request, app, *DEVELOPER)
    audit_app(request.context, "audit.app.environment_variables.show", actor(request.user), app, {})
    text = yaml.safe_dump(
        {"applications": [manifest_of(request.context, app)]}, sort_keys=False, explicit_start=True
    )
    return Response(text, content_type="application/x-yaml")
