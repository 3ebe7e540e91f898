"""A demo of its own for a measurement: the same processes that ``bin/demo`` starts, in a directory of its own.

The estate and the repository may be generated (many sandboxes); everything else is as shipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import requests

from bench import repository
from bench.figures import note
from opsportal.demo.estate import HUMAN, ORGANIZATION, SERVICE_ACCOUNT
from opsportal.demo.layout import Layout, as_json, new_password, write_private

CHECKOUT = Path(__file__).resolve().parents[1]
START_S, STOP_S = 180, 60


class World:
    """A context: a running demo. With ``sandboxes``, a generated repository with these and nothing else."""

    def __init__(
        self,
        sandboxes: Sequence[str] = (),
        *,
        rounds: int = 4,
        lines: tuple[float, float] = (0, 0),
        **settings: str,
    ) -> None:
        self.sandboxes = list(sandboxes)
        self._rounds, self._lines, self._settings = rounds, lines, settings
        self._root = Path(tempfile.mkdtemp(prefix="opsportal-bench-"))
        self.layout = Layout(self._root / "demo")
        self._process: subprocess.Popen[bytes] | None = None
        self.facts: dict[str, Any] = {}

    def __enter__(self) -> World:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            kept = Path(tempfile.gettempdir()) / "opsportal-bench.log"
            shutil.copy(self._root / "log", kept)
            note(f"what the demo printed is kept in {kept}")
        self._stop()

    @property
    def portal(self) -> str:
        """The portal's address."""
        return str(self.facts["portal"])

    @property
    def service_password(self) -> str:
        """The password of the portal's own account on the local cloud."""
        return str(json.loads(self.layout.kept.read_text())["service_password"])

    def pid(self, what: str) -> int:
        """The first process of the demo whose command line holds ``what``."""
        return self.pids(what)[0]

    def pids(self, what: str) -> list[int]:
        """The processes of the demo whose command line holds ``what``; LookupError when there is none."""
        entries = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        found = [int(each.name) for each in entries if self._is_ours(each) and what in _command(each)]
        if not found:
            raise LookupError(what)
        return sorted(found)

    def knobs(self, **values: Any) -> None:
        """Turn the local cloud's knobs."""
        token = (self.layout.cloud / "admin-token").read_text().strip()
        answer = requests.patch(
            f"{self.facts['cloud_api']}/localcloud/knobs",
            json=values,
            headers={"Authorization": f"bearer {token}"},
            timeout=10,
        )
        answer.raise_for_status()

    def requests_since(self, number: int) -> tuple[list[dict[str, Any]], int]:
        """What the local cloud was asked since request ``number``, and the newest number."""
        token = (self.layout.cloud / "admin-token").read_text().strip()
        answer = requests.get(
            f"{self.facts['cloud_api']}/localcloud/requests",
            params={"since": str(number)},
            headers={"Authorization": f"bearer {token}"},
            timeout=30,
        )
        answer.raise_for_status()
        said = answer.json()
        return said["requests"], said["last"]

    def sign_in(self, username: str = "dana") -> requests.Session:
        """A browser's session, signed in."""
        session = requests.Session()
        # A kept connection may be closed by the server in the very moment in which it is used again.
        session.headers["Connection"] = "close"
        page = session.get(f"{self.portal}/sign-in", timeout=30)
        password = next(each["password"] for each in self.facts["users"] if each["username"] == username)
        given = {"username": username, "password": password, "csrfmiddlewaretoken": _form_token(page.text)}
        answer = session.post(f"{self.portal}/sign-in", data=given, timeout=30)
        if "sessionid" not in session.cookies:
            raise RuntimeError(f"{username} could not sign in: {answer.status_code}")
        return session

    def use_database(self) -> None:
        """Set Django up in this process on the demo's database, broker and repository."""
        os.environ["OPSPORTAL_DATA_DIR"] = str(self.layout.root)
        os.environ["DJANGO_SETTINGS_MODULE"] = "opsportal.config.settings"
        import django

        django.setup()

    # --- life -------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.layout.root.mkdir(mode=0o700)
        passwords = {
            name: new_password() for name in ("people_password", "service_password", "human_password")
        }
        write_private(self.layout.kept, as_json(passwords | {"cloud_port": _free_port()}))
        if self.sandboxes:
            write_private(self.layout.estate, as_json(_estate(self.sandboxes, passwords)))
            repository.make(self.layout.repository, self.sandboxes, rounds=self._rounds, lines=self._lines)
            self.layout.pushed.touch()  # there is nothing that ran before
        own = {"OPSPORTAL_DATA_DIR": str(self.layout.root), "PYTHONPATH": str(CHECKOUT), **self._settings}
        left_out = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
        environment = {name: value for name, value in os.environ.items() if name not in left_out} | own
        command = [sys.executable, "-m", "opsportal.demo.command", "--port", "0"]
        note(f"starting a demo in {self.layout.root}")
        with (self._root / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--data-dir", str(self.layout.root)],
                env=environment,
                cwd=CHECKOUT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + START_S
        while not self.layout.facts.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the demo did not start")
            time.sleep(0.1)
        self.facts = json.loads(self.layout.facts.read_text())

    def _stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._root, ignore_errors=True)

    def _is_ours(self, entry: Path) -> bool:
        try:
            place = f"OPSPORTAL_DATA_DIR={self.layout.root}\0".encode()
            return place in (entry / "environ").read_bytes()
        except OSError:
            return False


def _estate(sandboxes: Sequence[str], passwords: dict[str, str]) -> dict[str, Any]:
    developer = {name: ["space_developer"] for name in sandboxes}
    return {
        "organization": ORGANIZATION,
        "domains": ["app.localhost"],
        "spaces": [{"name": name} for name in sandboxes],
        "github": {},  # nothing is measured there
        "users": [
            {"username": SERVICE_ACCOUNT, "password": passwords["service_password"], "spaces": developer},
            {"username": HUMAN, "password": passwords["human_password"], "roles": ["admin"]},
        ],
    }


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _command(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _form_token(html: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)
    if found is None:
        raise RuntimeError("the page has no form")
    return found[1]


def click_deploy(session: requests.Session, portal: str, environment: str, ref: str, **more: str) -> str:
    """Send the deploy form as the browser does. Returns the operation's id; RuntimeError when it was refused."""
    address = f"{portal}/environments/{environment}/deploy"
    token = session.cookies.get("csrftoken") or ""
    given = {"ref": ref, "csrfmiddlewaretoken": token, **more}
    answer = session.post(address, data=given, allow_redirects=False, timeout=60)
    if answer.status_code != 302:
        raise RuntimeError(f"deploy of {ref} to {environment} answered {answer.status_code}")
    return urlsplit(answer.headers["Location"]).path.strip("/").split("/")[-1]
