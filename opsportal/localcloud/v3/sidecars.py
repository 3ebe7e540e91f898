"""Sidecars: the local cloud runs none, but the cf CLI asks for them."""

from __future__ import annotations

from ..listing import everything
from ..lookup import the_app, the_child
from ..store import Document
from ..web import Answer, ApiRequest, route


def _present(request: ApiRequest, sidecar: Document) -> dict[str, object]:
    return dict(sidecar)


@route("GET", "/v3/apps/<guid>/sidecars")
def list_sidecars_of_app(request: ApiRequest, guid: str) -> Answer:
    """None."""
    the_app(request, guid)
    return everything(request, [], _present)


@route("GET", "/v3/processes/<guid>/sidecars")
def list_sidecars_of_process(request: ApiRequest, guid: str) -> Answer:
    """None."""
    the_child(request, "process", guid)
    return everything(request, [], _present)
