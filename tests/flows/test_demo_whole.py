"""One command starts everything, and a deploy from the shell ends with the application at the new commit."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from opsportal.demo import team
from opsportal.demo.story import branches

REPOSITORY = Path(__file__).resolve().parents[2]
NOT_OURS = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "OPSPORTAL_DATA_DIR")


def environment(directory: Path) -> dict[str, str]:
    """What a person's shell has: nothing of the tests' own state."""
    own = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return own | {"OPSPORTAL_DATA_DIR": str(directory), "PYTHONPATH": str(REPOSITORY)}


@dataclass
class Demo:
    """A demo as a person has it: a data directory, and the process that they can stop."""

    directory: Path
    process: subprocess.Popen[str] | None = None

    def command(self, *arguments: str) -> list[str]:
        return [
            *(sys.executable, "-m", "opsportal.demo.command"),
            *("--data-dir", str(self.directory), *arguments),
        ]

    def start(self, *arguments: str) -> None:
        with (self.directory.parent / "output.txt").open("a") as output:
            self.process = subprocess.Popen(
                self.command(*arguments),
                cwd=self.directory.parent,
                env=environment(self.directory),
                stdout=output,
                stderr=output,
                text=True,
            )
        for _ in range(900):
            if (self.directory / "demo.json").exists():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        pytest.fail(f"the demo did not start:\n{self.output()}")

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def output(self) -> str:
        return (self.directory.parent / "output.txt").read_text()

    @property
    def facts(self) -> dict[str, Any]:
        if self.process is None or self.process.poll() is not None:
            pytest.fail(f"the demo has ended:\n{self.output()}")
        return dict(json.loads((self.directory / "demo.json").read_text()))

    def operate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`manage.py operate … --wait` from another shell: what it prints is every line of the operation."""
        assert self.facts
        return subprocess.run(
            [sys.executable, "manage.py", "operate", *arguments, "--as", "ana", "--wait"],
            cwd=REPOSITORY,
            env=environment(self.directory),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def application(self, name: str, path: str) -> requests.Response:
        facts = self.facts
        return requests.get(
            f"{facts['cloud_api']}{path}",
            headers={"Host": f"getgov-{name}.{facts['apps_domain']}"},
            timeout=30,
        )

    def commit(self, ref: str) -> str:
        return subprocess.run(
            ["git", "-C", self.facts["repository"], "rev-parse", ref],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout.strip()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo") / "data")
    demo.directory.mkdir()
    try:
        demo.start("--port", "0")
        yield demo
    finally:
        if demo.process is not None and demo.process.poll() is None:
            demo.stop()


@pytest.fixture(scope="module")
def deployed(demo: Demo) -> Demo:
    """The demo, with a branch deployed to a sandbox."""
    done = demo.operate("deploy", "ab", "--set", f"ref={branches.NEW_HEADLINE}", "--set", "migrate=yes")
    assert done.returncode == 0, done.stdout + done.stderr
    return demo


def signed_in(facts: dict[str, Any], username: str) -> requests.Response:
    """What somebody sees after signing in."""
    (user,) = [each for each in facts["users"] if each["username"] == username]
    with requests.Session() as browser:
        form = browser.get(f"{facts['portal']}/sign-in", timeout=30).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert token, form
        given = {"csrfmiddlewaretoken": token[1], "username": username, "password": user["password"]}
        return browser.post(f"{facts['portal']}/sign-in", given, timeout=30)


def test_its_facts_are_for_scripts_and_for_the_owner_alone(demo: Demo) -> None:
    facts = demo.facts
    assert facts.keys() == {
        "portal",
        "cloud_api",
        "apps_domain",
        "org",
        "cf",
        "users",
        "repository",
        "github",
    }
    assert facts["cf"].keys() == {"username", "password"}
    assert {tuple(user) for user in facts["users"]} == {("username", "password", "roles")}
    assert {role for user in facts["users"] for role in user["roles"]} == {
        *("product_owner", "product_team", "engineering_lead", "engineer", "designer", "admin")
    }
    for name in ("demo.json", "settings.env", "kept.json", "estate.json"):
        assert stat.S_IMODE((demo.directory / name).stat().st_mode) == 0o600


def test_it_prints_the_address_the_sign_ins_and_the_cf_lines(demo: Demo) -> None:
    facts, output = demo.facts, demo.output()
    assert f"The ops portal is ready:  {facts['portal']}" in output
    for line in (
        f"cf api {facts['cloud_api']}",
        f"cf auth {facts['cf']['username']}",
        f"cf target -o {facts['org']}",
    ):
        assert line in output
    for user in facts["users"]:
        assert user["username"] in output


@pytest.mark.parametrize("username", ["ana", "priya", "gil"])
def test_everybody_named_can_sign_in_and_sees_every_environment(demo: Demo, username: str) -> None:
    page = signed_in(demo.facts, username)
    assert page.status_code == 200
    for name in team.ENVIRONMENTS:
        assert name in page.text


def test_a_deploy_from_the_shell_ends_with_the_application_at_the_new_commit(deployed: Demo) -> None:
    assert deployed.application("ab", "/version").json() == {
        "commit": deployed.commit(branches.NEW_HEADLINE),
        "tag": "",
        "branch": branches.NEW_HEADLINE,
        "environment": "ab",
    }
    page = deployed.application("ab", "/").text
    assert branches.FRIENDLY_HEADLINE in page
    assert "There are no domains yet" in page
    assert deployed.application("ab", "/public/css/styles.css").ok


def test_a_branch_that_does_not_build_fails_and_the_portal_says_why(demo: Demo) -> None:
    done = demo.operate("deploy", "es", "--set", f"ref={branches.BUILD_FAILS}")
    assert done.returncode == 1
    assert "there is no styles/_dark.css" in done.stdout
    assert "defect of the portal" not in done.stdout
    assert not demo.application("es", "/version").ok


def test_a_second_start_on_the_same_data_is_refused(demo: Demo) -> None:
    done = subprocess.run(
        demo.command(),
        env=environment(demo.directory),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "already runs" in done.stderr
    assert demo.facts["portal"] in done.stderr
    assert (demo.directory / "demo.json").exists()


@pytest.mark.kills
def test_stopped_and_started_again_nothing_is_lost(deployed: Demo) -> None:
    before = deployed.facts
    assert deployed.stop() == 0
    assert not (deployed.directory / "demo.json").exists()
    assert processes_of(deployed.directory) == []
    deployed.start()
    assert deployed.facts == before
    assert deployed.application("ab", "/version").json()["commit"] == deployed.commit(branches.NEW_HEADLINE)
    assert signed_in(deployed.facts, "ana").ok


def processes_of(directory: Path) -> list[str]:
    """Command lines of processes that know the data directory by their environment or arguments."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(directory) in known and int(process.name) != os.getpid():
            found.append((process / "cmdline").read_text().replace("\0", " "))
    return found
