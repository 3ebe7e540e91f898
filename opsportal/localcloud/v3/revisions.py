"""Revisions: showing what an app was at each change (platform API §8.4)."""

from __future__ import annotations

from typing import Any

from ..app_life import audit_app
from ..bodies import Body
from ..context import actor
from ..errors import not_authorized
from ..listing import listing
from ..lookup import the_app, the_child, to_one
from ..metadata import merged, present
from ..processes import processes_of
from ..revisioning import is_deployable
from ..rights import DEVELOPER, has_space_role
from ..store import Document
from ..web import Answer, ApiRequest, route


def present_revision(request: ApiRequest, revision: Document) -> dict[str, Any]:
    """A revision as the API shows it."""
    base = f"/v3/revisions/{revision['guid']}"
    return {
        "guid": revision["guid"],
        "version": revision["version"],
        "droplet": {"guid": revision["droplet_guid"]},
        "processes": {kind: {"command": command} for kind, command in revision["commands"].items()},
        "sidecars": revision["sidecars"],
        "description": revision["description"],
        "deployable": is_deployable(request.context, revision),
        "relationships": {"app": to_one(revision["app_guid"])},
        "created_at": revision["created_at"],
        "updated_at": revision["updated_at"],
        "metadata": present(revision["metadata"]),
        "links": {
            "self": request.href(base),
            "app": request.href(f"/v3/apps/{revision['app_guid']}"),
            "environment_variables": request.href(f"{base}/environment_variables"),
        },
    }


def _listed(request: ApiRequest, found: list[Document]) -> Answer:
    def deployable(revision: Document, wanted: frozenset[str]) -> bool:
        return str(is_deployable(request.context, revision)).lower() in wanted

    filters: dict[str, Any] = {"versions": "version", "deployable": deployable}
    return listing(request, found, present_revision, filters=filters)


@route("GET", "/v3/apps/<guid>/revisions")
def list_revisions(request: ApiRequest, guid: str) -> Answer:
    """All revisions of an app."""
    the_app(request, guid)
    return _listed(request, request.context.store.find("revision", app_guid=guid))


@route("GET", "/v3/apps/<guid>/revisions/deployed")
def list_deployed(request: ApiRequest, guid: str) -> Answer:
    """The revisions that the app runs now."""
    app = the_app(request, guid)
    found = processes_of(request.context, guid) if app["state"] == "STARTED" else []
    guids = {one["revision_guid"] for one in found if one["revision_guid"] and one["instances"]}
    return _listed(request, request.context.store.find("revision", guid=guids))


@route("GET", "/v3/revisions/<guid>")
def show_revision(request: ApiRequest, guid: str) -> Answer:
    """One revision."""
    return present_revision(request, the_child(request, "revision", guid)[0])


@route("GET", "/v3/revisions/<guid>/environment_variables")
def show_revision_variables(request: ApiRequest, guid: str) -> Answer:
    """The app's own variables as they were (developers only)."""
    revision, app = the_child(request, "revision", guid)
    read_only = "cloud_controller.admin_read_only" in request.caller.scopes
    if not read_only and not has_space_role(request, app["space_guid"], *DEVELOPER):
        raise not_authorized()
    data = {"revision_guid": guid, "revision_version": revision["version"]}
    kind = "audit.app.revision.environment_variables.show"
    audit_app(request.context, kind, actor(request.user), app, data)
    base = f"/v3/revisions/{guid}"
    links = {
        "self": request.href(f"{base}/environment_variables"),
        "revision": request.href(base),
        "app": request.href(f"/v3/apps/{app['guid']}"),
    }
    return {"var": revision["environment_variables"], "links": links}


@route("PATCH", "/v3/revisions/<guid>")
def patch_revision(request: ApiRequest, guid: str) -> Answer:
    """Other metadata."""
    revision, _app = the_child(request, "revision", guid, *DEVELOPER)
    body = Body(request.json(), "metadata")
    body.check()
    changed = request.context.store.update(
        "revision", guid, metadata=merged(revision["metadata"], body.values)
    )
    return present_revision(request, changed)
