"""What can be done to issues and comments, from the API and from the pages alike. A pull request is an issue too.

Everything that happens goes through here and :mod:`.pull_actions`: it is where webhooks will be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..store import timestamp
from . import world
from .errors import invalid, not_found

if TYPE_CHECKING:
    from ..context import Cloud
    from ..store import Document

REASONS = ("completed", "not_planned", "duplicate", "reopened")


def find(cloud: Cloud, repository: Document, number: str | int) -> Document:
    """An issue or pull request by its number; 404 when there is none."""
    found = cloud.store.get("github_issue", f"{repository['guid']}#{number}")
    if found is None:
        raise not_found()
    return found


def create(
    cloud: Cloud,
    repository: Document,
    author: Document,
    title: str,
    body: str | None,
    **more: Any,
) -> Document:
    """Keep a new issue, or with ``is_pull`` and its fields a pull request, under the next number."""
    number = world.next_number(cloud, f"{repository['guid']}#", repository["first_number"])
    return cloud.store.create(
        "github_issue",
        {
            "guid": f"{repository['guid']}#{number}",
            "repository_guid": repository["guid"],
            "id": world.new_id(cloud),
            "number": number,
            "is_pull": False,
            "title": title,
            "body": body,
            "state": "open",
            "state_reason": None,
            "labels": [],
            "assignees": [],
            "author": author["login"],
            "closed_at": None,
            "closed_by": None,
            **more,
        },
    )


def edit(cloud: Cloud, issue: Document, actor: Document, changes: dict[str, Any]) -> Document:
    """Change title, body, labels, assignees, state and its reason; what is absent stays."""
    kept = {
        name: changes[name]
        for name in ("title", "body", "labels", "assignees")
        if changes.get(name) is not None
    }
    state = changes.get("state")
    if state is not None and state not in {"open", "closed"}:
        raise invalid("Issue", "state")
    reason = changes.get("state_reason")
    if reason is not None and reason not in REASONS:
        raise invalid("Issue", "state_reason")
    if state == "closed" and issue["state"] == "open":
        now = timestamp(cloud.now())
        kept |= {"state": "closed", "closed_at": now, "closed_by": actor["login"]}
        kept |= {"state_reason": None if issue["is_pull"] else reason or "completed"}
    elif state == "open" and issue["state"] == "closed":
        kept |= {"state": "open", "closed_at": None, "closed_by": None}
        kept |= {"state_reason": None if issue["is_pull"] else "reopened"}
    elif state == "closed" and reason and not issue["is_pull"]:
        kept |= {"state_reason": reason}
    return cloud.store.update("github_issue", issue["guid"], **kept) if kept else issue


def touch(cloud: Cloud, issue: Document) -> None:
    """Something about it changed: it moves up in lists sorted by ``updated``."""
    cloud.store.update("github_issue", issue["guid"])


def ensure_labels(cloud: Cloud, repository: Document, names: list[str]) -> list[str]:
    """The labels by their own spelling, each once; those that did not exist are made, as the real one does."""
    found: dict[str, str] = {}
    for name in names:
        kept = world.label(cloud, repository, name) or world.new_label(cloud, repository, name, "ededed", "")
        found.setdefault(kept["guid"], kept["label"])
    return list(found.values())


def comments(cloud: Cloud, issue: Document) -> list[Document]:
    """Its comments, oldest first."""
    return cloud.store.find("github_comment", issue_guid=issue["guid"])


def comment(cloud: Cloud, issue: Document, author: Document, body: str) -> Document:
    """Add a comment."""
    number = world.new_id(cloud)
    made = cloud.store.create(
        "github_comment",
        {
            "guid": str(number),
            "id": number,
            "repository_guid": issue["repository_guid"],
            "issue_guid": issue["guid"],
            "number": issue["number"],
            "author": author["login"],
            "body": body,
        },
    )
    touch(cloud, issue)
    return made
