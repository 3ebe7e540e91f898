"""Starting, stopping and changing apps: what endpoints, manifests and deployments all do the same way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import vcap
from .context import audit
from .errors import unprocessable
from .processes import create_process, ensure_types, processes_of, stamp
from .quota_rules import check_growth, sizes_of
from .revisioning import revise
from .running import runtime

if TYPE_CHECKING:
    from .context import Cloud
    from .store import Document

FEATURES = {
    "ssh": ("Enable SSHing into the app.", True),
    "revisions": ("Enable versioning of an application", True),
    "service-binding-k8s": ("Enable k8s service bindings for the app", False),
    "file-based-vcap-services": ("Enable file-based VCAP service bindings for the app", False),
}
DEFAULT_STACK = "cflinuxfs4"


def app_target(app: Document) -> dict[str, str]:
    """The app as audit events name it."""
    return {"guid": app["guid"], "type": "app", "name": app["name"]}


def audit_app(cloud: Cloud, kind: str, who: dict[str, str], app: Document, data: dict[str, Any]) -> None:
    """Write an audit event about an app."""
    audit(cloud, kind, who, app_target(app), data, app["space_guid"])


def create_app(
    cloud: Cloud,
    who: dict[str, str],
    *,
    name: str,
    space_guid: str,
    lifecycle: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> Document:
    """A new, stopped app with its web process. The caller has checked name, rights and values."""
    app = cloud.store.create(
        "app",
        {
            "name": name,
            "space_guid": space_guid,
            "state": "STOPPED",
            "lifecycle": lifecycle
            or {"type": "buildpack", "data": {"buildpacks": [], "stack": DEFAULT_STACK}},
            "environment_variables": environment or {},
            "current_droplet_guid": None,
            "features": {feature: on for feature, (_text, on) in FEATURES.items()},
            "metadata": metadata or {"labels": {}, "annotations": {}},
        },
    )
    audit_app(cloud, "audit.app.create", who, app, {"request": {"name": name}})
    create_process(cloud, who, app, "web")
    runtime(cloud).say(app["guid"], "API", f"Created app with guid {app['guid']}")
    return app


def said_update(cloud: Cloud, app: Document, changes: dict[str, Any]) -> None:
    """Tell the app's log what was changed, in the platform's words."""
    shown = json.dumps(changes, separators=(", ", "=>"))
    runtime(cloud).say(app["guid"], "API", f"Updated app with guid {app['guid']} ({shown})")


def assign_droplet(cloud: Cloud, who: dict[str, str], app: Document, droplet: Document) -> Document:
    """Make a droplet the current one, with a process for each of its types; the app as it is then."""
    app = cloud.store.update("app", app["guid"], current_droplet_guid=droplet["guid"])
    ensure_types(cloud, who, app, droplet)
    audit_app(cloud, "audit.app.droplet.mapped", who, app, {"request": {"droplet_guid": droplet["guid"]}})
    return app


def start_app(cloud: Cloud, who: dict[str, str], app: Document, event: str = "start") -> Document:
    """Run all processes anew; 422 without a droplet, or where a quota forbids it."""
    if not app["current_droplet_guid"]:
        raise unprocessable("Assign a droplet before starting this app.")
    with cloud.store.lock:
        sizes = sizes_of(cloud, app)
        check_growth(cloud, app, sizes, sizes if app["state"] == "STARTED" else [])
        revision = revise(cloud, who, app)
        app = cloud.store.update("app", app["guid"], state="STARTED")
        for process in processes_of(cloud, app["guid"]):
            stamp(cloud, app, process, revision)
    audit_app(cloud, f"audit.app.{event}", who, app, {})
    said_update(cloud, app, {"state": "STARTED"})
    runtime(cloud).converge_app(app["guid"])
    return app


def stop_app(cloud: Cloud, who: dict[str, str], app: Document) -> Document:
    """Stop all processes."""
    app = cloud.store.update("app", app["guid"], state="STOPPED")
    audit_app(cloud, "audit.app.stop", who, app, {})
    said_update(cloud, app, {"state": "STOPPED"})
    runtime(cloud).converge_app(app["guid"])
    return app


def restart_app(cloud: Cloud, who: dict[str, str], app: Document) -> Document:
    """Stop and start all instances, with the downtime that this means."""
    return start_app(cloud, who, app, "restart")


def environment_problems(variables: Any) -> list[str]:
    """What is wrong with names and values of variables (platform API §5.1, §8.2)."""
    found = []
    for name, value in variables.items():
        upper = name.upper()
        if not name:
            found.append("Environment variable names must not be empty")
        if upper.startswith("VCAP_"):
            found.append("Environment variable names cannot start with VCAP_")
        if upper.startswith("VMC"):
            found.append("Environment variable names cannot start with VMC")
        if upper == "PORT":
            found.append("Environment variable names cannot be PORT")
        if value is not None and not isinstance(value, str):
            found.append("Environment variable values must be strings")
    return found


def system_env(cloud: Cloud, app: Document) -> dict[str, Any]:
    """What `GET /v3/apps/:guid/env` shows of the platform's own variables."""
    return {"VCAP_SERVICES": vcap.services(cloud, app["guid"])}
