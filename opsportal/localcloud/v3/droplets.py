"""Droplets: what was staged, copied or uploaded, and which one is current (platform API §4.6, §8.6)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.utils import send_file
from werkzeug.wrappers import Response

from .. import jobs
from ..app_life import assign_droplet, audit_app
from ..blobs import BadBits
from ..bodies import Body, known_fields, one_guid
from ..context import actor
from ..deploying import active
from ..errors import not_found, unprocessable
from ..listing import listing, pick
from ..lookup import HIDDEN, children, common_filters, the_app, the_child, to_one
from ..metadata import merged, present
from ..processes import current_droplet
from ..retention import expire_droplets
from ..rights import DEVELOPER, DEVELOPER_OR_SUPPORTER
from ..running import runtime
from ..store import Document
from ..web import Answer, ApiRequest, route
from .apps import droplet_relationship
from .packages import target_app

if TYPE_CHECKING:
    from ..context import Cloud

INVALID = "Unable to assign current droplet. Ensure the droplet exists and belongs to this app."
DEPLOYING = (
    "Unable to assign current droplet while the app has a deployment in progress. "
    "Wait for the deployment to complete or cancel it."
)
DOWNLOADERS = ("space_developer", "space_manager", "space_auditor", "organization_manager")


def present_droplet(request: ApiRequest, droplet: Document) -> dict[str, Any]:
    """A droplet as the API shows it alone."""
    base = f"/v3/droplets/{droplet['guid']}"
    links: dict[str, Any] = {"self": request.href(base)}
    if droplet.get("package_guid"):
        links["package"] = request.href(f"/v3/packages/{droplet['package_guid']}")
    app = f"/v3/apps/{droplet['app_guid']}"
    links["app"] = request.href(app)
    links["assign_current_droplet"] = {
        **request.href(f"{app}/relationships/current_droplet"),
        "method": "PATCH",
    }
    if droplet["state"] == "AWAITING_UPLOAD":
        links["upload"] = {**request.href(f"{base}/upload"), "method": "POST"}
    if droplet["state"] == "STAGED":
        links["download"] = request.href(f"{base}/download")
    return {
        "guid": droplet["guid"],
        "state": droplet["state"],
        "error": droplet["error"],
        "lifecycle": {"type": "buildpack", "data": {}},
        "execution_metadata": droplet["execution_metadata"],
        "process_types": droplet["process_types"],
        "checksum": droplet["checksum"],
        "buildpacks": droplet["buildpacks"],
        "stack": droplet["stack"],
        "image": None,
        "created_at": droplet["created_at"],
        "updated_at": droplet["updated_at"],
        "relationships": {"app": to_one(droplet["app_guid"])},
        "links": links,
        "metadata": present(droplet["metadata"]),
    }


def present_listed(request: ApiRequest, droplet: Document) -> dict[str, Any]:
    """A droplet as lists show it: commands hidden."""
    hidden = {
        "execution_metadata": "[PRIVATE DATA HIDDEN IN LISTS]",
        "process_types": {"redacted_message": HIDDEN},
    }
    return {**present_droplet(request, droplet), **hidden}


@route("GET", "/v3/droplets")
def list_droplets(request: ApiRequest) -> Answer:
    """All droplets that the caller can see."""
    filters = common_filters(request, states="state")
    return listing(request, children(request, "droplet", filters), present_listed, filters=filters)


@route("GET", "/v3/apps/<guid>/droplets")
def list_droplets_of_app(request: ApiRequest, guid: str) -> Answer:
    """An app's droplets; `current=true` for the current one alone."""
    app = the_app(request, guid)
    found = pick(request, "droplet", {"states": "state"}, app_guid=guid)
    if request.params.get("current") == "true":
        found = [one for one in found if one["guid"] == app["current_droplet_guid"]]
    return listing(request, found, present_listed, filters={"states": "state"}, other=["current"])


@route("GET", "/v3/packages/<guid>/droplets")
def list_droplets_of_package(request: ApiRequest, guid: str) -> Answer:
    """What was staged from a package."""
    the_child(request, "package", guid)
    found = pick(request, "droplet", {"states": "state"}, package_guid=guid)
    return listing(request, found, present_listed, filters={"states": "state"})


