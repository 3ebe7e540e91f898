"""``/v3/feature_flags`` (platform API §8.7)."""

from __future__ import annotations

from typing import Any

from ..errors import not_found
from ..listing import everything
from ..store import Document
from ..web import Answer, ApiRequest, Body, require_admin, route


def present(request: ApiRequest, one: Document) -> dict[str, Any]:
    """A flag as the API shows it; one that nobody touched was never updated."""
    return {
        "name": one["name"],
        "enabled": one["enabled"],
        "updated_at": one["updated_at"] if one.get("touched") else None,
        "custom_error_message": one["custom_error_message"],
        "links": {"self": request.href(f"/v3/feature_flags/{one['name']}")},
    }


@route("GET", "/v3/feature_flags")
def index(request: ApiRequest) -> Answer:
    """All of them."""
    return everything(request, request.context.store.find("feature_flag"), present)


@route("GET", "/v3/feature_flags/<name>")
def show(request: ApiRequest, name: str) -> Answer:
    """One."""
    found = request.context.store.get("feature_flag", name)
    if found is None:
        raise not_found("Feature flag")
    return present(request, found)


@route("PATCH", "/v3/feature_flags/<name>")
def update(request: ApiRequest, name: str) -> Answer:
    """Switch one, by admins."""
    found = request.context.store.get("feature_flag", name)
    if found is None:
        raise not_found("Feature flag")
    require_admin(request)
    body = Body(request.json(), "enabled", "custom_error_message")
    enabled = body.boolean("enabled", found["enabled"])
    message = body.string("custom_error_message", null=True)
    body.check()
    changes = {"enabled": enabled, "custom_error_message": message or None, "touched": True}
    return present(request, request.context.store.update("feature_flag", name, **changes))
