"""``fields[resource]=a,b`` of service resources (platform API §10.4)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from .listing import split_values

if TYPE_CHECKING:
    from .web import ApiRequest


def fields_of(request: ApiRequest, name: str) -> frozenset[str]:
    """The fields asked of a related resource; empty when none are."""
    return split_values(request.params.get(f"fields[{name}]", "")) - {""}


def chosen(body: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Those fields of a presented resource; ``relationships.x`` takes one relationship."""
    shown: dict[str, Any] = {key: body[key] for key in body if key in names}
    for name in names:
        part, dot, key = name.partition(".")
        if dot and key in body.get(part, {}):
            shown.setdefault(part, {})[key] = body[part][key]
    return shown
