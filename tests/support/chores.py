"""A small real world for chores: a local cloud over HTTP, a real repository, the demo's commands; operations are walked
through by this process as a worker would.

The application is a few lines that need no Django, so that a deploy takes a second; its commands keep their records in
the SQLite database that the platform binds.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.utils import timezone

from opsportal.accounts.queries import SERVICE
from opsportal.adapters.cloudfoundry import App, Foundation, ServiceInstance, Task
from opsportal.environments import mirror, platform
from opsportal.environments.models import Environment
from opsportal.operations import actions, runner
from opsportal.operations.models import ENDED, Operation, Output, State, Step
from tests.support import contract_platform, people
from tests.support.rig_repository import SERVER, _commit, manifest

ORGANIZATION, ACCOUNT, PASSWORD = "getgov", "opsportal", "portal-password"
ENVIRONMENTS = ("ab", "cw", "development", "staging", "stable")

MANAGE = '''"""The application's commands, on the bound SQLite database."""

import json
import os
import signal
import sqlite3
import sys
import time

what, rest = sys.argv[1], sys.argv[2:]


def database(url=None):
    return sqlite3.connect((url or os.environ["DATABASE_URL"]).removeprefix("sqlite:///"), timeout=20)


def named(name):
    services = json.loads(os.environ["VCAP_SERVICES"])
    return next(one["credentials"]["uri"] for each in services.values() for one in each if one["name"] == name)


def migrate():
    with database() as db:
        db.execute("CREATE TABLE IF NOT EXISTS people (name TEXT)")
        db.execute("CREATE TABLE IF NOT EXISTS migrated (code TEXT)")
        db.execute("INSERT INTO migrated VALUES (?)", [os.environ.get("GIT_COMMIT_SHA", "")])
    print("Applying things.0001_initial... OK")


def flush():
    time.sleep(0.5)
    with database() as db:
        db.execute("DELETE FROM people")
    print("Flushed")


def load():
    with database() as db:
        db.execute("INSERT INTO people SELECT 'fixture' WHERE NOT EXISTS (SELECT 1 FROM people WHERE name = 'fixture')")
    print("Loaded 1 person")


def copy():
    source, target = database(named(rest[0])), database(named(rest[1]))
    if os.path.exists(os.environ["HOME"] + "/../fail-the-copy") or "fail" in rest:
        print("could not connect to the server", file=sys.stderr)
        sys.exit(3)
    source.backup(target)
    print("Copied", rest[0], "to", rest[1])


def lines():
    for number in range(1, int(rest[0]) + 1):
        print("line", number)


def sleep():
    print("waiting", flush=True)
    time.sleep(float(rest[0]))


def stubborn():
    signal.signal(signal.SIGTERM, lambda *_: (print("TERM seen", flush=True), sys.exit(5)))
    print("waiting", flush=True)
    time.sleep(float(rest[0]))


def kill():
    print("going", flush=True)
    os.kill(os.getpid(), int(rest[0]))


known = {"createcachetable": lambda: print("Cache table made"), "clearsessions": lambda: print("Sessions cleared"),
         "exit": lambda: sys.exit(int(rest[0])), "collectstatic": lambda: None}
