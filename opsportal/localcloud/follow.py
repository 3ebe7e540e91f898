"""``include=``: what turns the references of listed documents into the parts of ``included`` (platform API §10.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .listing import Includer, Presenter
from .store import Document

if TYPE_CHECKING:
    from .web import ApiRequest


def referenced(request: ApiRequest, docs: list[Document], kind: str, key: str) -> list[Document]:
    """The documents of ``kind`` that ``docs`` name under ``key``, each once, in their order of creation."""
    guids = {one[key] for one in docs if one.get(key)}
    return request.context.store.find(kind, guid=guids) if guids else []


def follow(kind: str, key: str, plural: str, present: Presenter) -> Includer:
    """An includer for a to-one reference: ``follow("space", "space_guid", "spaces", spaces.present)``."""

    def include(request: ApiRequest, docs: list[Document]) -> dict[str, list[dict[str, Any]]]:
        return {plural: [present(request, one) for one in referenced(request, docs, kind, key)]}

    return include
