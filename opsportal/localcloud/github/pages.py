"""Pages for people: pull requests and issues, and buttons on them that act as whoever is chosen.

Nobody signs in: it is a stand-in on one's own machine. A form sent from any other site is refused.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import wraps
from typing import Any

from werkzeug.wrappers import Response

from ..errors import ApiError
from ..store import Document
from ..web import Answer, ApiRequest, route
from . import checks, issue_actions, pull_actions, world
from .errors import GitHubError, not_found
from .git import GitFailed, is_sha

STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
header { border-bottom: 1px solid; margin-bottom: 1rem; padding-bottom: .5rem; }
li, article { margin: 1rem 0; } ul { list-style: none; padding: 0; }
article { border: 1px solid; border-radius: .4rem; padding: .5rem 1rem; }
pre { font: inherit; margin: .5rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
label { display: block; } textarea, select, button, input { font: inherit; max-width: 100%; }
textarea { width: 100%; box-sizing: border-box; } button { margin: .5rem .5rem .5rem 0; padding: .4rem .8rem; }
"""
NAME = "/github/<owner>/<repo>"
Page = Callable[..., str | Response]


@route("GET", "/github/style.css", auth="none")
def style(request: ApiRequest) -> Answer:
    """How the pages look."""
    return Response(STYLE, headers={"Content-Type": "text/css; charset=utf-8"})


def page(method: str, path: str) -> Callable[[Page], Page]:
    """Have a function answer a page of a repository with the page's content, or with a redirect."""

    def keep(handler: Page) -> Page:
        @route(method, NAME + path, auth="none")
        @wraps(handler)
        def answer(request: ApiRequest, owner: str, repo: str, **args: str) -> Answer:
            try:
                if method == "POST":
                    _same_site(request)
                found = world.repository(request.context, f"{owner}/{repo}")
                if found is None:
                    raise not_found()
                pull_actions.refresh(request.context, found)
                made = handler(request, found, **args)
            except (ApiError, GitFailed) as error:
                status = error.status if isinstance(error, ApiError) else 500
                return _whole("Refused", f'<p role="alert">{html.escape(_words(error))}</p>', status)
            return made if isinstance(made, Response) else _whole(found["full_name"], _head(found) + made)

        return handler

    return keep


def _words(error: ApiError | GitFailed) -> str:
    problems = error.problems if isinstance(error, GitHubError) else []
    told = [one if isinstance(one, str) else one.get("message", "") for one in problems]
    return " ".join([str(getattr(error, "detail", error)), *told])


def _same_site(request: ApiRequest) -> None:
    """403 for a form that another site's page sent."""
    headers = request.raw.headers
    origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site", "same-origin")
    if site not in {"same-origin", "none"} or origin not in {None, request.base_url}:
        raise GitHubError(403, "This form was sent from another site.")


def _whole(title: str, content: str, status: int = 200) -> Response:
    text = (
        f'<!doctype html><html lang="en"><head><title>{html.escape(title)} · local GitHub</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/github/style.css"></head>'
        f"<body><main>{content}</main></body></html>"
    )
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
        "Referrer-Policy": "same-origin",
    }
    return Response(text, status=status, headers=headers)


def _head(repository: Document) -> str:
    at = html.escape(f"/github/{repository['full_name']}")
    return (
        f"<header><p>Local GitHub: <strong>{html.escape(repository['full_name'])}</strong></p>"
        f'<nav><a href="{at}/pulls">Pull requests</a> · <a href="{at}/issues">Issues</a></nav></header>'
    )


def _there(repository: Document, path: str) -> Response:
    return Response(status=303, headers={"Location": f"/github/{repository['full_name']}{path}"})


def _acting(request: ApiRequest) -> Document:
    found = world.user(request.context, request.raw.form.get("as", ""))
    if found is None:
        raise GitHubError(422, "Choose who does it.")
    return found


def _form(request: ApiRequest, at: str, buttons: list[tuple[str, str]], *, title: bool = False) -> str:
    people = "".join(
        f'<option value="{html.escape(one["login"])}">{html.escape(one["display_name"])}</option>'
        for one in world.users(request.context)
    )
    named = '<label>Title <input name="title" required></label>' if title else ""
    pressed = "".join(f'<button name="do" value="{value}">{words}</button>' for value, words in buttons)
    return (
        f'<form method="post" action="{html.escape(at)}"><label>As <select name="as">{people}</select></label>{named}'
        f'<label>Words <textarea name="body" rows="4"></textarea></label>{pressed}</form>'
    )


def _said(who: str, at: str, what: str, words: str | None) -> str:
    shown = f"<pre>{html.escape(words)}</pre>" if words else ""
    return f"<article><p><strong>{html.escape(who)}</strong> {html.escape(what)} · {html.escape(at)}</p>{shown}</article>"


