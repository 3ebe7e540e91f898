"""A GitHub to hold the client against, and branches made with real Git.

For a real one set OPSPORTAL_CONTRACT_GITHUB_API, _REPOSITORY (owner/name, one that may be played in), _TOKEN,
_REVIEWER_TOKEN (somebody else's, who may write too) and _GIT (where Git pushes to).
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from opsportal.adapters.github import GitHub, Patience
from tests.support.contract_platform import ESTATE, local_cloud

REPOSITORY, OWNED_BY, REVIEWER = "getgov/getgov", "portal", "ana"
TOKENS = {
    OWNED_BY: "ghp_portal0000",
    REVIEWER: "ghp_ana0000000",
    "guest": "ghp_guest00000",
    "stranger": "ghp_none000000",
}
_numbers = itertools.count(1)


@dataclass
class Hub:
    """Where a GitHub is, and a clone to push from."""

    api: str
    repository: str
    token: str
    reviewer_token: str
    clone: Path
    admin: Path | None = None

    def client(self, token: str = "", **more: Any) -> GitHub:
        """The client, with short pauses."""
        patience = Patience(attempts=3, first=0.01, cap=0.02)
        return GitHub(self.api, self.repository, token or self.token, **{"patience": patience, **more})

    def git(self, *arguments: str) -> str:
        """Run git in the clone."""
        made = subprocess.run(
            ["git", "-c", "user.name=Ana", "-c", "user.email=ana@getgov.example", *arguments],
            cwd=self.clone,
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return made.stdout.strip()

    def commit(self, files: dict[str, str], *, base: str = "origin/main", words: str = "A change") -> str:
        """Make a commit on top of ``base``; its id."""
        self.git("fetch", "--quiet", "--prune", "origin")
        self.git("checkout", "--quiet", "--detach", base)
        for name, content in files.items():
            (self.clone / name).write_text(content)
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "-m", words)
        return self.git("rev-parse", "HEAD")

    def branch(
        self, files: dict[str, str] | None = None, *, base: str = "origin/main", name: str = ""
    ) -> str:
        """Push a new branch with one commit; its name."""
        name = name or fresh("branch")
        self.commit(files or {f"{name}.txt": "new\n"}, base=base)
        self.git("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{name}")
        return name

    def head(self, name: str) -> str:
        """The commit of a branch there."""
        return self.git("ls-remote", "origin", f"refs/heads/{name}").partition("\t")[0]

    @property
    def web(self) -> str:
        """The local GitHub's pages."""
        return self.api.removesuffix("/api/v3")

    def knobs(self, **changes: Any) -> None:
        """Turn the local cloud's knobs."""
        self._admin("PATCH", "/localcloud/knobs", changes)

    def seen(self, since: int = 0) -> list[dict[str, Any]]:
        """The requests that the local cloud answered."""
        found: list[dict[str, Any]] = self._admin("GET", f"/localcloud/requests?since={since}")["requests"]
        return found

    def _admin(self, method: str, path: str, body: Any = None) -> Any:
        if self.admin is None:
            raise AssertionError("a real GitHub has no knobs")
        headers = {"Authorization": f"bearer {self.admin.read_text().strip()}"}
        root = self.web.removesuffix("/github")
        answer = requests.request(method, root + path, json=body, headers=headers, timeout=10)
        assert answer.ok, answer.text
        return answer.json()


def fresh(word: str) -> str:
    """A name that no other test uses."""
    return f"{word}-{os.getpid()}-{next(_numbers)}"


def real_hub(directory: Path) -> Hub | None:
    """The real one, from the environment; None when there is none."""
    names = ("API", "REPOSITORY", "TOKEN", "REVIEWER_TOKEN", "GIT")
    values = [os.environ.get(f"OPSPORTAL_CONTRACT_GITHUB_{name}", "") for name in names]
    if not all(values):
        return None
    subprocess.run(["git", "clone", "--quiet", values[4], str(directory / "clone")], check=True, timeout=120)
    return Hub(values[0], values[1], values[2], values[3], directory / "clone")


def make_repository(directory: Path) -> Path:
    """A bare repository with one commit on main, and a clone beside it."""
    bare, clone = directory / "getgov.git", directory / "clone"
    for command in (
        ["init", "--quiet", "--bare", "-b", "main", str(bare)],
        ["clone", "--quiet", str(bare), str(clone)],
    ):
        subprocess.run(["git", *command], check=True, capture_output=True, timeout=30)
    hub = Hub("", "", "", "", clone)
    (clone / "README.md").write_text("one\n")
    hub.git("add", ".")
    hub.git("commit", "--quiet", "-m", "Begin")
    hub.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    return bare


def estate(bare: Path) -> dict[str, Any]:
    """What the local cloud holds."""
    access = {"guest": {REPOSITORY: "read"}, "stranger": {REPOSITORY: "none"}}
    users = [
        {"login": login, "token": token, "access": access.get(login, {})} for login, token in TOKENS.items()
    ]
    repository = {"full_name": REPOSITORY, "path": str(bare), "default_branch": "main", "first_number": 100}
    return ESTATE | {"spaces": [], "users": [], "github": {"users": users, "repositories": [repository]}}


@contextmanager
def local_hub(directory: Path) -> Iterator[Hub]:
    """The local GitHub on a repository in ``directory``, made if it is not there."""
    bare = directory / "getgov.git"
    if not bare.exists():
        make_repository(directory)
    with local_cloud(directory, estate(bare)) as cloud:
        yield Hub(
            f"{cloud.api}/github/api/v3",
            REPOSITORY,
            TOKENS[OWNED_BY],
            TOKENS[REVIEWER],
            directory / "clone",
            directory / "cloud" / "admin-token",
        )
