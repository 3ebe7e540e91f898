"""Builds: staging asked for, followed and remembered (platform API §4.5)."""

from __future__ import annotations

from typing import Any

from ..app_life import audit_app
from ..bodies import Body
from ..context import actor
from ..errors import ApiError, bad_request, unprocessable
from ..listing import listing, pick
from ..lookup import children, common_filters, the_app, the_child, to_one
from ..metadata import merged, present
from ..quota_rules import check_staging
from ..rights import DEVELOPER_OR_SUPPORTER, can_see_space, require_space_role
from ..running import runtime
from ..store import Document
from ..web import Answer, ApiRequest, route
from .apps import lifecycle

IN_PROGRESS = "Only one build can be STAGING at a time per application."
NOT_READY = "Cannot stage package whose state is not ready."
DEFAULT_SIZE_IN_MB = 1024


def present_build(request: ApiRequest, build: Document) -> dict[str, Any]:
    """A build as the API shows it."""
    links: dict[str, Any] = {
        "self": request.href(f"/v3/builds/{build['guid']}"),
        "app": request.href(f"/v3/apps/{build['app_guid']}"),
    }
    if build["droplet_guid"]:
        links["droplet"] = request.href(f"/v3/droplets/{build['droplet_guid']}")
    return {
        "guid": build["guid"],
        "created_at": build["created_at"],
        "updated_at": build["updated_at"],
        "created_by": build["created_by"],
        "state": build["state"],
        "staging_memory_in_mb": build["staging_memory_in_mb"],
        "staging_disk_in_mb": build["staging_disk_in_mb"],
        "staging_log_rate_limit_bytes_per_second": build["staging_log_rate_limit_bytes_per_second"],
        "error": build["error"],
        "lifecycle": build["lifecycle"],
        "package": {"guid": build["package_guid"]},
        "droplet": {"guid": build["droplet_guid"]} if build["droplet_guid"] else None,
        "relationships": {"app": to_one(build["app_guid"])},
        "metadata": present(build["metadata"]),
        "links": links,
    }


@route("GET", "/v3/builds")
def list_builds(request: ApiRequest) -> Answer:
    """All builds that the caller can see."""
    filters = common_filters(request, states="state", package_guids="package_guid")
    return listing(request, children(request, "build", filters), present_build, filters=filters)


@route("GET", "/v3/apps/<guid>/builds")
def list_builds_of_app(request: ApiRequest, guid: str) -> Answer:
    """An app's builds."""
    the_app(request, guid)
    filters = {"states": "state"}
    return listing(request, pick(request, "build", filters, app_guid=guid), present_build, filters=filters)


@route("GET", "/v3/builds/<guid>")
def show_build(request: ApiRequest, guid: str) -> Answer:
    """One build."""
    return present_build(request, the_child(request, "build", guid)[0])


@route("PATCH", "/v3/builds/<guid>")
def patch_build(request: ApiRequest, guid: str) -> Answer:
    """Other metadata."""
    build, _app = the_child(request, "build", guid, *DEVELOPER_OR_SUPPORTER)
    body = Body(request.json(), "metadata", "state", "error", "lifecycle")
    body.check()
    changed = request.context.store.update("build", guid, metadata=merged(build["metadata"], body.values))
    return present_build(request, changed)


@route("POST", "/v3/builds")
def post_build(request: ApiRequest) -> Answer:
    """Stage a package: one build of an app at a time."""
    body = Body(
        request.json(),
        "package",
        "lifecycle",
        "metadata",
        "staging_memory_in_mb",
        "staging_disk_in_mb",
        "staging_log_rate_limit_bytes_per_second",
    )
    package, app = _package(request, body)
    sizes = {
        "staging_memory_in_mb": body.integer("staging_memory_in_mb", DEFAULT_SIZE_IN_MB, least=1),
        "staging_disk_in_mb": body.integer("staging_disk_in_mb", DEFAULT_SIZE_IN_MB, least=1),
        "staging_log_rate_limit_bytes_per_second": body.integer(
            "staging_log_rate_limit_bytes_per_second", -1, least=-1
        ),
    }
    given = lifecycle(body, app["lifecycle"])
    body.check()
    if package["state"] != "READY":
        raise bad_request(NOT_READY)
    build = _create(
        request, app, package, {"lifecycle": given, **sizes, "metadata": merged(None, body.values)}
    )
    data = {"build_guid": build["guid"], "package_guid": package["guid"]}
    audit_app(request.context, "audit.app.build.create", actor(request.user), app, data)
    runtime(request.context).say(app["guid"], "API", f"Creating build for app with guid {app['guid']}")
    runtime(request.context).stage(build["guid"])
    return present_build(request, build), 201


def _package(request: ApiRequest, body: Body) -> tuple[Document, Document]:
    guid = body.object("package").get("guid")
    if not isinstance(guid, str):
        body.problems.append("Package guid must be a string")
    body.check()
    store = request.context.store
    package = store.get("package", guid)
    app = store.get("app", (package or {}).get("app_guid"))
    if package is None or app is None or not can_see_space(request, app["space_guid"]):
        raise unprocessable(
            "Unable to use package. Ensure that the package exists and you have access to it."
        )
    require_space_role(request, app["space_guid"], *DEVELOPER_OR_SUPPORTER, resource="Package")
    return package, app


def _create(request: ApiRequest, app: Document, package: Document, values: dict[str, Any]) -> Document:
    store = request.context.store
    who = request.caller
    with store.lock:
        if store.find("build", app_guid=app["guid"], state="STAGING"):
            raise ApiError(422, 170017, "CF-StagingInProgress", IN_PROGRESS)
        check_staging(request.context, app, values["staging_memory_in_mb"])
        return store.create(
            "build",
            {
                "state": "STAGING",
                "error": None,
                "app_guid": app["guid"],
                "package_guid": package["guid"],
                "droplet_guid": None,
                "created_by": {
                    "guid": who.guid,
                    "name": who.name,
                    "email": who.claims.get("email") or who.name,
                },
                **values,
            },
        )
