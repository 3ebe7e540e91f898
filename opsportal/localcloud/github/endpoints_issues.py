"""``/repos/:owner/:repo/issues``, comments and labels."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from ..store import Document
from ..web import Answer
from . import issue_actions, pull_actions, world
from .api import Asked, endpoint, text_of, texts_of
from .errors import forbidden, invalid, not_found
from .wire import Wire

REPO = "/repos/<owner>/<repo>"
ISSUES = REPO + "/issues"
ONE = ISSUES + "/<int:number>"
COMMENT = ISSUES + "/comments/<int:id>"


@endpoint("GET", ISSUES)
def issues(asked: Asked) -> Answer:
    """Issues and pull requests: ``state``, ``labels``, ``creator``, ``since``, ``sort``, ``direction``."""
    pull_actions.refresh(asked.cloud, asked.repository)
    state = asked.choice("Issue", "state", ("open", "closed", "all"))
    sort = asked.choice("Issue", "sort", ("created", "updated", "comments"))
    direction = asked.choice("Issue", "direction", ("desc", "asc"))
    labels = {one for one in asked.param("labels").split(",") if one}
    creator, since = asked.param("creator"), asked.since
    found = [
        one
        for one in asked.cloud.store.find("github_issue", repository_guid=asked.repository["guid"])
        if state in {"all", one["state"]} and labels <= set(one["labels"])
        if creator in {"", one["author"]} and one["updated_at"] >= since
    ]
    key = "updated_at" if sort == "updated" else "created_at"
    found.sort(key=lambda one: (one[key], one["number"]), reverse=direction == "desc")
    return asked.page(found, Wire(asked).issue)


@endpoint("POST", ISSUES)
def open_issue(asked: Asked) -> Answer:
    """Open an issue; labels and assignees of somebody who may not write are silently dropped."""
    body = asked.json()
    title = text_of(body, "Issue", "title", needed=True) or ""
    labels = texts_of(body, "Issue", "labels") or []
    assignees = _assignees(asked, body) or []
    if not asked.may_write:
        labels, assignees = [], []
    made = issue_actions.create(
        asked.cloud,
        asked.repository,
        asked.user,
        title,
        text_of(body, "Issue", "body"),
        labels=issue_actions.ensure_labels(asked.cloud, asked.repository, labels),
        assignees=assignees,
    )
    shown = Wire(asked).issue(made)
    return shown, 201, {"Location": shown["url"]}


def _assignees(asked: Asked, body: dict[str, Any]) -> list[str] | None:
    named = texts_of(body, "Issue", "assignees")
    if named is None:
        return None
    people = [world.user(asked.cloud, login) for login in named]
    if any(one is None for one in people):
        raise invalid("Issue", "assignees")
    return [one["login"] for one in people if one is not None]


@endpoint("GET", ONE)
def issue(asked: Asked, number: str) -> Answer:
    """One issue."""
    return Wire(asked).issue(issue_actions.find(asked.cloud, asked.repository, number))


@endpoint("PATCH", ONE)
def edit_issue(asked: Asked, number: str) -> Answer:
    """Change it; its author may, and who may write."""
    body, found = asked.json(), issue_actions.find(asked.cloud, asked.repository, number)
    if not asked.may_write and asked.login != found["author"]:
        raise forbidden()
    changes: dict[str, Any] = {
        name: text_of(body, "Issue", name) for name in ("title", "body", "state", "state_reason")
    }
    labels = texts_of(body, "Issue", "labels")
    if labels is not None:
        changes["labels"] = issue_actions.ensure_labels(asked.cloud, asked.repository, labels)
    changes["assignees"] = _assignees(asked, body)
    return Wire(asked).issue(issue_actions.edit(asked.cloud, found, asked.user, changes))


@endpoint("GET", ONE + "/comments")
def comments(asked: Asked, number: str) -> Answer:
    """The comments of one, oldest first."""
    found = issue_actions.find(asked.cloud, asked.repository, number)
    listed = issue_actions.comments(asked.cloud, found)
    return asked.page([one for one in listed if one["updated_at"] >= asked.since], Wire(asked).comment)


@endpoint("POST", ONE + "/comments")
def comment(asked: Asked, number: str) -> Answer:
    """Say something."""
    found = issue_actions.find(asked.cloud, asked.repository, number)
    words = text_of(asked.json(), "IssueComment", "body", needed=True) or ""
    shown = Wire(asked).comment(issue_actions.comment(asked.cloud, found, asked.user, words))
    return shown, 201, {"Location": shown["url"]}


@endpoint("GET", ISSUES + "/comments")
def all_comments(asked: Asked) -> Answer:
    """The comments of all, by ``sort`` and ``direction``, updated ``since``."""
    sort = asked.choice("IssueComment", "sort", ("created", "updated"))
    direction = asked.choice("IssueComment", "direction", ("asc", "desc"))
    found = [
        one
        for one in asked.cloud.store.find("github_comment", repository_guid=asked.repository["guid"])
        if one["updated_at"] >= asked.since
    ]
    found.sort(key=lambda one: (one[f"{sort}_at"], one["id"]), reverse=direction == "desc")
    return asked.page(found, Wire(asked).comment)


def _comment(asked: Asked, number: str) -> Document:
    found = asked.cloud.store.get("github_comment", number)
    if found is None or found["repository_guid"] != asked.repository["guid"]:
        raise not_found()
    return found


@endpoint("GET", COMMENT)
def one_comment(asked: Asked, id: str) -> Answer:  # noqa: A002 - the path's own word
    """One comment."""
    return Wire(asked).comment(_comment(asked, id))


@endpoint("PATCH", COMMENT)
def edit_comment(asked: Asked, id: str) -> Answer:  # noqa: A002
    """Change what was said; its author may, and who may write."""
    found = _comment(asked, id)
    if not asked.may_write and asked.login != found["author"]:
        raise forbidden()
    words = text_of(asked.json(), "IssueComment", "body", needed=True)
    return Wire(asked).comment(asked.cloud.store.update("github_comment", found["guid"], body=words))


@endpoint("DELETE", COMMENT, writes=True)
def delete_comment(asked: Asked, id: str) -> Answer:  # noqa: A002
    """Take it away."""
    asked.cloud.store.delete("github_comment", _comment(asked, id)["guid"])
    return Response(status=204)


@endpoint("GET", REPO + "/labels")
def labels(asked: Asked) -> Answer:
    """The repository's labels."""
    found = asked.cloud.store.find("github_label", repository_guid=asked.repository["guid"])
    return asked.page(found, Wire(asked).label)


