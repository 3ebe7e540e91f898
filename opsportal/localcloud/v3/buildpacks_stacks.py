"""``/v3/buildpacks`` and ``/v3/stacks``, to read (platform API §8.7)."""

from __future__ import annotations

from typing import Any

from .. import metadata
from ..errors import not_found
from ..store import Document
from ..web import Answer, ApiRequest, listing, route

BUILDPACK_KEYS = ("name", "state", "filename", "stack", "position", "lifecycle", "enabled", "locked")
STACK_KEYS = (
    "name",
    "description",
    "state",
    "state_reason",
    "build_rootfs_image",
    "run_rootfs_image",
    "default",
)


def _present(request: ApiRequest, one: Document, path: str, keys: tuple[str, ...]) -> dict[str, Any]:
    return {
        **{key: one[key] for key in ("guid", "created_at", "updated_at", *keys)},
        "metadata": metadata.present(one["metadata"]),
        "links": {"self": request.href(path)},
    }


def present_buildpack(request: ApiRequest, one: Document) -> dict[str, Any]:
    """A buildpack as the API shows it."""
    path = f"/v3/buildpacks/{one['guid']}"
    shown = _present(request, one, path, BUILDPACK_KEYS)
    shown["links"]["upload"] = {**request.href(f"{path}/upload"), "method": "POST"}
    return shown


def present_stack(request: ApiRequest, one: Document) -> dict[str, Any]:
    """A stack as the API shows it."""
    return _present(request, one, f"/v3/stacks/{one['guid']}", STACK_KEYS)


@route("GET", "/v3/buildpacks")
def buildpacks(request: ApiRequest) -> Answer:
    """All of them, in the order they are tried."""
    filters = {"names": "name", "stacks": "stack", "lifecycle": "lifecycle"}
    return listing(
        request,
        request.context.store.find("buildpack"),
        present_buildpack,
        filters=filters,
        order_by=("created_at", "updated_at", "position"),
        default_order="position",
    )


@route("GET", "/v3/buildpacks/<guid>")
def buildpack(request: ApiRequest, guid: str) -> Answer:
    """One."""
    found = request.context.store.get("buildpack", guid)
    if found is None:
        raise not_found("Buildpack")
    return present_buildpack(request, found)


@route("GET", "/v3/stacks")
def stacks(request: ApiRequest) -> Answer:
    """All of them."""
    filters = {"names": "name", "default": "default"}
    order = ("created_at", "updated_at", "name")
    docs = request.context.store.find("stack")
    return listing(request, docs, present_stack, filters=filters, order_by=order)


@route("GET", "/v3/stacks/<guid>")
def stack(request: ApiRequest, guid: str) -> Answer:
    """One."""
    found = request.context.store.get("stack", guid)
    if found is None:
        raise not_found("Stack")
    return present_stack(request, found)
