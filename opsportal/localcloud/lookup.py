"""Finding apps and what belongs to them for a request: what is not visible is not there, what is not permitted is 403."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .errors import not_found
from .listing import Filter, pick, split_values
from .rights import require_space_role, require_visible_space, visible_spaces
from .store import Document

if TYPE_CHECKING:
    from .web import ApiRequest

HIDDEN = "[PRIVATE DATA HIDDEN IN LISTS]"
HIDDEN_FROM_YOU = "[PRIVATE DATA HIDDEN]"
Selection = Callable[[Document, frozenset[str]], bool]


def the_app(request: ApiRequest, guid: str, *roles: str) -> Document:
    """An app that the caller can see and, with `roles`, may act on; 404 "App not found" or 403 otherwise."""
    app = request.context.store.get("app", guid)
    if app is None:
        raise not_found("App")
    _check(request, app["space_guid"], roles, "App")
    return app


def the_child(request: ApiRequest, kind: str, guid: str, *roles: str) -> tuple[Document, Document]:
    """A document that belongs to an app, and the app: (document, app). 404 in the kind's own name, or 403."""
    noun = kind.replace("_", " ").capitalize()
    document = request.context.store.get(kind, guid)
    app = request.context.store.get("app", (document or {}).get("app_guid"))
    if document is None or app is None:
        raise not_found(noun)
    _check(request, app["space_guid"], roles, noun)
    return document, app


def _check(request: ApiRequest, space_guid: str, roles: tuple[str, ...], noun: str) -> None:
    if roles:
        require_space_role(request, space_guid, *roles, resource=noun)
    else:
        require_visible_space(request, space_guid, noun)


def visible_apps(request: ApiRequest) -> frozenset[str] | None:
    """The guids of the apps that the caller can see, of those that the query asks for; None means all."""
    spaces = visible_spaces(request)
    if spaces is None:
        return None
    if "app_guids" not in request.params:
        return frozenset(request.context.store.values("app", "guid", space_guid=spaces))
    asked = request.context.store.find("app", guid=split_values(request.params["app_guids"]))
    return frozenset(one["guid"] for one in asked if one["space_guid"] in spaces)


def children(request: ApiRequest, kind: str, filters: Mapping[str, Filter]) -> list[Document]:
    """All documents of a kind that belong to apps the caller can see, narrowed by the query."""
    return pick(request, kind, filters, app_guid=visible_apps(request))


def by_space(request: ApiRequest) -> Selection:
    """The filter `space_guids` for what belongs to an app."""

    def matches(document: Document, wanted: frozenset[str]) -> bool:
        return _space_of(request, document) in wanted

    return matches


def by_organization(request: ApiRequest) -> Selection:
    """The filter `organization_guids` for what lies in a space or belongs to an app."""

    def matches(document: Document, wanted: frozenset[str]) -> bool:
        space = request.context.store.get("space", _space_of(request, document)) or {}
        return space.get("organization_guid") in wanted

    return matches


def _space_of(request: ApiRequest, document: Document) -> Any:
    if "space_guid" in document:
        return document["space_guid"]
    return (request.context.store.get("app", document.get("app_guid")) or {}).get("space_guid")


def common_filters(request: ApiRequest, **more: Filter) -> dict[str, Filter]:
    """The filters that every list of things of apps has, and `more`."""
    return {
        "app_guids": "app_guid",
        "space_guids": by_space(request),
        "organization_guids": by_organization(request),
        **more,
    }


def to_one(guid: str | None) -> dict[str, Any]:
    """A to-one relationship."""
    return {"data": {"guid": guid} if guid else None}
