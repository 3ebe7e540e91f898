"""Processes of an app as documents: their defaults, what they look like when they start, their scaling."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from . import vcap
from .context import audit

if TYPE_CHECKING:
    from .context import Cloud
    from .store import Document

WEB = "web"
DEFAULT_MEMORY_IN_MB = 1024
DEFAULT_DISK_IN_MB = 1024
COPIED = (
    "command",
    "user",
    "memory_in_mb",
    "disk_in_mb",
    "log_rate_limit_in_bytes_per_second",
    "health_check",
    "readiness_health_check",
)


def create_process(cloud: Cloud, who: dict[str, str], app: Document, kind: str, **settings: Any) -> Document:
    """A new process with the platform's defaults (platform API §4.8). The first web process has its app's guid."""
    first_web = kind == WEB and not cloud.store.find("process", app_guid=app["guid"], type=WEB)
    document: dict[str, Any] = {
        "app_guid": app["guid"],
        "type": kind,
        "command": None,
        "user": "vcap",
        "instances": 1 if kind == WEB else 0,
        "memory_in_mb": DEFAULT_MEMORY_IN_MB,
        "disk_in_mb": DEFAULT_DISK_IN_MB,
        "log_rate_limit_in_bytes_per_second": -1,
        "health_check": {"type": "port" if kind == WEB else "process", "data": {}},
        "readiness_health_check": {"type": "process", "data": {}},
        "version": str(uuid.uuid4()),
        "revision_guid": None,
        "running": None,
        "metadata": {"labels": {}, "annotations": {}},
        **settings,
    }
    if first_web and cloud.store.get("process", app["guid"]) is None:
        document["guid"] = app["guid"]
    process = cloud.store.create("process", document)
    target = {"guid": app["guid"], "type": "app", "name": app["name"]}
    facts = {"process_guid": process["guid"], "process_type": kind}
    audit(cloud, "audit.app.process.create", who, target, facts, app["space_guid"])
    return process


def processes_of(cloud: Cloud, app_guid: str) -> list[Document]:
    """An app's processes, oldest first; during a deployment there are several of type web."""
    return cloud.store.find("process", app_guid=app_guid)


def newest(cloud: Cloud, app_guid: str, kind: str) -> Document | None:
    """The newest process of a type, or None."""
    found = cloud.store.find("process", app_guid=app_guid, type=kind)
    return found[-1] if found else None


def current_droplet(cloud: Cloud, app: Document) -> Document | None:
    """The app's current droplet, or None."""
    return cloud.store.get("droplet", app.get("current_droplet_guid"))


def detected_command(cloud: Cloud, app: Document, kind: str) -> str | None:
    """The start command that the current droplet brings for a process type."""
    droplet = current_droplet(cloud, app)
    command = ((droplet or {}).get("process_types") or {}).get(kind)
    return command or None


def ensure_types(cloud: Cloud, who: dict[str, str], app: Document, droplet: Document) -> None:
    """Create a process for each type of the droplet that the app does not have (platform API §4.6)."""
    have = {one["type"] for one in processes_of(cloud, app["guid"])}
    for kind in [WEB, *(droplet.get("process_types") or {})]:
        if kind not in have:
            have.add(kind)
            create_process(cloud, who, app, kind)


def stamp(cloud: Cloud, app: Document, process: Document, revision: Document | None) -> Document:
    """Fix what this process runs from now on: droplet, command, environment, sizes and checks as they are now."""
    version = str(uuid.uuid4())
    process = {**process, "version": version}
    droplet = current_droplet(cloud, app)
    running = None
    if droplet is not None:
        detected = (droplet.get("process_types") or {}).get(process["type"])
        running = {
            "version": version,
            "droplet_guid": droplet["guid"],
            "command": process["command"] or detected or "",
            "environment": vcap.environment(cloud, app, "running", process),
            "health_check": process["health_check"],
            "readiness_health_check": process["readiness_health_check"],
            "memory_in_mb": process["memory_in_mb"],
            "disk_in_mb": process["disk_in_mb"],
        }
    changes: dict[str, Any] = {"version": version, "running": running}
    if revision is not None:
        changes["revision_guid"] = revision["guid"]
    return cloud.store.update("process", process["guid"], **changes)


def copy_process(
    cloud: Cloud, who: dict[str, str], app: Document, source: Document, **settings: Any
) -> Document:
    """A second process with the settings of another."""
    copied = {key: source[key] for key in COPIED}
    return create_process(cloud, who, app, source["type"], **{**copied, **settings})
