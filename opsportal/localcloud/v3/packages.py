"""Packages: bits on their way to a droplet (platform API §4.4)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.utils import send_file
from werkzeug.wrappers import Response

from .. import jobs
from ..app_life import audit_app
from ..blobs import BadBits, Match, too_large
from ..bodies import Body
from ..context import actor
from ..errors import ApiError, bad_request, unprocessable
from ..listing import listing, pick
from ..lookup import children, common_filters, the_app, the_child, to_one
from ..metadata import merged, present
from ..retention import expire_packages
from ..rights import DEVELOPER, DEVELOPER_OR_SUPPORTER, can_see_space, require_space_role
from ..running import runtime
from ..store import Document
from ..web import Answer, ApiRequest, route
from .resource_matches import problem_of

if TYPE_CHECKING:
    from ..context import Cloud

MAX_RESOURCES_BYTES = 64 * 1024 * 1024  # the list of matched files of a very large application
NO_CHECKSUM = {"type": "sha256", "value": None}


def present_package(request: ApiRequest, package: Document) -> dict[str, Any]:
    """A package as the API shows it."""
    base = f"/v3/packages/{package['guid']}"
    links: dict[str, Any] = {"self": request.href(base)}
    if package["type"] == "bits":
        links["upload"] = {**request.href(f"{base}/upload"), "method": "POST"}
        links["download"] = {**request.href(f"{base}/download"), "method": "GET"}
    links["app"] = request.href(f"/v3/apps/{package['app_guid']}")
    return {
        "guid": package["guid"],
        "type": package["type"],
        "data": package["data"],
        "state": package["state"],
        "created_at": package["created_at"],
        "updated_at": package["updated_at"],
        "relationships": {"app": to_one(package["app_guid"])},
        "links": links,
        "metadata": present(package["metadata"]),
    }


@route("GET", "/v3/packages")
def list_packages(request: ApiRequest) -> Answer:
    """All packages that the caller can see."""
    filters = common_filters(request, states="state", types="type")
    return listing(request, children(request, "package", filters), present_package, filters=filters)


@route("GET", "/v3/apps/<guid>/packages")
def list_packages_of_app(request: ApiRequest, guid: str) -> Answer:
    """An app's packages."""
    the_app(request, guid)
    filters = {"states": "state", "types": "type"}
    return listing(
        request, pick(request, "package", filters, app_guid=guid), present_package, filters=filters
    )


@route("GET", "/v3/packages/<guid>")
def show_package(request: ApiRequest, guid: str) -> Answer:
    """One package."""
    return present_package(request, the_child(request, "package", guid)[0])


def target_app(request: ApiRequest, body: Body, *roles: str) -> Document:
    """The app that a new document is for; 422 when there is none, 403 when the caller may not."""
    guid = body.relationship("app")
    body.relationships_known("app")
    body.check()
    app = request.context.store.get("app", guid)
    if app is None or not can_see_space(request, app["space_guid"]):
        raise unprocessable("App is invalid. Ensure it exists and you have access to it.")
    require_space_role(request, app["space_guid"], *roles, resource="App")
    return app


@route("POST", "/v3/packages")
def post_package(request: ApiRequest) -> Answer:
    """A package to upload bits into, or with `source_guid` a copy of another."""
    request.allow_params("source_guid")
    if "source_guid" in request.params:
        return _copy_package(request, request.params["source_guid"])
    body = Body(request.json(), "type", "relationships", "data", "metadata")
    kind = body.choice("type", ("bits", "docker"))
    if kind == "docker":
        raise ApiError(403, 330002, "CF-FeatureDisabled", "Feature Disabled: diego_docker")
    if body.object("data"):
        body.problems.append("Data must be empty if type is bits")
    app = target_app(request, body, *DEVELOPER)
    package = _create(request, app, "AWAITING_UPLOAD", merged(None, body.values))
    return present_package(request, package), 201


def _create(request: ApiRequest, app: Document, state: str, metadata: dict[str, Any]) -> Document:
    package = request.context.store.create(
        "package",
        {
            "type": "bits",
            "data": {"checksum": NO_CHECKSUM, "error": None},
            "state": state,
            "app_guid": app["guid"],
            "metadata": metadata,
        },
    )
    data = {"package_guid": package["guid"], "request": {"type": "bits"}}
    audit_app(request.context, "audit.app.package.create", actor(request.user), app, data)
    return package


def _copy_package(request: ApiRequest, source_guid: str) -> Answer:
    source, _source_app = the_child(request, "package", source_guid, *DEVELOPER)
    body = Body(request.json(), "relationships", "metadata")
    app = target_app(request, body, *DEVELOPER)
    if source["state"] != "READY":
        raise unprocessable("Unable to copy a package whose state is not READY.")
    package = _create(request, app, "COPYING", merged(None, body.values))
    runtime(request.context).submit(_do_copy, request.context, source, package)
    return present_package(request, package), 201


def _do_copy(cloud: Cloud, source: Document, package: Document) -> None:
    blobs = runtime(cloud).blobs
    blobs.copy(blobs.package(source["guid"]), blobs.package(package["guid"]))
    cloud.store.update("package", package["guid"], state="READY", data=source["data"])


