"""The whole portal as real processes that a test can kill: broker, local cloud, web, worker and scheduler.

One rig serves a whole run of the tests. It lies in a directory of its own, on free ports, with a database of its own
(SQLite, or one made in the server of DATABASE_URL), and every process of it is gone when it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from opsportal.demo import broker, services, undertaker
from opsportal.demo.estate import HUMAN, ORGANIZATION, SERVICE_ACCOUNT
from opsportal.demo.layout import Layout, as_json, new_password, write_private
from opsportal.demo.ports import Ports
from tests.support import rig_machine as machine
from tests.support import rig_repository
from tests.support.rig_machine import until
from tests.support.rig_platform import PASSWORD, Platform

REPOSITORY = Path(__file__).resolve().parents[2]
ENDED = ("succeeded", "failed", "cancelled")
HURRY = {
    "opsportal.operations.store.LEASE_SECONDS": 4,
    "opsportal.operations.steps.prepare.BUILD_LEASE": 4,
    "opsportal.operations.trouble.PATIENCE": 50,
    "opsportal.operations.trouble.NONSENSE": 15,
    "opsportal.operations.steps.verify.PATIENCE": 15,
}
"""How patient this worker is, in seconds: only how long things take changes, not what happens."""
LIMITS = {
    "ASSET_BUILD_COMMAND": "sh build_assets.sh",
    "ASSET_BUILD_SECONDS": "12",
    "ASSET_BUILD_OUTPUT_MB": "1",
    "ASSET_BUILD_MEMORY_MB": "300",
    "ENVIRONMENT_REFRESH_SECONDS": "60",
    "LOG_LEVEL": "WARNING",
}
PARTS = ("broker", "cloud", "web", "worker", "scheduler")


class Rig(Platform):
    """Its parts by name (see PARTS), each of which can be started, killed and started again on its own."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="ops-rig-"))
        self.layout = Layout(self.root)
        self.ports = Ports(machine.free_port(), machine.free_port())
        self.marks = self.root / "marks"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._log = (self.root / "log.txt").open("ab")
        self._undertaker = subprocess.Popen(
            [sys.executable, "-I", "-S", undertaker.__file__],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._database = machine.new_database()
        for each in (self.marks, self.layout.broker, self.layout.cloud):
            each.mkdir()
        real = REPOSITORY.parent / "shared" / "data" / "manifests"
        rig_repository.make(self.layout.repository, self.marks, real if real.is_dir() else None)
        self._service_password = new_password()
        write_private(self.layout.estate, as_json(self._estate()))
        self._environment = self._make_environment()
        self._shell: subprocess.Popen[bytes] | None = None

    # --- its life ---------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start everything, and wait until it answers."""
        for name in ("broker", "cloud", "web"):
            self.start(name)
        subprocess.run(
            services.prepare(),
            cwd=REPOSITORY,
            env=self._environment,
            stdout=self._log,
            check=True,
            timeout=120,
        )
        self.start("worker")
        self.start("scheduler")
        self._shell = self._spawn("shell", [sys.executable, "-m", "tests.support.rig_shell", "shell"])
        self.wait_for_cloud()
        self.knobs(staging_seconds=0.3, start_seconds=0.2, max_package_bytes=2_000_000, stop_seconds=3)
        until(lambda: services.worker_answers(self.redis_url), "the worker answers")
        until(self.is_answering, "the portal answers")

    def start(self, name: str) -> None:
        """Start a part. It may take a moment until it answers."""
        place = broker.socket_in(self.layout.broker)
        worker = services.worker()
        commands: dict[str, Callable[[], Sequence[str]]] = {
            "broker": lambda: broker.command(self.layout.broker, place),
            "cloud": lambda: services.cloud(self.layout, self.ports),
            "web": lambda: services.web(self.ports),
            "worker": lambda: [
                *(sys.executable, "-m", "tests.support.rig_shell"),
                *worker[worker.index("worker") :],
            ],
            "scheduler": services.scheduler,
        }
        assert name not in self._processes, f"{name} runs already"
        self._spawn(name, commands[name]())

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a part a signal; after SIGKILL and SIGTERM it has ended when this returns."""
        process = self._processes[name]
        process.send_signal(number)
        if number in {signal.SIGKILL, signal.SIGTERM}:
            process.wait(30)
            self._tell_undertaker("-", process.pid)
            del self._processes[name]

    def is_running(self, name: str) -> bool:
        """Whether a part runs."""
        return name in self._processes and self._processes[name].poll() is None

    def is_answering(self) -> bool:
        """Whether the portal's pages answer."""
        return services.answers(self.ports.portal_url)

    def end(self) -> None:
        """End everything, however it is, and remove its files."""
        undertaker.end([each.pid for each in self._processes.values()], 0)
        for process in [*self._processes.values(), self._undertaker]:
            process.communicate(timeout=20)
        self._log.close()
        for left in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
        machine.drop_database(self._database)
        shutil.rmtree(self.root, ignore_errors=True)

    def wait_for_cloud(self) -> None:
        """Until the local cloud answers."""
        until(lambda: services.answers(f"{self.ports.cloud_url}/v3"), "the local cloud answers")

    def log(self) -> str:
        """What all the processes have printed."""
        return (self.root / "log.txt").read_text(errors="replace")

    # --- the portal -------------------------------------------------------------------------------------

    def ask(self, do: str, **values: Any) -> Any:
        """One question to the portal's own code (see ``rig_shell``)."""
        shell = self._shell
        assert shell is not None
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write(json.dumps({"do": do, **values}).encode() + b"\n")
        shell.stdin.flush()
        answer = json.loads(shell.stdout.readline() or b'{"error": "the shell has ended"}')
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    def request(self, environment: str, ref: str = "main", by: str = "ana", **given: str) -> dict[str, Any]:
        """Ask for a deploy: its receipt, or the refusal."""
        return dict(self.ask("request", environment=environment, by=by, given={"ref": ref, **given}))

    def look(self, operation: str) -> dict[str, Any]:
        """The receipt of an operation as it is now."""
        return dict(self.ask("look", operation=operation))

    def ended(self, operation: str, limit: float = 60.0) -> dict[str, Any]:
        """The receipt once the operation has ended."""
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            found.update(self.look(operation))
            return found["state"] in ENDED

        try:
            until(has_ended, "the operation ends", limit)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(found, indent=1)}\n{self.log()[-3000:]}") from error
        return found

    def deploy(self, environment: str, ref: str = "main", by: str = "ana", **given: str) -> dict[str, Any]:
        """Deploy and wait for the end."""
        return self.ended(self.begin_deploy(environment, ref, by, **given))

    def begin_deploy(self, environment: str, ref: str = "main", by: str = "ana", **given: str) -> str:
        """Ask for a deploy that must not be refused: the operation's id."""
        asked = self.request(environment, ref, by, **given)
        assert "id" in asked, asked
        return str(asked["id"])

    def output(self, operation: str, step: str = "") -> str:
        """The lines of an operation, or of one of its steps."""
        lines = self.ask("output", operation=operation)
        return "\n".join(text for _, name, text in lines if step in {"", name})

    def step_is(self, operation: str, step: str, *states: str) -> bool:
        """Whether a step is in one of these states."""
        found = {each["name"]: each["state"] for each in self.look(operation)["steps"]}
        return found.get(step) in states

    def commit(self, ref: str) -> str:
        """The commit of a branch or tag."""
        done = subprocess.run(
            ["git", "-C", str(self.layout.repository), "rev-parse", ref],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout.strip()

    def operate(self, *arguments: str) -> subprocess.Popen[str]:
        """``manage.py operate`` with these arguments, from a shell."""
        return subprocess.Popen(
            [sys.executable, "manage.py", "operate", *arguments],
            cwd=REPOSITORY,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def another_shell(self) -> subprocess.Popen[bytes]:
        """A further process with the portal's code, for the caller to talk to and to end."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.rig_shell", "shell"],
            cwd=REPOSITORY,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    # --- processes --------------------------------------------------------------------------------------

    def processes(self) -> list[int]:
        """All that run and know this rig's directory by their environment, arguments or place."""
        known = os.fsencode(str(self.root))
        return [pid for pid, words, _ in machine.processes() if known in words and pid != os.getpid()]

    def serving(self) -> Counter[str]:
        """How many processes of each application run, by what the kernel says."""
        known = os.fsencode(str(self.root))
        return Counter(
            name
            for _, words, variables in machine.processes()
            if known in words and b"server.py" in words and (name := machine.application(variables))
        )

    def building(self) -> list[int]:
        """Processes of asset builds: whatever has its place in the worker's own directory."""
        work = os.fsencode(str(self.root / "work"))
        return [pid for pid, words, _ in machine.processes() if work in words]

    # --- how it is made ---------------------------------------------------------------------------------

    @property
    def redis_url(self) -> str:
        """The broker's address."""
        return broker.url(broker.socket_in(self.layout.broker))

    def _spawn(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        piped = subprocess.PIPE if name == "shell" else None
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=self._environment,
            stdin=piped or subprocess.DEVNULL,
            stdout=piped or self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._processes[name] = process
        self._tell_undertaker("+", process.pid)
        return process

    def _tell_undertaker(self, sign: str, group: int) -> None:
        assert self._undertaker.stdin is not None
        self._undertaker.stdin.write(f"{sign}{group}\n".encode())
        self._undertaker.stdin.flush()

    def _make_environment(self) -> dict[str, str]:
        path = os.pathsep.join(
            [str(self._wrapper()), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
        )
        settings = services.portal_settings(self.layout, self.ports, self.redis_url, self._service_password)
        settings.pop("DATABASE_URL", None)
        known = {
            name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}
        }
        return {
            **known,
            **settings,
            **LIMITS,
            **({"DATABASE_URL": self._database} if self._database else {}),
            "OPSPORTAL_DATA_DIR": str(self.root),
            "DJANGO_SETTINGS_MODULE": "opsportal.config.settings",
            "DEMO_PASSWORD": PASSWORD,
            "RIG_PATIENCE": json.dumps(HURRY),
            "PATH": path,
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore:You're running the worker",
        }

    def _wrapper(self) -> Path:
        """A directory with a ``git`` that waits while the mark ``hold-git`` holds one of its arguments."""
        directory = self.root / "bin"
        directory.mkdir()
        real, mark = shutil.which("git"), self.marks / "hold-git"
        waits = (
            f'while [ -e {mark} ] && case "$*" in *"$(cat {mark})"*) ;; *) false ;; esac; do sleep 0.1; done'
        )
        (directory / "git").write_text(f'#!/bin/sh\n{waits}\nexec {real} "$@"\n')
        (directory / "git").chmod(0o755)
        return directory

    def _estate(self) -> dict[str, Any]:
        names = rig_repository.environments(self.marks)
        spaces = {name: ["space_developer"] for name in names}
        return {
            "organization": ORGANIZATION,
            "domains": ["app.localhost", "app.cloud.gov"],
            "users": [
                {
                    "username": SERVICE_ACCOUNT,
                    "password": self._service_password,
                    "roles": [],
                    "spaces": spaces,
                },
                {"username": HUMAN, "password": PASSWORD, "roles": ["admin"], "spaces": spaces},
            ],
            "spaces": [{"name": name, "services": _services(name)} for name in names],
        }


def _services(name: str) -> list[dict[str, Any]]:
    given: list[dict[str, Any]] = [{"name": "getgov-credentials", "user_provided": {"KEY": "not-secret"}}]
    if name in rig_repository.REAL:
        given.append({"name": f"getgov-{name}-database", "offering": "aws-rds", "plan": "micro-psql"})
    return given