@route("GET", "/v3/droplets/<guid>")
def show_droplet(request: ApiRequest, guid: str) -> Answer:
    """One droplet."""
    return present_droplet(request, the_child(request, "droplet", guid)[0])


@route("GET", "/v3/apps/<guid>/droplets/current")
def show_current(request: ApiRequest, guid: str) -> Answer:
    """The current droplet; 404 "Droplet not found" without one."""
    droplet = current_droplet(request.context, the_app(request, guid))
    if droplet is None:
        raise not_found("Droplet")
    return present_droplet(request, droplet)


@route("PATCH", "/v3/apps/<guid>/relationships/current_droplet")
def assign_current(request: ApiRequest, guid: str) -> Answer:
    """Make another droplet current; what runs changes at the next start."""
    app = the_app(request, guid, *DEVELOPER_OR_SUPPORTER)
    body = request.json()
    known_fields(body, "data")
    wanted = one_guid(body)
    if wanted is None:
        raise unprocessable("Droplet guid must be a string")
    droplet = request.context.store.get("droplet", wanted)
    if droplet is None or droplet["app_guid"] != guid or droplet["state"] != "STAGED":
        raise unprocessable(INVALID)
    with request.context.store.lock:
        if active(request.context, guid) is not None:
            raise unprocessable(DEPLOYING)
        app = assign_droplet(request.context, actor(request.user), app, droplet)
    return droplet_relationship(request, app)


@route("POST", "/v3/droplets")
def post_droplet(request: ApiRequest) -> Answer:
    """A droplet to upload into, or with `source_guid` a copy of another, also from another space."""
    request.allow_params("source_guid")
    if "source_guid" in request.params:
        return _copy_droplet(request, request.params["source_guid"])
    body = Body(request.json(), "relationships", "process_types", "metadata")
    types = body.object("process_types", {"web": ""})
    if not all(isinstance(one, str) for one in types.values()):
        body.problems.append("Process types must be an object of strings")
    app = target_app(request, body, *DEVELOPER)
    droplet = _create(request, app, "AWAITING_UPLOAD", merged(None, body.values), process_types=types)
    return present_droplet(request, droplet), 201


def _create(
    request: ApiRequest, app: Document, state: str, metadata: dict[str, Any], **values: Any
) -> Document:
    droplet = request.context.store.create(
        "droplet",
        {
            "state": state,
            "error": None,
            "lifecycle": app["lifecycle"],
            "execution_metadata": "",
            "process_types": None,
            "checksum": None,
            "buildpacks": None,
            "stack": None,
            "app_guid": app["guid"],
            "package_guid": None,
            "metadata": metadata,
            **values,
        },
    )
    data = {"droplet_guid": droplet["guid"]}
    audit_app(request.context, "audit.app.droplet.create", actor(request.user), app, data)
    return droplet


def _copy_droplet(request: ApiRequest, source_guid: str) -> Answer:
    source, _source_app = the_child(request, "droplet", source_guid)
    body = Body(request.json(), "relationships", "metadata")
    app = target_app(request, body, *DEVELOPER)
    if source["state"] != "STAGED":
        raise unprocessable("Unable to copy a droplet whose state is not STAGED.")
    droplet = _create(request, app, "COPYING", merged(None, body.values))
    runtime(request.context).submit(_do_copy, request.context, source, droplet)
    return present_droplet(request, droplet), 201


def _do_copy(cloud: Cloud, source: Document, droplet: Document) -> None:
    blobs = runtime(cloud).blobs
    blobs.copy(blobs.droplet(source["guid"]), blobs.droplet(droplet["guid"]))
    same = ("process_types", "checksum", "buildpacks", "stack", "execution_metadata")
    cloud.store.update("droplet", droplet["guid"], state="STAGED", **{key: source[key] for key in same})


