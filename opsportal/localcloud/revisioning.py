"""Revisions: what an app's code and configuration were each time they changed (platform API §8.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .context import audit
from .processes import processes_of

if TYPE_CHECKING:
    from .context import Cloud
    from .store import Document

MAX_REVISIONS = 100


def latest(cloud: Cloud, app_guid: str) -> Document | None:
    """The newest revision of an app, or None."""
    found = cloud.store.find("revision", app_guid=app_guid)
    return found[-1] if found else None


def commands_of(cloud: Cloud, app_guid: str) -> dict[str, str | None]:
    """The start commands that people have set, by process type; None where the droplet's own is used."""
    return {one["type"]: one["command"] for one in processes_of(cloud, app_guid)}


def revise(
    cloud: Cloud,
    who: dict[str, str],
    app: Document,
    *,
    commands: dict[str, str | None] | None = None,
    rolled_back_to: int | None = None,
) -> Document | None:
    """The revision that an app is about to run: a new one if anything differs from the last, else the last.

    None when the app's feature `revisions` is off or there is no droplet.
    """
    if not app["features"]["revisions"] or not app["current_droplet_guid"]:
        return None
    commands = commands if commands is not None else commands_of(cloud, app["guid"])
    last = latest(cloud, app["guid"])
    reasons = _differences(last, app, commands)
    if rolled_back_to is not None:
        reasons.append(f"Rolled back to revision {rolled_back_to}.")
    if last is not None and not reasons:
        return last
    made = cloud.store.create(
        "revision",
        {
            "app_guid": app["guid"],
            "version": last["version"] + 1 if last else 1,
            "droplet_guid": app["current_droplet_guid"],
            "environment_variables": app["environment_variables"],
            "commands": commands,
            "sidecars": [],
            "description": " ".join(reasons) or "Initial revision.",
            "metadata": {"labels": {}, "annotations": {}},
        },
    )
    for surplus in cloud.store.find("revision", app_guid=app["guid"])[:-MAX_REVISIONS]:
        cloud.store.delete("revision", surplus["guid"])
    target = {"guid": app["guid"], "type": "app", "name": app["name"]}
    facts = {
        "revision_guid": made["guid"],
        "revision_version": made["version"],
        "droplet_guid": made["droplet_guid"],
    }
    audit(cloud, "audit.app.revision.create", who, target, facts, app["space_guid"])
    return made


def same_as_deployed(cloud: Cloud, app: Document, wanted: Document) -> bool:
    """Whether rolling back to this revision would change nothing."""
    last = latest(cloud, app["guid"])
    keys = ("droplet_guid", "environment_variables", "commands")
    return last is not None and all(last[key] == wanted[key] for key in keys)


def is_deployable(cloud: Cloud, revision: Document) -> bool:
    """Whether its droplet is still there."""
    droplet = cloud.store.get("droplet", revision["droplet_guid"])
    return droplet is not None and droplet["state"] == "STAGED"


def _differences(last: Document | None, app: Document, commands: dict[str, str | None]) -> list[str]:
    if last is None:
        return []
    found = []
    if last["droplet_guid"] != app["current_droplet_guid"]:
        found.append("New droplet deployed.")
    if last["environment_variables"] != app["environment_variables"]:
        found.append("New environment variables deployed.")
    for kind in sorted({*commands, *last["commands"]}):
        found += _command_difference(kind, last["commands"].get(kind), commands.get(kind))
    return found


def _command_difference(kind: str, before: Any, now: Any) -> list[str]:
    if before == now:
        return []
    word = "removed" if now is None else ("added" if before is None else "updated")
    return [f"Custom start command {word} for '{kind}' process."]
