"""The whole demo as one command starts it, people who sign in to it, and what stands around it: Git, GitHub, Slack."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page

from tests.support.browser import LOOKS, Look, open_page

REPOSITORY = Path(__file__).resolve().parents[2]
NOT_OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "DJANGO_SETTINGS_MODULE",
    "OPSPORTAL_DATA_DIR",
    "DJANGO_ALLOW_ASYNC_UNSAFE",
)
A_WHILE_MS = 180_000
Demo = dict[str, Any]


@contextmanager
def running(directory: Path) -> Iterator[Demo]:
    """The whole portal with its local cloud, with its state in ``directory``; its facts."""
    command = [sys.executable, "-m", "opsportal.demo.command", "--data-dir", str(directory), "--port", "0"]
    with (directory.parent / "output.txt").open("w") as said:
        process = subprocess.Popen(command, cwd=REPOSITORY, env=_shell(), stdout=said, stderr=said)
    try:
        yield _facts(directory, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _shell() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in NOT_OURS}


def _facts(directory: Path, process: subprocess.Popen[bytes]) -> Demo:
    for _ in range(1800):
        if (directory / "demo.json").is_file():
            return dict(json.loads((directory / "demo.json").read_text()))
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError((directory.parent / "output.txt").read_text())


def manage(demo: Demo, *words: str, typed: str = "") -> None:
    """``manage.py`` on the demo's data; ``typed`` is what it reads."""
    shell = {**_shell(), "OPSPORTAL_DATA_DIR": str(Path(demo["repository"]).parent)}
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(
        command,
        check=False,
        cwd=REPOSITORY,
        env=shell,
        timeout=180,
        capture_output=True,
        text=True,
        input=typed,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def password(demo: Demo) -> str:
    """Everybody's."""
    return str(demo["users"][0]["password"])


# --- people -------------------------------------------------------------------------------------------------


def sign_in_as(page: Page, demo: Demo, username: str) -> None:
    """Sign in by name and password; ends on the home page."""
    page.goto(demo["portal"])
    page.locator("#id_username").fill(username)
    page.locator("#id_password").fill(password(demo))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{demo['portal']}/")


def sign_in(page: Page, demo: Demo, role: str) -> None:
    """The same as the first who has the role."""
    sign_in_as(page, demo, next(each["username"] for each in demo["users"] if role in each["roles"]))


@contextmanager
def person(
    browser: Browser, demo: Demo, username: str, look: Look = LOOKS[0], **options: Any
) -> Iterator[Page]:
    """Somebody in a browser of their own, signed in and on the home page; the session is that of the last time."""
    sessions = demo.setdefault("sessions", {})
    with open_page(browser, look, sessions.get(username), **options) as page:
        if username in sessions:
            page.goto(f"{demo['portal']}/")
        else:
            sign_in_as(page, demo, username)
            sessions[username] = page.context.cookies()
        yield page


def loaded_until(page: Page, address: str, shows: Locator) -> None:
    """Load the page again until it shows something that the worker brings about."""
    end = time.monotonic() + A_WHILE_MS / 1000
    while time.monotonic() < end:
        page.goto(address)
        if shows.count():
            return
    raise AssertionError(f"{address} never showed {shows}:\n{page.locator('main').inner_text()}")


# --- what stands around it ----------------------------------------------------------------------------------


def push_branch(demo: Demo, directory: Path, name: str) -> None:
    """A branch off main with one commit, pushed with Git as anybody does."""
    git = ("git", "-c", "user.name=Ana Brandt", "-c", "user.email=ana@getgov.example")
    here = directory / name.replace("/", "-")
    for words in (
        (*git, "clone", "--quiet", "--branch", "main", demo["repository"], str(here)),
        (*git, "-C", str(here), "checkout", "--quiet", "-b", name),
        (*git, "-C", str(here), "commit", "--quiet", "--allow-empty", "-m", f"Mend it ({name})"),
        (*git, "-C", str(here), "push", "--quiet", "origin", name),
    ):
        subprocess.run(words, check=True, capture_output=True, timeout=60)


def open_pull_request(page: Page, demo: Demo, *, by: str, branch: str, title: str) -> str:
    """Open one on the local GitHub's page; its address."""
    page.goto(f"{demo['github']}/pulls")
    page.locator("[name=head]").select_option(branch)
    page.locator("[name=title]").fill(title)
    page.locator("[name=as]").select_option(by)
    page.get_by_role("button", name="Open pull request").click()
    page.wait_for_url(re.compile(r"/pull/\d+$"))
    return page.url


def on_github(page: Page, pull: str, button: str, *, by: str) -> None:
    """Press a button of a pull request's page on the local GitHub."""
    page.goto(pull)
    page.locator("[name=as]").select_option(by)
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url(pull)


def slack_thread(page: Page, demo: Demo, channel: str, words: str) -> Locator:
    """The thread of a channel (or a person, ``@name``) in Slack's inbox in which something was said. Waits for it."""
    page.goto(f"{demo['cloud_api']}/slack/?still=1")
    page.get_by_role("link", name=channel, exact=True).wait_for()
    address = f"{page.get_by_role('link', name=channel, exact=True).get_attribute('href')}&still=1"
    shown = page.locator("article[data-ts]", has_text=words)
    loaded_until(page, f"{demo['cloud_api']}{address}", shown)
    return shown
