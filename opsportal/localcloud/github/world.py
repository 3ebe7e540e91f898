"""Who and what there is: users, repositories, and the series that numbers are taken from.

In the estate::

    "github": {"users": [{"login", "name", "token", "access": {"owner/name": "write" | "read" | "none"}}],
               "repositories": [{"full_name", "path", "default_branch", "first_number",
                                 "required_statuses": [contexts], "required_approvals": 0,
                                 "pull_requests": [{"head", "base", "title", "body", "author", "draft",
                                                    "reviewers": [logins], "reviews": [{"author", "state", "body"}]}]}]}

A user may write where ``access`` does not say otherwise; one without a token acts on the pages only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..people import digest
from .git import Git

if TYPE_CHECKING:
    from ..context import Cloud
    from ..store import Document

LABELS = {
    "bug": ("d73a4a", "Something isn't working"),
    "documentation": ("0075ca", "Improvements or additions to documentation"),
    "enhancement": ("a2eeef", "New feature or request"),
}


def next_number(cloud: Cloud, series: str, first: int = 1) -> int:
    """The next number of a series: ids are one, and each repository's issues and pull requests another."""
    with cloud.store.lock:
        kept = cloud.store.get("github_series", series)
        number = max(first, kept["next"] if kept else 1)
        if kept is None:
            cloud.store.create("github_series", {"guid": series, "next": number + 1})
        else:
            cloud.store.update("github_series", series, next=number + 1)
    return number


def new_id(cloud: Cloud) -> int:
    """An id that nothing else has."""
    return next_number(cloud, "ids")


def user(cloud: Cloud, login: str) -> Document | None:
    """A user by login, in whatever case."""
    return cloud.store.get("github_user", login.lower())


def users(cloud: Cloud) -> list[Document]:
    """Everybody."""
    return cloud.store.find("github_user")


def repository(cloud: Cloud, full_name: str) -> Document | None:
    """A repository by ``owner/name``, in whatever case."""
    return cloud.store.get("github_repository", full_name.lower())


def git_of(repository: Document) -> Git:
    """A repository's Git."""
    return Git(Path(repository["path"]))


def access(user: Document, repository: Document) -> str:
    """``write``, ``read`` or ``none``."""
    return str(user["access"].get(repository["full_name"], "write"))


def apply(cloud: Cloud, wanted: dict[str, Any]) -> list[tuple[Document, dict[str, Any]]]:
    """Make or bring up to date what the estate names; gives the pull requests of repositories that are new."""
    for one in wanted.get("users", ()):
        _apply_user(cloud, one)
    fresh: list[tuple[Document, dict[str, Any]]] = []
    for one in wanted.get("repositories", ()):
        known = repository(cloud, one["full_name"])
        made = _apply_repository(cloud, one)
        if known is None:
            fresh += [(made, pull) for pull in one.get("pull_requests", ())]
    return fresh


def _apply_user(cloud: Cloud, wanted: dict[str, Any]) -> None:
    login, token = wanted["login"], wanted.get("token")
    values = {
        "login": login,
        "display_name": wanted.get("name", login),
        "token_guid": digest(token) if token else "",
        "access": dict(wanted.get("access", {})),
    }
    if user(cloud, login):
        cloud.store.update("github_user", login.lower(), **values)
    else:
        cloud.store.create("github_user", {"guid": login.lower(), "id": new_id(cloud), **values})


def _apply_repository(cloud: Cloud, wanted: dict[str, Any]) -> Document:
    full_name = wanted["full_name"]
    values = {
        "full_name": full_name,
        "path": str(Path(wanted["path"]).resolve()),
        "default_branch": wanted.get("default_branch", "main"),
        "required_statuses": list(wanted.get("required_statuses", ())),
        "required_approvals": int(wanted.get("required_approvals", 0)),
        "first_number": int(wanted.get("first_number", 1)),
    }
    if repository(cloud, full_name):
        return cloud.store.update("github_repository", full_name.lower(), **values)
    made = cloud.store.create("github_repository", {"guid": full_name.lower(), "id": new_id(cloud), **values})
    for name, (color, description) in LABELS.items():
        new_label(cloud, made, name, color, description)
    return made


def label(cloud: Cloud, repository: Document, name: str) -> Document | None:
    """A label by its name, in whatever case."""
    return cloud.store.get("github_label", f"{repository['guid']}/{name.lower()}")


def new_label(cloud: Cloud, repository: Document, name: str, color: str, description: str) -> Document:
    """Keep a new label; ValueError when there is one of this name."""
    return cloud.store.create(
        "github_label",
        {
            "guid": f"{repository['guid']}/{name.lower()}",
            "repository_guid": repository["guid"],
            "id": new_id(cloud),
            "label": name,
            "color": color,
            "description": description,
        },
    )
