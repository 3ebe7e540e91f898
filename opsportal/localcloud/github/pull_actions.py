"""What can be done to pull requests: open, review, ask for reviews, merge; and keeping up with what was pushed."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Any

from ..store import timestamp
from . import checks, issue_actions, world
from .errors import GitHubError, invalid, refused
from .git import HEADS, Git, GitFailed, is_ref_name, is_sha

if TYPE_CHECKING:
    from ..context import Cloud
    from ..store import Document

EVENTS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
DECIDING = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})
_CLOSES = re.compile(r"(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d{1,9})\b")
_computed: dict[tuple[str, str, str], tuple[float, bool]] = {}
_MOST_COMPUTED = 2000
_changing = threading.RLock()


def open_pull(cloud: Cloud, repository: Document, author: Document, wanted: dict[str, Any]) -> Document:
    """Open a pull request from ``head`` (a branch, with or without its owner) into ``base``; 422 says why not."""
    owner = repository["full_name"].partition("/")[0]
    head, base = wanted["head"].removeprefix(f"{owner}:"), wanted["base"]
    git = world.git_of(repository)
    commits = {}
    for field, name in (("base", base), ("head", head)):
        commits[field] = git.branch(name) if is_ref_name(name) else None
        if commits[field] is None:
            raise invalid("PullRequest", field)
    head_sha, base_sha = str(commits["head"]), str(commits["base"])
    with _changing:
        for one in cloud.store.find("github_issue", repository_guid=repository["guid"], state="open"):
            if one["is_pull"] and (one["head_ref"], one["base_ref"]) == (head, base):
                raise refused("PullRequest", f"A pull request already exists for {owner}:{head}.")
        if git.is_ancestor(head_sha, base_sha):
            raise refused("PullRequest", f"No commits between {base} and {head}")
        made = issue_actions.create(
            cloud,
            repository,
            author,
            wanted["title"],
            wanted.get("body"),
            is_pull=True,
            head_ref=head,
            base_ref=base,
            head_sha=head_sha,
            base_sha=base_sha,
            draft=bool(wanted.get("draft")),
            merged_at=None,
            merged_by=None,
            merge_commit_sha=None,
            requested=[],
        )
    _keep_head(git, made, head_sha)
    return made


def _keep_head(git: Git, pull: Document, sha: str) -> None:
    """``refs/pull/N/head``, so that a pull request's commits outlive its branch."""
    name = f"refs/pull/{pull['number']}/head"
    git.set_ref(name, sha, git.ref(name))


def refresh(cloud: Cloud, repository: Document) -> None:
    """See what was pushed: new heads, branches that are gone, heads that somebody merged with Git alone."""
    pulls = [
        one
        for one in cloud.store.find("github_issue", repository_guid=repository["guid"], state="open")
        if one["is_pull"]
    ]
    if not pulls:
        return
    git = world.git_of(repository)
    with _changing:
        heads = {one.name.removeprefix(HEADS): one.sha for one in git.refs(HEADS)}
        for pull in pulls:
            now = cloud.store.get("github_issue", pull["guid"])
            if now is not None and now["state"] == "open":
                _refresh_one(cloud, git, heads, now)


def _refresh_one(cloud: Cloud, git: Git, heads: dict[str, str], pull: Document) -> None:
    head, base = heads.get(pull["head_ref"]), heads.get(pull["base_ref"])
    if head is None or base is None:
        now = timestamp(cloud.now())
        cloud.store.update("github_issue", pull["guid"], state="closed", closed_at=now)
        return
    if head != pull["head_sha"]:
        _keep_head(git, pull, head)
        pull = cloud.store.update("github_issue", pull["guid"], head_sha=head)
    if base != pull["base_sha"]:
        before = pull["base_sha"]
        pull = cloud.store.update("github_issue", pull["guid"], base_sha=base, updated_at=pull["updated_at"])
        if before != base and git.is_ancestor(head, base):
            _merged(cloud, pull, base, None)


def mergeable(cloud: Cloud, repository: Document, pull: Document) -> tuple[bool | None, str]:
    """``mergeable`` and ``mergeable_state``; None and "unknown" while it is being found out (a knob says how long)."""
    if pull["state"] != "open":
        return None, "unknown"
    key = (repository["guid"], pull["base_sha"], pull["head_sha"])
    if key not in _computed:
        if len(_computed) > _MOST_COMPUTED:
            _computed.clear()
        git = world.git_of(repository)
        _computed[key] = (
            time.monotonic(),
            git.merged_tree(pull["base_sha"], pull["head_sha"])[0] is not None,
        )
    since, clean = _computed[key]
    if time.monotonic() - since < cloud.knobs.github_mergeable_seconds:
        return None, "unknown"
    if not clean:
        return False, "dirty"
    if pull["draft"]:
        return True, "draft"
    if blocked(cloud, repository, pull):
        return True, "blocked"
    state = checks.combined(cloud, repository, pull["head_sha"])
    return True, "unstable" if state in {"failure", "pending"} else "clean"


def blocked(cloud: Cloud, repository: Document, pull: Document) -> str:
    """What the branch's protection still asks for, in GitHub's words; empty: nothing."""
    for context in repository["required_statuses"]:
        if checks.state_of(cloud, repository, pull["head_sha"], context) != "success":
            return f'Required status check "{context}" is expected.'
    states = [one["state"] for one in latest_reviews(cloud, pull).values()]
    needed = repository["required_approvals"]
    if needed and ("CHANGES_REQUESTED" in states or states.count("APPROVED") < needed):
        return f"At least {needed} approving review is required by reviewers with write access."
    return ""


def reviews(cloud: Cloud, pull: Document) -> list[Document]:
    """Its reviews, oldest first."""
    return cloud.store.find("github_review", issue_guid=pull["guid"])


