"""A local cloud with a small cast of people, for the tests of everything that runs no application."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

REPOSITORY = Path(__file__).resolve().parents[3]
SECONDS = 20.0
PASSWORD = "a long enough password"
ESTATE: dict[str, Any] = {
    "organization": "gov",
    "domains": ["app.localhost", "app.cloud.gov"],
    "quota": {"name": "small", "apps": {"total_memory_in_mb": 65536}},
    "users": [
        {"username": name, "password": PASSWORD, "roles": roles, "spaces": spaces}
        for name, roles, spaces in (
            ("admin", ["admin"], {}),
            ("manager", ["organization_manager"], {}),
            ("developer", [], {"ab": ["space_developer"]}),
            ("developer-of-both", [], {"ab": ["space_developer"], "cw": ["space_developer"]}),
            ("space-manager", [], {"ab": ["space_manager"]}),
            ("supporter", [], {"ab": ["space_supporter"]}),
            ("auditor", [], {"ab": ["space_auditor"]}),
            ("stranger", [], {"cw": ["space_developer"]}),
            ("inspector", ["admin_read_only"], {}),
            ("global-auditor", ["global_auditor"], {}),
            ("locked-out", [], {}),
            ("candidate", [], {}),
            ("spaceless", [], {}),
        )
    ],
    "clients": [
        {"id": "robot", "secret": "robot-secret", "grants": ["client_credentials", "authorization_code"]}
    ],
    "security_groups": [
        {"name": "public_networks_egress", "rules": [{"protocol": "all", "destination": "0.0.0.0/0"}]}
    ],
    "spaces": [
        {
            "name": "ab",
            "security_groups": ["public_networks_egress"],
            "services": [
                {"name": "database", "offering": "aws-rds", "plan": "micro-psql"},
                {"name": "credentials", "user_provided": {"KEY": "secret"}},
            ],
        },
        {"name": "cw"},
    ],
}


class Account:
    """Somebody who talks to the API, with or without a token."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        self.session = requests.Session()
        if token:
            self.session.headers["Authorization"] = f"bearer {token}"

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        """One request; redirects are not followed."""
        url = path if path.startswith("http") else self.url + path
        options.setdefault("timeout", SECONDS)
        return self.session.request(method, url, json=body, allow_redirects=False, **options)

    def get(self, path: str, **options: Any) -> Any:
        """The JSON of a GET that must succeed."""
        answer = self.call("GET", path, **options)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def names(self, path: str) -> list[str]:
        """The names in a list."""
        return [one["name"] for one in self.get(path)["resources"]]

    def guid(self, path: str) -> str:
        """The guid of the only resource of a list."""
        (one,) = self.get(path)["resources"]
        return str(one["guid"])

    def make(self, path: str, body: Any, status: int = 201) -> dict[str, Any]:
        """POST something that must be made; its body."""
        answer = self.call("POST", path, body)
        assert answer.status_code == status, f"POST {path}: {answer.status_code} {answer.text}"
        return dict(answer.json())

    def refusal(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str, str]:
        """What a refused request says: status, title and text of its first error."""
        answer = self.call(method, path, body, **options)
        error = answer.json()["errors"][0]
        return answer.status_code, error["title"], error["detail"]

    def job(self, answer: requests.Response) -> dict[str, Any]:
        """The job of a 202 when it has ended."""
        assert answer.status_code == 202, f"{answer.status_code} {answer.text}"
        where = answer.headers["Location"]
        assert where.startswith(self.url + "/v3/jobs/")

        def ended() -> dict[str, Any] | None:
            job = self.get(where)
            return job if job["state"] in {"COMPLETE", "FAILED"} else None

        return until(ended)

    def done(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Have a job done; it must complete."""
        job = self.job(self.call(method, path, body))
        assert job["state"] == "COMPLETE", job
        return job


class LocalCloud:
    """A local cloud in a process of its own."""

    def __init__(self, data_dir: Path, estate: dict[str, Any] | None = None) -> None:
        self.data_dir = data_dir
        self.url = ""
        self.process: subprocess.Popen[str] | None = None
        self.options = ["--data-dir", str(data_dir / "cloud")]
        if estate is not None:
            (data_dir / "estate.json").write_text(json.dumps(estate))
            self.options += ["--estate", str(data_dir / "estate.json")]
        self._accounts: dict[str, Account] = {}

    def start(self, port: int = 0) -> LocalCloud:
        """Start it; it answers when this returns."""
        command = [sys.executable, "-m", "opsportal.localcloud", *self.options, "--port", str(port)]
        environment = {"PATH": os.environ["PATH"]}
        self.process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("local cloud at http://127.0.0.1:"), line
        self.url = line.split()[-1]
        self._accounts.clear()
        return self

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rsplit(":", 1)[1])

    def end(self, how: str = "terminate") -> int:
        """End it, with ``terminate`` or ``kill``; its exit code."""
        if self.process is None:
            return 0
        getattr(self.process, how)()
        code = self.process.wait(SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
        return code

    def token(self, username: str, password: str = PASSWORD, **more: str) -> requests.Response:
        """Ask for a token as the cf CLI does."""
        form = {"grant_type": "password", "username": username, "password": password, **more}
        return requests.post(f"{self.url}/oauth/token", data=form, auth=("cf", ""), timeout=SECONDS)

    def sign_in(self, username: str, password: str = PASSWORD) -> Account:
        """A fresh account."""
        answer = self.token(username, password)
        assert answer.status_code == 200, answer.text
        return Account(self.url, answer.json()["access_token"])

    def account(self, username: str) -> Account:
        """One of the cast, signed in once."""
        if username not in self._accounts:
            self._accounts[username] = self.sign_in(username)
        return self._accounts[username]

    @property
    def admin(self) -> Account:
        """The admin."""
        return self.account("admin")

    @property
    def nobody(self) -> Account:
        """Somebody without a token."""
        return Account(self.url)

    @property
    def operator(self) -> Account:
        """Whoever can read the admin token."""
        return Account(self.url, (self.data_dir / "cloud" / "admin-token").read_text().strip())

    def knobs(self, **changes: Any) -> None:
        """Turn knobs."""
        answer = self.operator.call("PATCH", "/localcloud/knobs", changes)
        assert answer.status_code == 200, answer.text

    def fault(self, match: str, **what: Any) -> None:
        """Have the next request that matches go wrong."""
        self.knobs(faults=[{"match": match, **what}])

    def seen(self, since: int = 0) -> list[dict[str, Any]]:
        """The requests answered after the one numbered ``since``."""
        return list(self.operator.get(f"/localcloud/requests?since={since}")["requests"])

    def space(self, name: str) -> str:
        """The guid of a space."""
        return self.admin.guid(f"/v3/spaces?names={name}")

    def organization(self) -> str:
        """The guid of the organization."""
        return self.admin.guid("/v3/organizations?names=gov")


def until(what: Callable[[], Any]) -> Any:
    """What ``what`` gives as soon as it is true; fails when it never is."""
    end = time.monotonic() + SECONDS
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < end, f"it never happened; the last answer was {found!r}"
        time.sleep(0.02)


def unique(prefix: str = "name") -> str:
    """A name nobody else uses."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def to(name: str, guid: str) -> dict[str, Any]:
    """A to-one relationship."""
    return {name: {"data": {"guid": guid}}}


OPEN = {
    "labels",
    "annotations",
    "data",
    "errors",
    "parameters",
    "credentials",
    "costs",
    "rules",
    "warnings",
    "custom",
}


def assert_same_shape(
    example: Any, actual: Any, *, optional: frozenset[str] = frozenset(), where: str = ""
) -> None:
    """Fail unless ``actual`` has the keys of the documented ``example``, and none more, all the way down.

    Keys in ``optional`` may be absent, or present though the example lacks them; what lies in free maps (labels,
    credentials, …) is not compared, and null on either side stands for anything.
    """
    if isinstance(example, dict) and isinstance(actual, dict):
        missing = set(example) - set(actual) - optional
        assert not missing, f"{where or 'the body'} lacks {sorted(missing)}"
        unknown = set(actual) - set(example) - optional
        assert not unknown, f"{where or 'the body'} has {sorted(unknown)}, which the platform does not"
        for key in set(example) & set(actual) - OPEN:
            assert_same_shape(example[key], actual[key], optional=optional, where=f"{where}.{key}")
    elif isinstance(example, list) and isinstance(actual, list):
        for one in actual if example else []:
            assert_same_shape(example[0], one, optional=optional, where=f"{where}[]")
    elif example is not None and actual is not None:
        numbers = (int, float)
        same = isinstance(actual, type(example)) or (
            isinstance(example, numbers) and isinstance(actual, numbers)
        )
        assert same, f"{where} is {actual!r} and should be like {example!r}"