@route("POST", "/v3/droplets/<guid>/upload")
def upload_droplet(request: ApiRequest, guid: str) -> Answer:
    """Take the bits of a droplet, once."""
    droplet, app = the_child(request, "droplet", guid, *DEVELOPER)
    bits = request.raw.files.get("bits")
    if bits is None:
        raise unprocessable(
            "Uploaded bits are not a valid droplet file: a droplet file must be uploaded as 'bits'"
        )
    if not (bits.filename or "").endswith((".tgz", ".tar.gz")):
        raise unprocessable("Uploaded bits are not a valid droplet file: the file must be a .tgz or .tar.gz")
    kept = runtime(request.context).blobs.scratch / f"droplet-{runtime(request.context).new_guid()}.tgz"
    with request.context.store.lock:
        if droplet["state"] != "AWAITING_UPLOAD":
            raise unprocessable("Droplet may be uploaded only once. Create a new droplet to upload bits.")
        droplet = request.context.store.update("droplet", guid, state="PROCESSING_UPLOAD")
    with kept.open("wb") as file:
        shutil.copyfileobj(bits.stream, file)
    audit_app(request.context, "audit.app.droplet.upload", actor(request.user), app, {"droplet_guid": guid})
    links = {"droplet": f"/v3/droplets/{guid}"}
    job = jobs.start(request.context, "droplet.upload", {"guid": guid, "path": str(kept)}, links)
    return jobs.answered(request, job, present_droplet(request, droplet))


def _upload(cloud: Cloud, data: dict[str, Any]) -> None:
    path = Path(data["path"])
    droplet = cloud.store.get("droplet", data["guid"])
    if droplet is not None and droplet["state"] == "FAILED":
        raise unprocessable(droplet["error"])
    if droplet is None or droplet["state"] != "PROCESSING_UPLOAD":
        return
    try:
        if not path.exists():
            raise BadBits("The upload was interrupted by a restart of the platform")
        checksum = runtime(cloud).blobs.take_droplet(droplet["guid"], path)
    except BadBits as error:
        cloud.store.update("droplet", droplet["guid"], state="FAILED", error=str(error))
        raise unprocessable(str(error)) from error
    finally:
        path.unlink(missing_ok=True)
    known = {"type": "sha256", "value": checksum}
    stack = droplet["lifecycle"]["data"].get("stack")
    cloud.store.update("droplet", droplet["guid"], state="STAGED", checksum=known, buildpacks=[], stack=stack)
    expire_droplets(cloud, droplet["app_guid"])


jobs.register("droplet.upload", _upload)


@route("GET", "/v3/droplets/<guid>/download")
def download_droplet(request: ApiRequest, guid: str) -> Response:
    """The droplet's tar.gz."""
    droplet, app = the_child(request, "droplet", guid, *DOWNLOADERS)
    path = runtime(request.context).blobs.droplet(guid)
    if droplet["state"] != "STAGED" or not path.exists():
        raise unprocessable("Only staged droplets can be downloaded.")
    audit_app(request.context, "audit.app.droplet.download", actor(request.user), app, {"droplet_guid": guid})
    name = f"droplet_{guid}.tgz"
    return send_file(
        path, request.raw.environ, mimetype="application/gzip", download_name=name, as_attachment=True
    )


@route("PATCH", "/v3/droplets/<guid>")
def patch_droplet(request: ApiRequest, guid: str) -> Answer:
    """Other metadata."""
    droplet, _app = the_child(request, "droplet", guid, *DEVELOPER_OR_SUPPORTER)
    body = Body(request.json(), "metadata", "image")
    body.check()
    changed = request.context.store.update("droplet", guid, metadata=merged(droplet["metadata"], body.values))
    return present_droplet(request, changed)


@route("DELETE", "/v3/droplets/<guid>")
def delete_droplet(request: ApiRequest, guid: str) -> Answer:
    """Delete a droplet, by a job; not the current one."""
    _droplet, app = the_child(request, "droplet", guid, *DEVELOPER)
    if app["current_droplet_guid"] == guid:
        raise unprocessable("The droplet is currently used by the app and cannot be deleted.")
    audit_app(request.context, "audit.app.droplet.delete", actor(request.user), app, {"droplet_guid": guid})
    job = jobs.start(request.context, "droplet.delete", {"guid": guid}, {"droplet": f"/v3/droplets/{guid}"})
    return jobs.answered(request, job)


def _delete(cloud: Cloud, data: dict[str, Any]) -> None:
    blobs = runtime(cloud).blobs
    blobs.delete(blobs.droplet(data["guid"]))
    cloud.store.delete("droplet", data["guid"])


jobs.register("droplet.delete", _delete)