def latest_reviews(cloud: Cloud, pull: Document) -> dict[str, Document]:
    """The review of each reviewer that decides; a later comment takes no approval back."""
    return {one["author"]: one for one in reviews(cloud, pull) if one["state"] in DECIDING}


def review(
    cloud: Cloud, pull: Document, author: Document, event: str, body: str | None, commit: str | None = None
) -> Document:
    """Approve, request changes, or comment; the reviewer is no longer asked for a review then."""
    if event not in EVENTS:
        raise invalid("PullRequestReview", "event")
    if author["login"] == pull["author"] and event != "COMMENT":
        verb = "approve" if event == "APPROVE" else "request changes on"
        raise GitHubError(422, "Unprocessable Entity", [f"Can not {verb} your own pull request"])
    if event != "APPROVE" and not (body or "").strip():
        raise refused("PullRequestReview", "You need to leave a comment indicating the requested changes.")
    number = world.new_id(cloud)
    made = cloud.store.create(
        "github_review",
        {
            "guid": str(number),
            "id": number,
            "issue_guid": pull["guid"],
            "author": author["login"],
            "state": EVENTS[event],
            "body": body or "",
            "commit_id": commit or pull["head_sha"],
            "submitted_at": timestamp(cloud.now()),
        },
    )
    left = [login for login in pull["requested"] if login != author["login"]]
    cloud.store.update("github_issue", pull["guid"], requested=left)
    return made


def request_reviewers(cloud: Cloud, repository: Document, pull: Document, logins: list[str]) -> Document:
    """Ask people for their reviews; 422 for the author, and for who has no access."""
    asked = list(pull["requested"])
    for login in logins:
        person = world.user(cloud, login)
        if person is None or world.access(person, repository) == "none":
            raise _not_collaborators()
        if person["login"] == pull["author"]:
            raise GitHubError(422, "Review cannot be requested from pull request author.")
        if person["login"] not in asked:
            asked.append(person["login"])
    return cloud.store.update("github_issue", pull["guid"], requested=asked)


def _not_collaborators() -> GitHubError:
    """422 in the words of the real one."""
    return GitHubError(
        422,
        "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not "
        "a collaborator of the repository.",
    )


def merge(
    cloud: Cloud, repository: Document, pull: Document, actor: Document, wanted: dict[str, Any]
) -> Document:
    """Merge for real: 409 when the head is not ``sha``, 405 when it cannot be merged, with the reason."""
    method = wanted.get("merge_method") or "merge"
    if method not in {"merge", "squash"}:
        word = "Rebase merges are" if method == "rebase" else "This merge method is"
        raise GitHubError(405, f"{word} not allowed on this repository.")
    if wanted.get("sha") is not None and not is_sha(wanted["sha"]):
        raise invalid("PullRequest", "sha")
    with _changing:
        pull = cloud.store.get("github_issue", pull["guid"]) or pull
        if pull["state"] != "open":
            raise GitHubError(405, "Pull Request is not mergeable")
        if wanted.get("sha") not in {None, pull["head_sha"]}:
            raise GitHubError(409, "Head branch was modified. Review and try the merge again.")
        if pull["draft"]:
            raise GitHubError(405, "Pull Request is still a draft")
        if reason := blocked(cloud, repository, pull):
            raise GitHubError(405, reason)
        made = _merge_commit(world.git_of(repository), repository, pull, actor, wanted, method)
        merged = _merged(cloud, pull, made, actor["login"])
    _close_what_it_fixes(cloud, repository, merged, actor)
    return merged


def _merge_commit(
    git: Git,
    repository: Document,
    pull: Document,
    actor: Document,
    wanted: dict[str, Any],
    method: str,
) -> str:
    base, head = pull["base_sha"], pull["head_sha"]
    tree, _conflicts = git.merged_tree(base, head)
    if tree is None:
        raise GitHubError(405, "Pull Request is not mergeable")
    owner = repository["full_name"].partition("/")[0]
    if method == "squash":
        title, text, parents = f"{pull['title']} (#{pull['number']})", pull["body"] or "", [base]
    else:
        title = f"Merge pull request #{pull['number']} from {owner}/{pull['head_ref']}"
        text, parents = pull["title"], [base, head]
    message = (
        f"{wanted.get('commit_title') or title}\n\n{wanted.get('commit_message') or text}".rstrip() + "\n"
    )
    made = git.commit_tree(tree, parents, message, identity(actor))
    try:
        git.set_ref(HEADS + pull["base_ref"], made, base)
    except GitFailed as error:
        raise GitHubError(405, "Base branch was modified. Review and try the merge again.") from error
    return made


def identity(actor: Document) -> tuple[str, str]:
    """Name and address of somebody who merges, as commits have them."""
    return actor["display_name"], f"{actor['id']}+{actor['login']}@users.noreply.github.localhost"


def _merged(cloud: Cloud, pull: Document, commit: str, by: str | None) -> Document:
    now = timestamp(cloud.now())
    return cloud.store.update(
        "github_issue",
        pull["guid"],
        state="closed",
        closed_at=now,
        closed_by=by,
        merged_at=now,
        merged_by=by,
        merge_commit_sha=commit,
    )


def _close_what_it_fixes(cloud: Cloud, repository: Document, pull: Document, actor: Document) -> None:
    """``Fixes #12`` closes issue 12 when it is merged to the default branch."""
    if pull["base_ref"] != repository["default_branch"]:
        return
    for number in _CLOSES.findall(pull["body"] or ""):
        issue = cloud.store.get("github_issue", f"{repository['guid']}#{int(number)}")
        if issue is not None and not issue["is_pull"]:
            issue_actions.edit(cloud, issue, actor, {"state": "closed"})
