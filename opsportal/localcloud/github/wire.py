"""What users, pull requests, issues and the rest look like on the wire: names and types as the real API has them."""

from __future__ import annotations

import base64
from typing import Any

from . import issue_actions, pull_actions, world
from .api import PREFIX, Asked
from .git import Commit

Document = dict[str, Any]


def _node(kind: str, number: int) -> str:
    return base64.b64encode(f"0:{kind}:{number}".encode()).decode()


class Wire:
    """Shows documents as one request's answer: its addresses begin as the client called us."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.cloud = asked.cloud
        self.api = f"{asked.request.base_url}{PREFIX}"
        self.web = f"{asked.request.base_url}/github"

    def _repo(self, path: str) -> str:
        return f"{self.api}/repos/{self.asked.repository['full_name']}{path}"

    def _page(self, path: str) -> str:
        return f"{self.web}/{self.asked.repository['full_name']}{path}"

    def user(self, login: str | None) -> dict[str, Any] | None:
        """A user in short; one who is gone is ``ghost``."""
        if login is None:
            return None
        found = world.user(self.cloud, login) or {"login": "ghost", "id": 10137}
        name = found["login"]
        return {
            "login": name,
            "id": found["id"],
            "node_id": _node("User", found["id"]),
            "avatar_url": f"{self.web}/avatar.svg",
            "url": f"{self.api}/users/{name}",
            "html_url": f"{self.web}/{name}",
            "type": "User",
            "site_admin": False,
        }

    def full_user(self, found: Document) -> dict[str, Any]:
        """A user as ``/user`` and ``/users/:login`` show them."""
        times = {"created_at": found["created_at"], "updated_at": found["updated_at"]}
        return {**(self.user(found["login"]) or {}), "name": found["display_name"], "email": None, **times}

    def repository(self) -> dict[str, Any]:
        """The repository, with what this token may do to it."""
        found = self.asked.repository
        owner, _, name = found["full_name"].partition("/")
        return {
            **self._short_repository(),
            "owner": {**(self.user(owner) or {}), "login": owner, "type": "Organization"},
            "name": name,
            "default_branch": found["default_branch"],
            "permissions": {"admin": False, "push": self.asked.may_write, "pull": True},
            "has_issues": True,
            "archived": False,
            "disabled": False,
            "visibility": "private",
            "created_at": found["created_at"],
            "updated_at": found["updated_at"],
            "allow_merge_commit": True,
            "allow_squash_merge": True,
            "allow_rebase_merge": False,
        }

    def _short_repository(self) -> dict[str, Any]:
        found = self.asked.repository
        return {
            "id": found["id"],
            "node_id": _node("Repository", found["id"]),
            "name": found["full_name"].partition("/")[2],
            "full_name": found["full_name"],
            "private": True,
            "fork": False,
            "html_url": self._page(""),
            "url": self._repo(""),
        }

    def _association(self, login: str) -> str:
        """What somebody is to the repository: who may not write is not of the team."""
        person = world.user(self.cloud, login)
        may_write = person is not None and world.access(person, self.asked.repository) == "write"
        return "MEMBER" if may_write else "NONE"

    def label(self, found: Document) -> dict[str, Any]:
        """A label."""
        return {
            "id": found["id"],
            "node_id": _node("Label", found["id"]),
            "url": self._repo(f"/labels/{found['label']}"),
            "name": found["label"],
            "color": found["color"],
            "default": found["label"] in world.LABELS,
            "description": found["description"] or None,
        }

    def _labels(self, names: list[str]) -> list[dict[str, Any]]:
        kept = [world.label(self.cloud, self.asked.repository, name) for name in names]
        return [self.label(one) for one in kept if one is not None]

    def issue(self, found: Document) -> dict[str, Any]:
        """An issue, or a pull request as an issue."""
        number = found["number"]
        links = {
            "url": self._repo(f"/pulls/{number}"),
            "html_url": self._page(f"/pull/{number}"),
            "merged_at": found.get("merged_at"),
        }
        return {
            **self._common(found, "pull" if found["is_pull"] else "issues"),
            "url": self._repo(f"/issues/{number}"),
            "repository_url": self._repo(""),
            "node_id": _node("Issue", found["id"]),
            "state_reason": found["state_reason"],
            "comments": len(issue_actions.comments(self.cloud, found)),
            "closed_by": self.user(found["closed_by"]),
            **({"pull_request": links, "draft": found["draft"]} if found["is_pull"] else {}),
        }

    def _common(self, found: Document, word: str) -> dict[str, Any]:
        return {
            "id": found["id"],
            "number": found["number"],
            "html_url": self._page(f"/{word}/{found['number']}"),
            "title": found["title"],
            "body": found["body"],
            "user": self.user(found["author"]),
            "labels": self._labels(found["labels"]),
            "state": found["state"],
            "locked": False,
            "assignee": self.user(next(iter(found["assignees"]), None)),
            "assignees": [self.user(login) for login in found["assignees"]],
            "milestone": None,
            "author_association": self._association(found["author"]),
            "created_at": found["created_at"],
            "updated_at": found["updated_at"],
            "closed_at": found["closed_at"],
        }

    def pull(self, found: Document) -> dict[str, Any]:
        """A pull request as lists show it."""
        number = found["number"]
        return {
            **self._common(found, "pull"),
            "url": self._repo(f"/pulls/{number}"),
            "issue_url": self._repo(f"/issues/{number}"),
            "statuses_url": self._repo(f"/statuses/{found['head_sha']}"),
            "node_id": _node("PullRequest", found["id"]),
            "draft": found["draft"],
            "head": self._side(found["head_ref"], found["head_sha"]),
            "base": self._side(found["base_ref"], found["base_sha"]),
            "requested_reviewers": [self.user(login) for login in found["requested"]],
            "requested_teams": [],
            "merged_at": found["merged_at"],
            "merge_commit_sha": found["merge_commit_sha"],
            "auto_merge": None,
        }

    def _side(self, ref: str, sha: str) -> dict[str, Any]:
        owner = self.asked.repository["full_name"].partition("/")[0]
        return {
            "label": f"{owner}:{ref}",
            "ref": ref,
            "sha": sha,
            "user": {**(self.user(owner) or {}), "login": owner},
            "repo": self._short_repository(),
        }

    def whole_pull(self, found: Document) -> dict[str, Any]:
        """A pull request by itself: with whether it can be merged."""
        repository, git = self.asked.repository, self.asked.git
        answer, state = pull_actions.mergeable(self.cloud, repository, found)
        before = git.merge_base(found["base_sha"], found["head_sha"])
        changed = git.files(before, found["head_sha"]) if before and found["merged_at"] is None else []
        ahead = git.ahead_behind(found["base_sha"], found["head_sha"])[0]
        return {
            **self.pull(found),
            "merged": found["merged_at"] is not None,
            "mergeable": answer,
            "rebaseable": False,
            "mergeable_state": state,
            "merged_by": self.user(found["merged_by"]),
            "comments": len(issue_actions.comments(self.cloud, found)),
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": ahead,
            "additions": sum(one.added for one in changed),
            "deletions": sum(one.removed for one in changed),
            "changed_files": len(changed),
        }

    def review(self, found: Document, pull: Document) -> dict[str, Any]:
        """A review."""
        number = pull["number"]
        return {
            "id": found["id"],
            "node_id": _node("PullRequestReview", found["id"]),
            "user": self.user(found["author"]),
            "body": found["body"],
            "state": found["state"],
            "html_url": self._page(f"/pull/{number}#pullrequestreview-{found['id']}"),
            "pull_request_url": self._repo(f"/pulls/{number}"),
            "author_association": self._association(found["author"]),
            "submitted_at": found["submitted_at"],
            "commit_id": found["commit_id"],
        }

    def comment(self, found: Document) -> dict[str, Any]:
        """A comment on an issue or pull request."""
        number = found["number"]
        return {
            "id": found["id"],
            "node_id": _node("IssueComment", found["id"]),
            "url": self._repo(f"/issues/comments/{found['id']}"),
            "html_url": self._page(f"/issues/{number}#issuecomment-{found['id']}"),
            "issue_url": self._repo(f"/issues/{number}"),
            "user": self.user(found["author"]),
            "body": found["body"],
            "author_association": self._association(found["author"]),
            "created_at": found["created_at"],
            "updated_at": found["updated_at"],
        }

    def status(self, found: Document) -> dict[str, Any]:
        """A status of a commit."""
        return {
            "url": self._repo(f"/statuses/{found['commit_guid']}"),
            "id": found["id"],
            "node_id": _node("Status", found["id"]),
            "state": found["status_state"],
            "description": found["description"],
            "target_url": found["target_url"],
            "context": found["context"],
            "created_at": found["created_at"],
            "updated_at": found["updated_at"],
            "creator": self.user(found["creator"]),
        }

    def run(self, found: Document) -> dict[str, Any]:
        """A check run."""
        return {
            "id": found["id"],
            "node_id": _node("CheckRun", found["id"]),
            "name": found["run_name"],
            "head_sha": found["commit_guid"],
            "url": self._repo(f"/check-runs/{found['id']}"),
            "html_url": self._page(f"/runs/{found['id']}"),
            "details_url": found["details_url"],
            "status": found["run_state"],
            "conclusion": found["conclusion"],
            "started_at": found["created_at"],
            "completed_at": found["updated_at"] if found["run_state"] == "completed" else None,
            "output": {"title": None, "summary": None, "text": None, "annotations_count": 0},
        }

    def ref(self, name: str, sha: str, kind: str) -> dict[str, Any]:
        """A ref and what it names."""
        at = {"sha": sha, "type": kind, "url": self._repo(f"/git/{kind}s/{sha}")}
        return {"ref": name, "node_id": _node("Ref", 0), "url": self._repo(f"/git/{name}"), "object": at}

    def commit(self, found: Commit) -> dict[str, Any]:
        """A commit; who wrote it is a user only where we know the address."""
        names = [
            dict(zip(("name", "email", "date"), who, strict=True)) for who in (found.author, found.committer)
        ]
        links = {"url": self._repo(f"/commits/{found.sha}"), "html_url": self._page(f"/commit/{found.sha}")}
        return {
            "sha": found.sha,
            "node_id": _node("Commit", 0),
            "commit": {
                "author": names[0],
                "committer": names[1],
                "message": found.message,
                "tree": {"sha": found.tree, "url": self._repo(f"/git/trees/{found.tree}")},
                "url": self._repo(f"/git/commits/{found.sha}"),
                "comment_count": 0,
            },
            **links,
            "author": None,
            "committer": None,
            "parents": [
                {"sha": one, "url": self._repo(f"/commits/{one}"), "html_url": self._page(f"/commit/{one}")}
                for one in found.parents
            ],
        }
