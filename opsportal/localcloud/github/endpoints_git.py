"""The account, the repository, and what stands on Git: refs, commits, comparisons, merges, statuses and checks."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from ..web import Answer
from . import checks, world
from .api import Asked, endpoint, limits, text_of
from .endpoints_pulls import file_shown
from .errors import GitHubError, invalid, not_found, said
from .git import HEADS, TAGS, GitFailed, is_ref_name, is_sha
from .pull_actions import identity
from .wire import Wire

REPO = "/repos/<owner>/<repo>"


@endpoint("GET", "/user")
def whoami(asked: Asked) -> Answer:
    """Whose token it is."""
    return Wire(asked).full_user(asked.user)


@endpoint("GET", "/users/<login>")
def user(asked: Asked, login: str) -> Answer:
    """Somebody."""
    found = world.user(asked.cloud, login)
    if found is None:
        raise not_found()
    return Wire(asked).full_user(found)


@endpoint("GET", "/rate_limit")
def rate_limit(asked: Asked) -> Answer:
    """What is left; 404 without a limit, as where an Enterprise Server has it switched off."""
    core = limits.shown(asked.cloud, asked.user)
    if not core["limit"]:
        raise GitHubError(404, "Rate limiting is not enabled.")
    return {"resources": {"core": core}, "rate": core}


@endpoint("GET", REPO)
def repository(asked: Asked) -> Answer:
    """The repository."""
    return Wire(asked).repository()


@endpoint("GET", REPO + "/git/ref/<path:ref>")
def ref(asked: Asked, ref: str) -> Answer:
    """One ref, by all of its name after ``refs/``."""
    name = f"refs/{ref}"
    found = next((one for one in asked.git.refs(name) if one.name == name), None)
    if found is None:
        raise not_found()
    return Wire(asked).ref(found.name, found.sha, found.type)


@endpoint("GET", REPO + "/git/matching-refs/<path:ref>")
def matching_refs(asked: Asked, ref: str) -> Answer:
    """The refs whose names begin so."""
    folder = f"refs/{ref}".rpartition("/")[0] + "/"
    wire = Wire(asked)
    found = [one for one in asked.git.refs(folder) if one.name.startswith(f"refs/{ref}")]
    return asked.page(found, lambda one: wire.ref(one.name, one.sha, one.type))


@endpoint("POST", REPO + "/git/refs", writes=True)
def make_ref(asked: Asked) -> Answer:
    """A new branch or tag."""
    body = asked.json()
    name = text_of(body, "Reference", "ref", needed=True) or ""
    sha = text_of(body, "Reference", "sha", needed=True) or ""
    if not name.startswith((HEADS, TAGS)) or not is_ref_name(name.split("/", 2)[2]):
        raise said("Reference name must start with 'refs/' and have at least two slashes.")
    kind = _object(asked, name, sha)
    try:
        asked.git.set_ref(name, sha, None)
    except GitFailed as error:
        raise said("Reference already exists") from error
    return Wire(asked).ref(name, sha, kind), 201


def _object(asked: Asked, name: str, sha: str) -> str:
    kind = asked.git.object_type(sha) if is_sha(sha) else None
    if kind is None or (name.startswith(HEADS) and kind != "commit"):
        raise said("Object does not exist")
    return kind


@endpoint("PATCH", REPO + "/git/refs/<path:ref>", writes=True)
def move_ref(asked: Asked, ref: str) -> Answer:
    """Move a branch or tag; only forwards without ``force``."""
    body, name = asked.json(), f"refs/{ref}"
    sha = text_of(body, "Reference", "sha", needed=True) or ""
    before = asked.git.ref(name)
    if before is None:
        raise said("Reference does not exist")
    kind = _object(asked, name, sha)
    if body.get("force") is not True and not asked.git.is_ancestor(before, sha):
        raise said("Update is not a fast forward")
    try:
        asked.git.set_ref(name, sha, before)
    except GitFailed as error:
        raise said("Reference cannot be updated") from error
    return Wire(asked).ref(name, sha, kind)


@endpoint("DELETE", REPO + "/git/refs/<path:ref>", writes=True)
def delete_ref(asked: Asked, ref: str) -> Answer:
    """Delete a branch or tag."""
    name = f"refs/{ref}"
    before = asked.git.ref(name)
    if before is None or name == HEADS + asked.repository["default_branch"]:
        raise said("Reference does not exist" if before is None else "Cannot delete the default branch")
    asked.git.set_ref(name, None, before)
    return Response(status=204)


@endpoint("GET", REPO + "/branches/<path:name>")
def branch(asked: Asked, name: str) -> Answer:
    """A branch and its commit."""
    sha = asked.git.branch(name)
    if sha is None:
        raise GitHubError(404, "Branch not found")
    (found,) = asked.git.commits(None, sha, 1)
    protected = bool(asked.repository["required_statuses"] or asked.repository["required_approvals"])
    return {"name": name, "commit": Wire(asked).commit(found), "protected": protected}


def _commit(asked: Asked, ref: str) -> str:
    found = asked.git.commit_named(ref)
    if found is None:
        raise GitHubError(422, f"No commit found for SHA: {ref[:100]}")
    return found


@endpoint("GET", REPO + "/commits/<path:ref>")
def commit(asked: Asked, ref: str) -> Answer:
    """One commit, by its id, a branch or a tag."""
    (found,) = asked.git.commits(None, _commit(asked, ref), 1)
    changed = asked.git.files(found.parents[0], found.sha) if found.parents else []
    return {**Wire(asked).commit(found), "files": [file_shown(one) for one in changed[:300]]}


@endpoint("GET", REPO + "/compare/<path:basehead>")
def compare(asked: Asked, basehead: str) -> Answer:
    """``base...head``: how far apart, the commits and the files."""
    names = basehead.split("...")
    shas = [asked.git.commit_named(name) for name in names]
    if len(shas) != 2 or None in shas:
        raise not_found()
    base, head = str(shas[0]), str(shas[1])
    git, wire = asked.git, Wire(asked)
    common = git.merge_base(base, head)
    if common is None:
        raise GitHubError(404, f"No common ancestor between {names[0]} and {names[1]}.")
    ahead, behind = git.ahead_behind(base, head)
    words = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind"}
    return {
        "url": f"{wire.api}/repos/{asked.repository['full_name']}/compare/{basehead}",
        "html_url": f"{wire.web}/{asked.repository['full_name']}/compare/{basehead}",
        "base_commit": wire.commit(git.commits(None, base, 1)[0]),
        "merge_base_commit": wire.commit(git.commits(None, common, 1)[0]),
        "status": words.get((ahead > 0, behind > 0), "identical"),
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [wire.commit(one) for one in git.commits(base, head)[::-1]],
        "files": [file_shown(one) for one in git.files(common, head)[:300]],
    }


@endpoint("POST", REPO + "/merges", writes=True)
def merge_branches(asked: Asked) -> Answer:
    """Merge a branch or commit into a branch: 201, 204 when it is in it already, 409 for a conflict."""
    body = asked.json()
    base = text_of(body, "Merge", "base", needed=True) or ""
    head = text_of(body, "Merge", "head", needed=True) or ""
    into, from_ = asked.git.branch(base), asked.git.commit_named(head)
    if into is None or from_ is None:
        raise GitHubError(404, "Base does not exist" if into is None else "Head does not exist")
    if asked.git.is_ancestor(from_, into):
        return Response(status=204)
    tree, _conflicts = asked.git.merged_tree(into, from_)
    if tree is None:
        raise GitHubError(409, "Merge conflict")
    message = text_of(body, "Merge", "commit_message") or f"Merge {head} into {base}"
    made = asked.git.commit_tree(tree, [into, from_], f"{message}\n", identity(asked.user))
    try:
        asked.git.set_ref(HEADS + base, made, into)
    except GitFailed as error:
        raise GitHubError(409, "Base branch was modified. Review and try the merge again.") from error
    return Wire(asked).commit(asked.git.commits(None, made, 1)[0]), 201


@endpoint("POST", REPO + "/statuses/<sha>", writes=True)
def post_status(asked: Asked, sha: str) -> Answer:
    """Say something about a commit."""
    body = asked.json()
    state = text_of(body, "Status", "state", needed=True)
    if state not in checks.STATES:
        raise invalid("Status", "state")
    description = text_of(body, "Status", "description")
    if len(description or "") > 140:
        raise invalid("Status", "description")
    if not is_sha(sha) or asked.git.object_type(sha) != "commit":
        raise GitHubError(422, f"No commit found for SHA: {sha[:100]}")
    wanted: dict[str, Any] = {
        "status_state": state,
        "context": text_of(body, "Status", "context") or "default",
        "description": description,
        "target_url": text_of(body, "Status", "target_url"),
    }
    made = checks.post_status(asked.cloud, asked.repository, sha, asked.user, wanted)
    return Wire(asked).status(made), 201


@endpoint("GET", REPO + "/commits/<path:ref>/status")
def combined_status(asked: Asked, ref: str) -> Answer:
    """The newest status of each context, and what they come to."""
    sha, wire = _commit(asked, ref), Wire(asked)
    found = checks.latest(asked.cloud, asked.repository, sha)
    shown, _status, headers = asked.page(found, wire.status)  # type: ignore[misc]
    return (
        {
            "state": checks.combined_status(found),
            "statuses": shown,
            "sha": sha,
            "total_count": len(found),
            "repository": wire.repository(),
        },
        200,
        headers,
    )


@endpoint("POST", REPO + "/check-runs", writes=True)
def post_run(asked: Asked) -> Answer:
    """A check run; the real one takes them from GitHub Apps alone."""
    body = asked.json()
    sha = text_of(body, "CheckRun", "head_sha", needed=True) or ""
    if not is_sha(sha) or asked.git.object_type(sha) != "commit":
        raise GitHubError(422, f"No commit found for SHA: {sha[:100]}")
    conclusion = text_of(body, "CheckRun", "conclusion")
    wanted = {
        "run_name": text_of(body, "CheckRun", "name", needed=True),
        "run_state": "completed" if conclusion else text_of(body, "CheckRun", "status") or "queued",
        "conclusion": conclusion,
        "details_url": text_of(body, "CheckRun", "details_url"),
    }
    return Wire(asked).run(checks.post_run(asked.cloud, asked.repository, sha, wanted)), 201


@endpoint("GET", REPO + "/commits/<path:ref>/check-runs")
def check_runs(asked: Asked, ref: str) -> Answer:
    """The newest check run of each name."""
    found = checks.runs(asked.cloud, asked.repository, _commit(asked, ref))
    shown, _status, headers = asked.page(found, Wire(asked).run)  # type: ignore[misc]
    return {"total_count": len(found), "check_runs": shown}, 200, headers
