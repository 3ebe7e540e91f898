"""The local cloud's GitHub as the portal's worker sees it in a test: a repository, people who push, review and write."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from django.test import override_settings

from opsportal.adapters.github import GitHub as Client
from opsportal.adapters.github import Patience
from opsportal.bugs.models import GitHubReading
from opsportal.bugs.syncing import rounds
from tests.support.contract_platform import ESTATE, local_cloud

REPOSITORY, PORTAL = "getgov/getgov", "opsportal"
LOGINS = (PORTAL, "ana", "cleo", "eve-gov", "stranger")
WEB = "https://ops.example.gov"


class Hub:
    """A GitHub, and everybody on it. ``at`` is its address, ``clone`` where branches are pushed from."""

    def __init__(self, url: str, directory: Path) -> None:
        self.at, self.clone = url, directory / "clone"
        self._admin = (directory / "cloud" / "admin-token").read_text().strip()
        self._made = 0
        self.client = self.of(PORTAL)

    def of(self, login: str) -> Client:
        """A client that acts as somebody."""
        patience = Patience(attempts=2, first=0.01, cap=0.02)
        return Client(f"{self.at}/github/api/v3", REPOSITORY, f"ghp_{login}00000", patience=patience)

    def begin(self) -> None:
        """Nothing goes wrong, and the portal has never asked."""
        quiet = {"limit": 5000, "window": 3600}
        self.knobs(faults=[], github_rate_limit=quiet, github_secondary_seconds=0)
        self.client = self.of(PORTAL)

    def knobs(self, **changes: Any) -> None:
        """Turn the cloud's knobs."""
        self._ask("PATCH", "/localcloud/knobs", changes)

    def fault(self, match: str, **what: Any) -> None:
        """Have the next such request go wrong."""
        self.knobs(faults=[{"match": match, "times": 1, **what}])

    def asked(self, since: int = 0) -> list[str]:
        """What was asked of GitHub since that many requests ago: method and path of each."""
        found = self._ask("GET", f"/localcloud/requests?since={since}")["requests"]
        return [f"{each['method']} {each['path']}" for each in found if "/github/api" in each["path"]]

    @property
    def count(self) -> int:
        """The newest request's number."""
        found = self._ask("GET", "/localcloud/requests?since=0")["requests"]
        return int(found[-1]["number"]) if found else 0

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"bearer {self._admin}"}
        answer = requests.request(method, self.at + path, json=body, headers=headers, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def pushed(self) -> str:
        """A new branch with a commit of its own; its name."""
        self._made += 1
        name = f"ab/change-{self._made}"
        _git(self.clone, "checkout", "--quiet", "--detach", "origin/main")
        (self.clone / f"change-{self._made}.txt").write_text("new\n")
        _git(self.clone, "add", ".")
        _git(self.clone, "commit", "--quiet", "-m", name)
        _git(self.clone, "push", "--quiet", "origin", f"HEAD:refs/heads/{name}")
        return name

    def opened(self, title: str, by: str = "ana", **more: Any) -> int:
        """A pull request; its number."""
        return self.of(by).create_pull(head=self.pushed(), base="main", title=title, **more).number

    def review(self, number: int, by: str, event: str = "APPROVE", body: str = "Seen.") -> None:
        """Somebody reviews it."""
        client = self.of(by)
        path = client._in_repository("pulls", number, "reviews")
        client._request("POST", path, payload={"event": event, "body": body})

    def merge(self, number: int) -> None:
        """Somebody merges it."""
        client = self.of("ana")
        client.merge_pull(number, head_sha=client.pull(number).head_sha)


def _git(where: Path, *arguments: str) -> None:
    named = ["-c", "user.name=Ana", "-c", "user.email=ana@getgov.example"]
    subprocess.run(["git", *named, *arguments], cwd=where, check=True, capture_output=True, timeout=30)


@contextmanager
def a_hub(directory: Path) -> Iterator[Hub]:
    """A running local GitHub with one repository."""
    bare, clone = directory / "getgov.git", directory / "clone"
    _git(directory, "init", "--quiet", "--bare", "-b", "main", str(bare))
    _git(directory, "clone", "--quiet", str(bare), str(clone))
    (clone / "README.md").write_text("one\n")
    for command in (
        ["add", "."],
        ["commit", "--quiet", "-m", "Begin"],
        ["push", "--quiet", "origin", "HEAD:main"],
    ):
        _git(clone, *command)
    users = [{"login": login, "token": f"ghp_{login}00000"} for login in LOGINS]
    repositories = [{"full_name": REPOSITORY, "path": str(bare), "default_branch": "main"}]
    estate = {**ESTATE, "spaces": [], "users": [], "github": {"users": users, "repositories": repositories}}
    with local_cloud(directory, estate) as cloud:
        yield Hub(cloud.api, directory)


@contextmanager
def portal_with(hub: Hub, **more: Any) -> Iterator[None]:
    """The portal's settings, with that GitHub."""
    values = {
        "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": f"{hub.at}/github/api/v3", "GITHUB_TOKEN": f"ghp_{PORTAL}00000",
        "GITHUB_MIRROR_ISSUES": False, "PUBLIC_URL": WEB,
        "SLACK_API_URL": "http://127.0.0.1:9/api", "SLACK_TOKEN": "xoxb-none",  # the outbox is filled; nothing is sent
    }  # fmt: skip
    with override_settings(**{**values, **more}):
        yield


def look(hub: Hub) -> GitHubReading:
    """One round of the worker; what is kept of it."""
    assert rounds.follow(hub.client)
    return GitHubReading.objects.get()


def later(**times: timedelta) -> None:
    """As if the reading had been so long ago."""
    for name, ago in times.items():
        row = GitHubReading.objects.get()
        GitHubReading.objects.update(**{name: getattr(row, name) - ago})
