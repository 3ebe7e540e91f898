"""A local cloud in a process of its own, people with the client at its door, and one small application pushed to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from . import cf_cli
from .cf_cli import Cf

REPOSITORY = Path(__file__).resolve().parents[3]
PASSWORD = "a long enough password"
SECONDS = 30.0
ESTATE: dict[str, Any] = {
    "organization": "gov",
    "domains": ["app.localhost"],
    "users": [
        {"username": name, "password": PASSWORD, "roles": roles, "spaces": spaces}
        for name, roles, spaces in (
            ("admin", ["admin"], {}),
            ("manager", ["organization_manager"], {}),
            ("developer", [], {"dev": ["space_developer"]}),
            ("space-manager", [], {"dev": ["space_manager"]}),
            ("auditor", [], {"dev": ["space_auditor"]}),
            ("newcomer", [], {}),
        )
    ],
    "clients": [
        {
            "id": "robot",
            "secret": "robot-secret",
            "grants": ["client_credentials"],
            "authorities": ["cloud_controller.admin"],
        }
    ],
    "security_groups": [
        {"name": "public_networks_egress", "rules": [{"protocol": "all", "destination": "0.0.0.0/0"}]}
    ],
    "spaces": [
        {
            "name": "dev",
            "security_groups": ["public_networks_egress"],
            "services": [{"name": "credentials", "user_provided": {"KEY": "secret"}}],
        },
        {"name": "other"},
    ],
}
SERVER = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        data = f"VERSION {os.environ.get('GREETING')}".encode()
        self.send_response(500 if "sick" in "VERSION" else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *args):
        pass
print("serving VERSION", flush=True)
print("to the error stream", file=sys.stderr, flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
MANIFEST = """
# what a person writes: comments, hyphens and underscores, a variable
applications:
- name: ((NAME))
  memory: 64M
  disk_quota: 256M
  instances: 1
  buildpacks: [python_buildpack]
  health-check-type: http
  health-check-http-endpoint: /
  env: {GREETING: ((GREETING)), ANSWER: 42}
  services: [credentials]
  routes:
  - route: ((NAME)).app.localhost
"""


@dataclass
class RunningCloud:
    """Where it answers, and its operator's ways in."""

    url: str
    data_dir: Path
    people: dict[tuple[str, str], Cf] = field(default_factory=dict)

    def person(self, username: str = "", *, space: str = "") -> Cf:
        """Somebody with a fresh home directory, in a hurry; signed in when named, at work where a space is named."""
        if (username, space) not in self.people:
            cf = self.people[username, space] = Cf(interval=0.05, walk=0.05, pause=0.03)
            if username:
                cf_cli.login(cf, self.url, username, PASSWORD, org="gov", space=space)
                cf.close()
        return replace(self.people[username, space], calls=[], warnings=[], uploaded=[])

    def knobs(self, **changes: Any) -> None:
        """Turn knobs."""
        token = (self.data_dir / "admin-token").read_text().strip()
        headers = {"Authorization": f"bearer {token}"}
        answer = requests.patch(
            f"{self.url}/localcloud/knobs", json=changes, headers=headers, timeout=SECONDS
        )
        answer.raise_for_status()

    def visit(self, host: str) -> str:
        """What an application answers to a visitor."""
        answer = requests.get(self.url, headers={"Host": host}, timeout=SECONDS)
        return f"{answer.status_code} {answer.text}"


@contextmanager
def running(directory: Path, port: int = 0) -> Iterator[RunningCloud]:
    """A cloud with its state in ``directory``, on a port that is free or was ours before."""
    estate, data_dir = directory / "estate.json", directory / "cloud"
    estate.write_text(json.dumps(ESTATE))
    command = [sys.executable, "-m", "opsportal.localcloud", "--data-dir", str(data_dir)]
    with subprocess.Popen(
        [*command, "--port", str(port), "--estate", str(estate)],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("local cloud at http"), line
            yield RunningCloud(line.split()[-1], data_dir)
        finally:
            process.terminate()
            process.wait(SECONDS)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """The cloud of one module."""
    with running(tmp_path_factory.mktemp("cli")) as found:
        yield found


@pytest.fixture
def home(cloud: RunningCloud) -> Iterator[Callable[..., Cf]]:
    """Makes people's home directories, closed at the end of the test."""
    made: list[Cf] = []

    def person(username: str = "", *, space: str = "") -> Cf:
        made.append(cloud.person(username, space=space))
        return made[-1]

    yield person
    for one in made:
        one.close()


@pytest.fixture
def developer(home: Callable[..., Cf]) -> Cf:
    """A developer at work in the space of the application."""
    return home("developer", space="dev")


@pytest.fixture
def admin(home: Callable[..., Cf]) -> Cf:
    """The admin, in the same space."""
    return home("admin", space="dev")


def application(directory: Path, version: str = "one", manifest: str = MANIFEST) -> Path:
    """A small application's directory; the path of its manifest."""
    directory.mkdir(exist_ok=True)
    (directory / "server.py").write_text(SERVER.replace("VERSION", version))
    (directory / "requirements.txt").touch()
    (directory / "Procfile").write_text("web: exec python server.py\ntask: echo done by the task process\n")
    (directory / "assets").mkdir(exist_ok=True)
    (directory / "assets" / "large.txt").write_text("x" * 3000)
    (directory / "manifest.yml").write_text(manifest)
    return directory / "manifest.yml"


@pytest.fixture(scope="module")
def web(cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an application that runs, pushed once for a module; tests leave it running, with one instance."""
    person = cloud.person("developer", space="dev")
    manifest = application(tmp_path_factory.mktemp("web") / "app")
    cf_cli.push(person, manifest, var={"NAME": "web", "GREETING": "hello"}, strategy="rolling")
    person.close()
    return "web"


GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def outline(calls: list[str]) -> list[str]:
    """The calls with guids as ``:g``, repeated looks as one, and without the log's, which come in between."""
    found: list[str] = []
    for one in calls:
        shown = GUID.sub(":g", one)
        if "/api/v1/" not in shown and (not found or found[-1] != shown):
            found.append(shown)
    return found
