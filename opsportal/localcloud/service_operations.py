"""``last_operation``, as service instances and bindings have it (platform API §7.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .store import Document, timestamp

if TYPE_CHECKING:
    from .context import Cloud

NO_METADATA: dict[str, Any] = {"labels": {}, "annotations": {}}
BUSY = frozenset({"initial", "in progress"})


def operation(cloud: Cloud, type: str, state: str, description: str | None = None) -> dict[str, Any]:  # noqa: A002
    """A ``last_operation``."""
    now = timestamp(cloud.now())
    text = description if description is not None else ("Operation succeeded" if state == "succeeded" else "")
    return {"type": type, "state": state, "description": text, "created_at": now, "updated_at": now}


def is_busy(document: Document) -> bool:
    """Whether an instance or binding has a running operation."""
    return document["last_operation"]["state"] in BUSY