def _list(request: ApiRequest, repository: Document, pulls: bool) -> str:
    found = request.context.store.find("github_issue", repository_guid=repository["guid"])
    found = sorted((one for one in found if one["is_pull"] is pulls), key=lambda one: -one["number"])
    found.sort(key=lambda one: one["state"] != "open")
    word = "pull" if pulls else "issues"
    lines = [
        f'<li><a href="/github/{html.escape(repository["full_name"])}/{word}/{one["number"]}">'
        f"#{one['number']} {html.escape(one['title'])}</a><br>{_state(one)} · {html.escape(one['author'])}"
        f"{html.escape(''.join(f' · {name}' for name in one['labels']))}</li>"
        for one in found[:200]
    ]
    return f"<ul>{''.join(lines)}</ul>" if lines else "<p>There is none.</p>"


def _state(found: Document) -> str:
    if found.get("merged_at"):
        return "merged"
    return "draft" if found.get("draft") and found["state"] == "open" else str(found["state"])


@page("GET", "")
def start(request: ApiRequest, repository: Document) -> Response:
    """On to the pull requests."""
    return _there(repository, "/pulls")


@page("GET", "/pulls")
def pulls(request: ApiRequest, repository: Document) -> str:
    """All pull requests, the open ones first."""
    branches = [one.name.removeprefix("refs/heads/") for one in world.git_of(repository).refs("refs/heads/")]
    options = "".join(
        f"<option>{html.escape(one)}</option>" for one in branches if one != repository["default_branch"]
    )
    at = f"/github/{repository['full_name']}/pulls"
    chosen = f'<label>Branch <select name="head">{options}</select></label>'
    form = _form(request, at, [("open", "Open pull request"), ("draft", "Open as draft")], title=True)
    opened = form.replace("<label>Title", f"{chosen}<label>Title", 1)
    return f"<h1>Pull requests</h1>{_list(request, repository, True)}<h2>A new one</h2>{opened}"


@page("POST", "/pulls")
def open_pull(request: ApiRequest, repository: Document) -> Response:
    """Open one."""
    form = request.raw.form
    wanted: dict[str, Any] = {
        "head": form.get("head", ""),
        "base": repository["default_branch"],
        "title": form.get("title", "").strip() or "Untitled",
        "body": form.get("body") or None,
        "draft": form.get("do") == "draft",
    }
    made = pull_actions.open_pull(request.context, repository, _acting(request), wanted)
    return _there(repository, f"/pull/{made['number']}")


@page("GET", "/pull/<int:number>")
def pull(request: ApiRequest, repository: Document, number: str) -> str | Response:
    """One pull request: what it brings, who said what, and what can be done to it."""
    cloud, found = request.context, issue_actions.find(request.context, repository, number)
    if not found["is_pull"]:
        return _there(repository, f"/issues/{number}")
    git = world.git_of(repository)
    listed = git.commits(found["base_sha"], found["head_sha"], 50)[::-1]
    commits = "".join(f"<li><code>{one.sha[:10]}</code> {_first(one.message)}</li>" for one in listed)
    told = [
        _said(one["author"], one["submitted_at"], one["state"].replace("_", " ").lower(), one["body"])
        for one in pull_actions.reviews(cloud, found)
    ]
    posted = "".join(
        f"<li>{html.escape(one['context'])}: {html.escape(one['status_state'])} "
        f"{html.escape(one['description'] or '')}</li>"
        for one in checks.latest(cloud, repository, found["head_sha"])
    )
    asked = html.escape(", ".join(found["requested"])) or "nobody"
    state = f" · {pull_actions.mergeable(cloud, repository, found)[1]}" if found["state"] == "open" else ""
    at = f"/github/{repository['full_name']}/pull/{number}"
    buttons = [("comment", "Comment")]
    if found["state"] == "open":
        buttons = [("approve", "Approve"), ("changes", "Request changes"), *buttons]
        buttons += [("ready", "Ready for review")] if found["draft"] else [("merge", "Merge")]
        buttons += [("close", "Close")]
    elif not found["merged_at"]:
        buttons += [("reopen", "Reopen")]
    return (
        f"{_title(found)}<p>{html.escape(found['head_ref'])} → {html.escape(found['base_ref'])}"
        f"{state} · review asked of {asked}</p>{_words_of(found)}<h2>Commits</h2><ul>{commits}</ul>"
        f"<h2>Checks</h2><ul>{posted or '<li>none</li>'}</ul><h2>Reviews</h2>{''.join(told) or '<p>None yet.</p>'}"
        f"{_talk(request, found)}{_form(request, at, buttons)}"
    )


