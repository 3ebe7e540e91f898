"""What was found about a commit: statuses that are posted, and check runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import world

if TYPE_CHECKING:
    from ..context import Cloud
    from ..store import Document

STATES = ("error", "failure", "pending", "success")
_BAD = frozenset({"failure", "timed_out", "cancelled", "action_required", "startup_failure"})


def statuses(cloud: Cloud, repository: Document, sha: str) -> list[Document]:
    """All statuses of a commit, newest first."""
    found = cloud.store.find("github_status", commit_guid=sha, repository_guid=repository["guid"])
    return found[::-1]


def latest(cloud: Cloud, repository: Document, sha: str) -> list[Document]:
    """The newest status of each context."""
    newest: dict[str, Document] = {}
    for one in statuses(cloud, repository, sha):
        newest.setdefault(one["context"], one)
    return list(newest.values())


def combined_status(found: list[Document]) -> str:
    """``failure`` when one is bad, ``success`` when all are good, else (and without any) ``pending``."""
    states = {one["status_state"] for one in found}
    if states & {"error", "failure"}:
        return "failure"
    return "success" if states == {"success"} else "pending"


def runs(cloud: Cloud, repository: Document, sha: str) -> list[Document]:
    """The check runs of a commit, the newest of each name."""
    found = cloud.store.find("github_check_run", commit_guid=sha, repository_guid=repository["guid"])
    return list({one["run_name"]: one for one in found}.values())


def combined(cloud: Cloud, repository: Document, sha: str) -> str:
    """Statuses and check runs together; ``none`` when there are none."""
    found, ran = latest(cloud, repository, sha), runs(cloud, repository, sha)
    if not found and not ran:
        return "none"
    state = combined_status(found) if found else "success"
    if state == "failure" or any(one["conclusion"] in _BAD for one in ran):
        return "failure"
    return (
        "pending" if state == "pending" or any(one["run_state"] != "completed" for one in ran) else "success"
    )


def state_of(cloud: Cloud, repository: Document, sha: str, context: str) -> str:
    """The state of one context (or check run of that name); empty when nothing was said."""
    for one in latest(cloud, repository, sha):
        if one["context"] == context:
            return str(one["status_state"])
    for run in runs(cloud, repository, sha):
        if run["run_name"] == context:
            return "success" if run["conclusion"] in {"success", "neutral", "skipped"} else "pending"
    return ""


def post_status(
    cloud: Cloud, repository: Document, sha: str, by: Document, wanted: dict[str, Any]
) -> Document:
    """Keep a status."""
    number = world.new_id(cloud)
    values = {
        "guid": str(number),
        "id": number,
        "repository_guid": repository["guid"],
        "commit_guid": sha,
        "creator": by["login"],
    }
    return cloud.store.create("github_status", values | wanted)


def post_run(cloud: Cloud, repository: Document, sha: str, wanted: dict[str, Any]) -> Document:
    """Keep a check run."""
    number = world.new_id(cloud)
    values = {"guid": str(number), "id": number, "repository_guid": repository["guid"], "commit_guid": sha}
    return cloud.store.create("github_check_run", values | wanted)