@route("PATCH", "/v3/packages/<guid>")
def patch_package(request: ApiRequest, guid: str) -> Answer:
    """Other metadata."""
    package, _app = the_child(request, "package", guid, *DEVELOPER_OR_SUPPORTER)
    body = Body(request.json(), "metadata")
    body.check()
    changed = request.context.store.update("package", guid, metadata=merged(package["metadata"], body.values))
    return present_package(request, changed)


@route("POST", "/v3/packages/<guid>/upload")
def upload_package(request: ApiRequest, guid: str) -> Answer:
    """Take the bits that the platform does not have; the package is READY, or FAILED, a moment later."""
    package, app = the_child(request, "package", guid, *DEVELOPER)
    request.raw.max_form_memory_size = MAX_RESOURCES_BYTES
    bits = request.raw.files.get("bits")
    resources = request.raw.form.get("resources")
    if package["type"] != "bits":
        raise unprocessable("Package type must be bits.")
    if bits is None and resources is None:
        raise unprocessable("Upload must include either resources or bits")
    matches = _matches(resources)
    blobs = runtime(request.context).blobs
    kept: Path | None = None
    if bits is not None:
        kept = blobs.scratch / f"upload-{runtime(request.context).new_guid()}.zip"
        with kept.open("wb") as file:
            shutil.copyfileobj(bits.stream, file)
    with request.context.store.lock:
        state = (request.context.store.get("package", guid) or package)["state"]
        if state != "AWAITING_UPLOAD":
            if kept is not None:
                kept.unlink(missing_ok=True)
            detail = "Bits may be uploaded only once. Create a new package to upload different bits."
            raise ApiError(400, 150004, "CF-PackageBitsAlreadyUploaded", detail)
        package = request.context.store.update("package", guid, state="PROCESSING_UPLOAD")
    data = {"package_guid": guid}
    audit_app(request.context, "audit.app.package.upload", actor(request.user), app, data)
    runtime(request.context).process_package(lambda: _process(request.context, guid, kept, matches))
    return present_package(request, package)


def _matches(text: str | None) -> list[Match]:
    if not text:
        return []
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise bad_request("Resources must be a JSON array") from error
    if not isinstance(entries, list):
        raise unprocessable("Resources must be a JSON array")
    for entry in entries:
        problem = (
            problem_of(entry) if "checksum" in entry or not isinstance(entry, dict) else _old_problem(entry)
        )
        if problem:
            raise unprocessable(problem)
    return [_match(entry) for entry in entries]


def _old_problem(entry: dict[str, Any]) -> str | None:
    return problem_of(
        {
            "checksum": {"value": entry.get("sha1")},
            "size_in_bytes": entry.get("size"),
            "path": entry.get("fn", ""),
            "mode": entry.get("mode", "0644"),
        }
    )


def _match(entry: dict[str, Any]) -> Match:
    if "checksum" in entry:
        path, sha1, size = entry.get("path", ""), entry["checksum"]["value"], entry["size_in_bytes"]
    else:
        path, sha1, size = entry.get("fn", ""), entry["sha1"], entry["size"]
    return Match(path, sha1.lower(), size, int(entry.get("mode", "0644"), 8))


def _process(cloud: Cloud, guid: str, kept: Path | None, matches: list[Match]) -> None:
    limit = cloud.knobs.max_package_bytes
    blobs = runtime(cloud).blobs
    state, checksum, error = "FAILED", None, None
    try:
        if kept is not None and kept.stat().st_size > limit:
            raise BadBits(too_large(limit))
        checksum = blobs.assemble(guid, kept, matches, limit)
        state = "READY"
    except BadBits as problem:
        error = str(problem)
    except Exception as problem:
        error = f"The package could not be processed: {type(problem).__name__}"
        raise
    finally:
        if kept is not None:
            kept.unlink(missing_ok=True)
        if cloud.store.get("package", guid) is not None:
            data = {"checksum": {"type": "sha256", "value": checksum}, "error": error}
            package = cloud.store.update("package", guid, state=state, data=data)
            expire_packages(cloud, package["app_guid"])


@route("GET", "/v3/packages/<guid>/download")
def download_package(request: ApiRequest, guid: str) -> Response:
    """The bits as one zip."""
    package, app = the_child(request, "package", guid, *DEVELOPER)
    path = runtime(request.context).blobs.package(guid)
    if package["type"] != "bits":
        raise unprocessable("Package type must be bits.")
    if package["state"] != "READY" or not path.exists():
        raise unprocessable("Package has no bits to download.")
    data = {"package_guid": guid}
    audit_app(request.context, "audit.app.package.download", actor(request.user), app, data)
    return send_file(
        path, request.raw.environ, mimetype="application/zip", download_name=f"{guid}.zip", as_attachment=True
    )


@route("DELETE", "/v3/packages/<guid>")
def delete_package(request: ApiRequest, guid: str) -> Answer:
    """Delete a package, by a job."""
    _package, app = the_child(request, "package", guid, *DEVELOPER)
    data = {"package_guid": guid}
    audit_app(request.context, "audit.app.package.delete", actor(request.user), app, data)
    job = jobs.start(request.context, "package.delete", {"guid": guid}, {"package": f"/v3/packages/{guid}"})
    return jobs.answered(request, job)


def _delete(cloud: Cloud, data: dict[str, Any]) -> None:
    blobs = runtime(cloud).blobs
    blobs.delete(blobs.package(data["guid"]))
    cloud.store.delete("package", data["guid"])


jobs.register("package.delete", _delete)