def _first(message: str) -> str:
    return html.escape(message.partition("\n")[0])


def _title(found: Document) -> str:
    return f"<h1>{html.escape(found['title'])} #{found['number']}</h1><p>{_state(found)}</p>"


def _words_of(found: Document) -> str:
    return _said(found["author"], found["created_at"], "opened it", found["body"])


def _talk(request: ApiRequest, found: Document) -> str:
    talk = issue_actions.comments(request.context, found)
    said = "".join(_said(one["author"], one["created_at"], "said", one["body"]) for one in talk)
    return f"<h2>Comments</h2>{said or '<p>None yet.</p>'}"


@page("POST", "/pull/<int:number>")
def act_on_pull(request: ApiRequest, repository: Document, number: str) -> Response:
    """Approve, request changes, comment, merge, close or reopen."""
    cloud, who = request.context, _acting(request)
    found = issue_actions.find(cloud, repository, number)
    if not found["is_pull"]:
        raise not_found()
    done, words = request.raw.form.get("do", ""), request.raw.form.get("body", "").strip()
    if done in {"approve", "changes"}:
        event = "APPROVE" if done == "approve" else "REQUEST_CHANGES"
        pull_actions.review(cloud, found, who, event, words)
    elif done == "merge":
        pull_actions.merge(cloud, repository, found, who, {})
    elif done == "ready":
        cloud.store.update("github_issue", found["guid"], draft=False)
    else:
        _act(request, found, who, done, words)
    return _there(repository, f"/pull/{number}")


def _act(request: ApiRequest, found: Document, who: Document, done: str, words: str) -> None:
    """What can be done to issues and pull requests alike; words that come along are a comment."""
    if done == "comment" and not words:
        raise GitHubError(422, "Say something.")
    if words:
        issue_actions.comment(request.context, found, who, words)
    if done in {"close", "reopen"} and not found.get("merged_at"):
        state = "closed" if done == "close" else "open"
        issue_actions.edit(request.context, found, who, {"state": state})


@page("GET", "/commit/<sha>")
def commit(request: ApiRequest, repository: Document, sha: str) -> str:
    """One commit: its words, and what it changed."""
    git = world.git_of(repository)
    known = git.commit_named(sha) if is_sha(sha) else None
    if known is None:
        raise not_found()
    (found,) = git.commits(None, known, 1)
    changed = git.files(found.parents[0], known) if found.parents else []
    files = "".join(
        f"<li><code>{html.escape(one.path)}</code> {one.status}, +{one.added} −{one.removed}</li>"
        for one in changed[:300]
    )
    who, _address, at = found.author
    said = _said(who, at, f"wrote {known[:10]}", found.message)
    return f"<h1>{_first(found.message)}</h1>{said}<h2>Files</h2><ul>{files or '<li>none</li>'}</ul>"


@page("GET", "/issues")
def issues(request: ApiRequest, repository: Document) -> str:
    """All issues, the open ones first."""
    at = f"/github/{repository['full_name']}/issues"
    form = _form(request, at, [("open", "Open issue")], title=True)
    return f"<h1>Issues</h1>{_list(request, repository, False)}<h2>A new one</h2>{form}"


@page("POST", "/issues")
def open_issue(request: ApiRequest, repository: Document) -> Response:
    """Open one."""
    form = request.raw.form
    title = form.get("title", "").strip() or "Untitled"
    made = issue_actions.create(
        request.context, repository, _acting(request), title, form.get("body") or None
    )
    return _there(repository, f"/issues/{made['number']}")


@page("GET", "/issues/<int:number>")
def issue(request: ApiRequest, repository: Document, number: str) -> str | Response:
    """One issue."""
    found = issue_actions.find(request.context, repository, number)
    if found["is_pull"]:
        return _there(repository, f"/pull/{number}")
    at = f"/github/{repository['full_name']}/issues/{number}"
    turn = ("close", "Close") if found["state"] == "open" else ("reopen", "Reopen")
    labels = html.escape(", ".join(found["labels"])) or "no labels"
    return (
        f"{_title(found)}<p>{labels}</p>{_words_of(found)}{_talk(request, found)}"
        f"{_form(request, at, [('comment', 'Comment'), turn])}"
    )


@page("POST", "/issues/<int:number>")
def act_on_issue(request: ApiRequest, repository: Document, number: str) -> Response:
    """Comment, close or reopen."""
    who = _acting(request)
    found = issue_actions.find(request.context, repository, number)
    _act(request, found, who, request.raw.form.get("do", ""), request.raw.form.get("body", "").strip())
    return _there(repository, f"/issues/{number}")