@endpoint("POST", REPO + "/labels", writes=True)
def make_label(asked: Asked) -> Answer:
    """A new label; 422 when there is one of this name."""
    body = asked.json()
    name = text_of(body, "Label", "name", needed=True) or ""
    color = (text_of(body, "Label", "color") or "ededed").lower()
    if len(color) != 6 or color.strip("0123456789abcdef"):
        raise invalid("Label", "color")
    if len(name) > 50:
        raise invalid("Label", "name")
    try:
        made = world.new_label(
            asked.cloud, asked.repository, name, color, text_of(body, "Label", "description") or ""
        )
    except ValueError as error:
        raise invalid("Label", "name", "already_exists") from error
    return Wire(asked).label(made), 201


@endpoint("GET", REPO + "/labels/<path:name>")
def label(asked: Asked, name: str) -> Answer:
    """One label."""
    found = world.label(asked.cloud, asked.repository, name)
    if found is None:
        raise not_found()
    return Wire(asked).label(found)


@endpoint("POST", ONE + "/labels", writes=True)
def add_labels(asked: Asked, number: str) -> Answer:
    """Put labels on it, beside those it has."""
    found = issue_actions.find(asked.cloud, asked.repository, number)
    added = issue_actions.ensure_labels(
        asked.cloud, asked.repository, texts_of(asked.json(), "Issue", "labels") or []
    )
    names = list(dict.fromkeys([*found["labels"], *added]))
    changed = issue_actions.edit(asked.cloud, found, asked.user, {"labels": names})
    return Wire(asked).issue(changed)["labels"], 200


@endpoint("DELETE", ONE + "/labels/<path:name>", writes=True)
def take_label(asked: Asked, number: str, name: str) -> Answer:
    """Take a label off it."""
    found = issue_actions.find(asked.cloud, asked.repository, number)
    left = [one for one in found["labels"] if one.lower() != name.lower()]
    if left == found["labels"]:
        raise not_found()
    changed = issue_actions.edit(asked.cloud, found, asked.user, {"labels": left})
    return Wire(asked).issue(changed)["labels"], 200
