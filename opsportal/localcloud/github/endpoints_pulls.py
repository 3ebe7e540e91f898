"""``/repos/:owner/:repo/pulls``: pull requests, reviews, merges."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from ..store import Document
from ..web import Answer
from . import issue_actions, pull_actions
from .api import Asked, endpoint, text_of, texts_of
from .errors import GitHubError, invalid, not_found
from .git import is_sha
from .wire import Wire

PULLS = "/repos/<owner>/<repo>/pulls"
ONE = PULLS + "/<number>"


def _pull(asked: Asked, number: str) -> Document:
    pull_actions.refresh(asked.cloud, asked.repository)
    found = issue_actions.find(asked.cloud, asked.repository, number)
    if not found["is_pull"]:
        raise not_found()
    return found


@endpoint("GET", PULLS)
def pulls(asked: Asked) -> Answer:
    """The pull requests: ``state``, ``head``, ``base``, ``sort``, ``direction``."""
    pull_actions.refresh(asked.cloud, asked.repository)
    state = asked.choice("PullRequest", "state", ("open", "closed", "all"))
    sort = asked.choice("PullRequest", "sort", ("created", "updated", "popularity", "long-running"))
    usual = ("desc", "asc") if sort == "created" else ("asc", "desc")
    direction = asked.choice("PullRequest", "direction", usual)
    head, base = asked.param("head").partition(":")[2], asked.param("base")
    found = [
        one
        for one in asked.cloud.store.find("github_issue", repository_guid=asked.repository["guid"])
        if one["is_pull"] and state in {"all", one["state"]}
        if head in {"", one["head_ref"]} and base in {"", one["base_ref"]}
    ]
    key = "updated_at" if sort == "updated" else "created_at"
    found.sort(key=lambda one: (one[key], one["number"]), reverse=direction == "desc")
    return asked.page(found, Wire(asked).pull)


@endpoint("POST", PULLS)
def open_pull(asked: Asked) -> Answer:
    """Open a pull request."""
    body = asked.json()
    wanted: dict[str, Any] = {
        name: text_of(body, "PullRequest", name, needed=True) for name in ("title", "head", "base")
    }
    wanted |= {"body": text_of(body, "PullRequest", "body"), "draft": body.get("draft") is True}
    made = pull_actions.open_pull(asked.cloud, asked.repository, asked.user, wanted)
    shown = Wire(asked).whole_pull(made)
    return shown, 201, {"Location": shown["url"]}


@endpoint("GET", ONE)
def pull(asked: Asked, number: str) -> Answer:
    """One pull request."""
    return Wire(asked).whole_pull(_pull(asked, number))


@endpoint("PATCH", ONE)
def edit_pull(asked: Asked, number: str) -> Answer:
    """Change title, body or state."""
    body, found = asked.json(), _pull(asked, number)
    if not asked.may_write and asked.login != found["author"]:
        raise not_found()
    changes = {name: text_of(body, "PullRequest", name) for name in ("title", "body", "state")}
    if changes["state"] == "open" and (found["merged_at"] or not asked.git.branch(found["head_ref"])):
        raise invalid("PullRequest", "state")
    return Wire(asked).whole_pull(issue_actions.edit(asked.cloud, found, asked.user, changes))


@endpoint("GET", ONE + "/commits")
def commits(asked: Asked, number: str) -> Answer:
    """Its commits, oldest first."""
    found = _pull(asked, number)
    listed = asked.git.commits(found["base_sha"], found["head_sha"])
    return asked.page(listed[::-1], Wire(asked).commit)


@endpoint("GET", ONE + "/files")
def files(asked: Asked, number: str) -> Answer:
    """What it changes."""
    found = _pull(asked, number)
    before = asked.git.merge_base(found["base_sha"], found["head_sha"])
    return asked.page(asked.git.files(before, found["head_sha"]) if before else [], file_shown)


def file_shown(one: Any) -> dict[str, Any]:
    """A changed file, without its patch."""
    counts = {"additions": one.added, "deletions": one.removed, "changes": one.added + one.removed}
    return {"filename": one.path, "status": one.status, **counts}


@endpoint("GET", ONE + "/merge")
def is_merged(asked: Asked, number: str) -> Answer:
    """204 when it is merged, else 404."""
    if _pull(asked, number)["merged_at"] is None:
        raise not_found()
    return Response(status=204)


@endpoint("PUT", ONE + "/merge", writes=True)
def merge(asked: Asked, number: str) -> Answer:
    """Merge it."""
    body = asked.json()
    names = ("sha", "merge_method", "commit_title", "commit_message")
    wanted = {name: text_of(body, "PullRequest", name) for name in names}
    done = pull_actions.merge(asked.cloud, asked.repository, _pull(asked, number), asked.user, wanted)
    return {"sha": done["merge_commit_sha"], "merged": True, "message": "Pull Request successfully merged"}


@endpoint("GET", ONE + "/reviews")
def reviews(asked: Asked, number: str) -> Answer:
    """Its reviews, oldest first."""
    found, wire = _pull(asked, number), Wire(asked)
    return asked.page(pull_actions.reviews(asked.cloud, found), lambda one: wire.review(one, found))


@endpoint("POST", ONE + "/reviews")
def review(asked: Asked, number: str) -> Answer:
    """Review it at once; reviews that wait to be submitted are not kept here."""
    body, found = asked.json(), _pull(asked, number)
    event = text_of(body, "PullRequestReview", "event", needed=True) or ""
    commit = text_of(body, "PullRequestReview", "commit_id")
    if commit is not None and not is_sha(commit):
        raise invalid("PullRequestReview", "commit_id")
    words = text_of(body, "PullRequestReview", "body")
    made = pull_actions.review(asked.cloud, found, asked.user, event, words, commit)
    return Wire(asked).review(made, found)


@endpoint("GET", ONE + "/requested_reviewers")
def requested_reviewers(asked: Asked, number: str) -> Answer:
    """Who is asked for a review and has given none since."""
    wire = Wire(asked)
    return {"users": [wire.user(login) for login in _pull(asked, number)["requested"]], "teams": []}


@endpoint("POST", ONE + "/requested_reviewers", writes=True)
def request_reviewers(asked: Asked, number: str) -> Answer:
    """Ask for reviews."""
    logins = texts_of(asked.json(), "PullRequest", "reviewers") or []
    found = pull_actions.request_reviewers(asked.cloud, asked.repository, _pull(asked, number), logins)
    return Wire(asked).pull(found), 201


@endpoint("DELETE", ONE + "/requested_reviewers", writes=True)
def take_back_request(asked: Asked, number: str) -> Answer:
    """Ask for a review no longer."""
    found, gone = _pull(asked, number), texts_of(asked.json(), "PullRequest", "reviewers")
    if gone is None:
        raise GitHubError(422, 'Invalid request.\n\n"reviewers" wasn\'t supplied.')
    left = [login for login in found["requested"] if login not in gone]
    return Wire(asked).pull(asked.cloud.store.update("github_issue", found["guid"], requested=left))