known.update({each.__name__: each for each in (migrate, flush, load, copy, lines, sleep, stubborn, kill)})
known[what]()
'''

SOURCES = {
    "src/run.sh": "#!/bin/sh\nexec python -S server.py\n",
    "src/server.py": SERVER,
    "src/manage.py": MANAGE,
    "src/things/migrations/0001_initial.py": "",
}
COMMANDS = {
    "MIGRATE_COMMAND": "python -S manage.py migrate",
    "FLUSH_COMMAND": "python -S manage.py flush",
    "LOAD_COMMAND": "python -S manage.py load",
    "CACHE_TABLE_COMMAND": "python -S manage.py createcachetable",
    "CLEAR_SESSIONS_COMMAND": "python -S manage.py clearsessions",
    "COPY_DATABASE_COMMAND": "python -S manage.py copy {source} {target}",
}


def _manifest(name: str) -> str:
    return manifest(name) + f"  - getgov-{name}-database\n"


def _estate() -> dict[str, Any]:
    spaces = {name: ["space_developer"] for name in ENVIRONMENTS}
    return {
        "organization": ORGANIZATION,
        "domains": ["app.localhost", "app.cloud.gov"],
        "quota": {"apps": {"total_memory_in_mb": 4096}},
        "users": [
            {"username": ACCOUNT, "password": PASSWORD, "roles": [], "spaces": spaces},
            {"username": "operator", "password": PASSWORD, "roles": ["admin"], "spaces": spaces},
        ],
        "spaces": [
            {
                "name": name,
                "services": [
                    {"name": "getgov-credentials", "user_provided": {"KEY": "not-secret"}},
                    {"name": f"getgov-{name}-database", "offering": "aws-rds", "plan": "micro-psql"},
                ],
            }
            for name in ENVIRONMENTS
        ],
    }


class World:
    """The platform, the repository and the portal's rows; ``ask`` and ``carry_out`` do what people and workers do."""

    def __init__(self, directory: Path, api: str) -> None:
        self.directory, self.api = directory, api
        self.repository = directory / "getgov.git"
        self.commits: dict[str, str] = {}
        self.deployed: dict[str, Deployed] = {}

    @cached_property
    def cf(self) -> Foundation:
        """The platform as its operator sees it."""
        return Foundation(self.api, username="operator", password=PASSWORD)

    # --- the repository ---------------------------------------------------------------------------------

    def make_repository(self) -> None:
        """main, and a branch ``next`` with one more migration."""
        files = {name: text.encode() for name, text in SOURCES.items()}
        for name in ENVIRONMENTS:
            files[f"ops/manifests/manifest-{name}.yaml"] = _manifest(name).encode()
        later = {
            "src/things/migrations/0002_more.py": b"",
            "src/server.py": SERVER.replace("Hello from main", "Hello from next").encode(),
        }
        stream = [
            _commit("main", "Begin", files, {}, ""),
            _commit("next", "More", later, {}, "refs/heads/main"),
            b"reset refs/tags/staging-1\nfrom refs/heads/main\n\n",
            b"reset refs/tags/v1.0.0\nfrom refs/heads/main\n\n",
        ]
        self.repository.mkdir()
        for arguments, given in (
            (["init", "--quiet", "--bare", "--initial-branch=main", "--template=", "."], b""),
            (["fast-import", "--quiet"], b"".join(stream)),
        ):
            subprocess.run(["git", *arguments], cwd=self.repository, input=given, check=True, timeout=60)

    def commit(self, ref: str) -> str:
        """The commit of a branch or tag."""
        done = subprocess.run(
            ["git", "rev-parse", ref],
            cwd=self.repository,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout.strip()

    # --- the portal -------------------------------------------------------------------------------------

    def ask(self, kind: str, environment: str, by: str = "ada", **said: Any) -> Operation:
        """Ask for an operation; parameters by name, and ``reason``, ``confirmed``."""
        extra = {name: said.pop(name) for name in ("reason", "confirmed", "passes_hold") if name in said}
        given = {name.rstrip("_"): str(value) for name, value in said.items()}
        who = SERVICE if by == SERVICE.username else people.person(by)
        return actions.request(kind=kind, environment=environment, given=given, by=who, **extra)

    def do(self, kind: str, environment: str, by: str = "ada", **said: Any) -> Operation:
        """Ask for it and carry it out to its end."""
        return self.carry_out(self.ask(kind, environment, by, **said))

    def carry_out(self, operation: Operation, limit: float = 90.0, until: Any = None) -> Operation:
        """Be the worker until it ends, needs a person, or ``until(operation)`` holds."""
        deadline = time.monotonic() + limit
        while True:
            operation.refresh_from_db()
            if operation.state != State.RUNNING or (until and until(operation)):
                return operation
            assert time.monotonic() < deadline, (
                operation.headline,
                self.steps(operation),
                self.output(operation)[-20:],
            )
            Operation.objects.filter(id=operation.id).update(due_at=timezone.now() - timedelta(seconds=1))
            runner.advance(operation.id, stopping=lambda: False)
            time.sleep(0.03)

    @staticmethod
    def steps(operation: Operation) -> dict[str, str]:
        """``{step: state}``."""
        return dict(operation.steps.values_list("name", "state"))

    @staticmethod
    def output(operation: Operation, step: str = "") -> list[str]:
        """The lines of an operation, or of one of its steps."""
        rows = Output.objects.filter(operation=operation)
        if step:
            rows = rows.filter(step=operation.steps.get(name=step).position)
        return list(rows.values_list("text", flat=True))

    @staticmethod
    def row(name: str) -> Environment:
        """An environment's row."""
        return Environment.objects.get(name=name)

    # --- the platform -----------------------------------------------------------------------------------

    def space(self, name: str) -> str:
        """The guid of an environment's space."""
        organization = self.cf.organization(ORGANIZATION)
        assert organization is not None
        space = self.cf.space(name, organization.guid)
        assert space is not None
        return space.guid

    def app(self, name: str) -> App:
        """The application of an environment."""
        app = self.cf.app(f"getgov-{name}", self.space(name))
        assert app is not None
        return app

    def databases(self, name: str) -> list[ServiceInstance]:
        """The managed service instances of an environment's space."""
        found = self.cf.service_instances(self.space(name))
        return [one for one in found if one.type == "managed"]

    def bound(self, name: str) -> list[str]:
        """The names of what the application is bound to."""
        return sorted(str(one.service_instance_name) for one in self.cf.bindings(self.app(name).guid))

    def tasks(self, name: str) -> list[Task]:
        """The application's tasks, oldest first."""
        return self.cf.tasks(self.app(name).guid)[::-1]

    def get(self, name: str, path: str = "/version") -> requests.Response:
        """A page of the application, through the platform's router."""
        return requests.get(f"{self.api}{path}", headers={"Host": f"getgov-{name}.app.localhost"}, timeout=30)

    def people_in(self, name: str) -> list[str]:
        """The records in an environment's database."""
        with closing(sqlite3.connect(self._file(name), timeout=20)) as db:
            return sorted(each for (each,) in db.execute("SELECT name FROM people"))

    def add_person(self, name: str, who: str) -> None:
        """A record that somebody made."""
        with closing(sqlite3.connect(self._file(name), timeout=20)) as db, db:
            db.execute("INSERT INTO people VALUES (?)", [who])

    def _file(self, name: str) -> Path:
        found = self.cf.service_instance_named(f"getgov-{name}-database", self.space(name))
        assert found is not None
        return self.directory / "cloud" / "databases" / f"{found.guid}.db"

    def knobs(self, **changes: Any) -> dict[str, Any]:
        """Turn the local cloud's knobs."""
        return dict(self._admin("PATCH", "/localcloud/knobs", json=changes).json())

    def requests_since(self, number: int = 0) -> list[dict[str, Any]]:
        """What the local cloud was asked after request ``number``."""
        return list(self._admin("GET", "/localcloud/requests", params={"since": number}).json()["requests"])

    def _admin(self, method: str, path: str, **values: Any) -> requests.Response:
        token = (self.directory / "cloud" / "admin-token").read_text().strip()
        headers = {"Authorization": f"bearer {token}"}
        answer = requests.request(method, f"{self.api}{path}", headers=headers, timeout=30, **values)
        assert answer.ok, answer.text
        return answer


@contextmanager
def settings_for(world: World, **more: Any) -> Iterator[None]:
    """The portal's settings point at the world."""
    values: Mapping[str, Any] = {
        "CF_API_URL": world.api,
        "CF_USERNAME": ACCOUNT,
        "CF_PASSWORD": PASSWORD,
        "CF_ORGANIZATION": ORGANIZATION,
        "CF_IS_LOCAL": True,
        "GIT_REPOSITORY_URL": world.repository.as_uri(),
        "DATA_DIR": world.directory / "portal",
        "ROUTE_URL": f"http://{{host}}.app.localhost:{world.api.rpartition(':')[2]}",
        "ASSET_BUILD_COMMAND": "",
        **COMMANDS,
        **more,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(settings, name, value)
        platform.foundation.cache_clear()
        platform.repository.cache_clear()
        try:
            yield
        finally:
            platform.foundation.cache_clear()
            platform.repository.cache_clear()


@contextmanager
def a_world(directory: Path) -> Iterator[World]:
    """A local cloud of its own process and a repository; gone at the end."""
    (directory / "portal").mkdir()
    with contract_platform.local_cloud(directory, _estate()) as cloud:
        world = World(directory, cloud.api)
        world.make_repository()
        world.knobs(stop_seconds=2, deployment_tick_seconds=0.1)
        yield world


def fill(world: World) -> None:
    """The portal's rows of a fresh database: environments from the repository, and the cast of people."""
    mirror.refresh(platform.repository())
    for name in people.CAST:
        people.person(name)


def ensure_deployed(world: World, name: str, ref: str = "main") -> None:
    """The application of an environment runs a ref, deployed by the portal itself, its database migrated.

    Where the platform still has just what an earlier test's deploy left, that deploy's rows are put back instead.
    """
    kept = world.deployed.get(name)
    if kept is not None and kept.ref == ref and kept.found == found_there(world, name):
        kept.put_back(world.row(name))
        return
    by = "ada" if world.row(name).is_sandbox else SERVICE.username
    done = world.do("deploy", name, by, ref=ref, migrate="yes")
    assert done.state in ENDED, json.dumps(world.steps(done))
    assert done.state == State.SUCCEEDED, (done.problem, world.output(done)[-30:])
    world.deployed[name] = Deployed(
        ref, found_there(world, name), world.row(name), done, list(done.steps.all())
    )


@dataclass(frozen=True)
class Deployed:
    """A deploy that a test made: what the platform had then, and the portal's rows about it."""

    ref: str
    found: object
    environment: Environment
    operation: Operation
    steps: list[Step]

    def put_back(self, row: Environment) -> None:
        """Its rows into a database that has been emptied since."""
        own = {"id", "name", "owner"}
        fields = [each.name for each in Environment._meta.concrete_fields if each.name not in own]
        Environment.objects.filter(pk=row.pk).update(
            **{each: getattr(self.environment, each) for each in fields}
        )
        operation = copy(self.operation)
        operation.environment = row
        if operation.requested_by_id:
            operation.requested_by = people.person("ada")
        operation.save(force_insert=True)
        for step in map(copy, self.steps):
            step.pk, step.operation = None, operation
            step.save(force_insert=True)


def found_there(world: World, name: str) -> object:
    """What the platform has of an environment's application, as far as a deploy decides it; None without one."""
    app = world.cf.app(f"getgov-{name}", world.space(name))
    if app is None or world.cf.current_droplet(app.guid) is None:
        return None
    webs = [each for each in world.cf.processes(app.guid) if each.type == "web"]
    return (
        (app.guid, app.started, world.cf.current_droplet(app.guid)),
        world.cf.environment_variables(app.guid),
        sorted(str(each.service_instance_guid) for each in world.cf.bindings(app.guid)),
        [(each.guid, each.instances, each.memory_in_mb, each.disk_in_mb) for each in webs],
        [stat.state for each in webs for stat in world.cf.stats(each.guid)],
    )
