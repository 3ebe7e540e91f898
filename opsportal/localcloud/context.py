"""What every part of the cloud shares: its store, its knobs, its directory, its runtime and its clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .knobs import Knobs
from .signing import Signer
from .store import Document, Store

if TYPE_CHECKING:
    from .jobs import JobRunner
    from .requests_seen import RequestsSeen
    from .web import Caller

SYSTEM = {"guid": "system", "type": "system", "name": "system"}


class RuntimeLike(Protocol):
    """What the control plane asks of the runtime."""

    def start(self) -> None:
        """Find what should run, and run it."""

    def stop(self) -> None:
        """End everything that runs."""

    def router(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer a request for an application's host, as WSGI."""

    def delete_app(self, guid: str) -> None:
        """Stop and forget an app with all that hangs on it; one that is gone is fine."""


class Cloud:
    """The one object that handlers, jobs and the runtime are given."""

    runtime: RuntimeLike
    jobs: JobRunner
    requests: RequestsSeen

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.store = Store(data_dir / "cloud.sqlite3", self.now)
        self.knobs = Knobs(data_dir / "knobs.json")
        self.signer = Signer(data_dir / "signing-key")
        self.url = "http://127.0.0.1"
        """The address it answers at; set when the server listens."""
        self.stopping = threading.Event()

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)


def actor(caller: Caller | None) -> dict[str, str]:
    """Who did it, as audit events name people."""
    return SYSTEM if caller is None else {"guid": caller.guid, "type": "user", "name": caller.name}


def audit(
    cloud: Cloud,
    type: str,  # noqa: A002 - the platform's own word
    actor: dict[str, str],
    target: dict[str, str],
    data: dict[str, Any] | None = None,
    space: str | None = None,
    organization: str | None = None,
) -> Document:
    """Write an audit event (platform API §12).

    ``actor`` and ``target`` are ``{"guid", "type", "name"}``; ``space`` and ``organization`` are guids. The
    organization is looked up from the space when only that is given.
    """
    if space and not organization:
        organization = (cloud.store.get("space", space) or {}).get("organization_guid")
    return cloud.store.create(
        "audit_event",
        {
            "type": type,
            "actor": actor,
            "target": target,
            "target_guid": target["guid"],
            "data": data or {},
            "space_guid": space,
            "organization_guid": organization,
        },
    )
