"""The main job, as a newcomer does it: one command, sign in, deploy a branch, open the application at its commit."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from opsportal.demo.story.branches import BUILD_FAILS
from tests.support.browser import LOOKS, check_every_look, open_page, shoot

pytestmark = [pytest.mark.browser]

REPOSITORY = Path(__file__).resolve().parents[2]
NOT_OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "DJANGO_SETTINGS_MODULE",
    "OPSPORTAL_DATA_DIR",
    "DJANGO_ALLOW_ASYNC_UNSAFE",
)
A_WHILE_MS = 180_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The whole portal with its local cloud, as one command starts it; its facts."""
    directory = tmp_path_factory.mktemp("demo") / "data"
    shell = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    command = [sys.executable, "-m", "opsportal.demo.command", "--data-dir", str(directory), "--port", "0"]
    with (directory.parent / "output.txt").open("w") as said:
        process = subprocess.Popen(command, cwd=REPOSITORY, env=shell, stdout=said, stderr=said)
    try:
        yield _facts(directory, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


@pytest.fixture(scope="module")
def ready(demo: dict[str, Any]) -> dict[str, Any]:
    """The same, with main running on cw and its database migrated."""
    portal = Path(demo["repository"]).parent
    shell = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    wish = ["deploy", "cw", "--set", "branch=main", "--set", "migrate=yes", "--as", "ana", "--wait"]
    command = [sys.executable, "manage.py", "operate", *wish]
    shell["OPSPORTAL_DATA_DIR"] = str(portal)
    subprocess.run(command, cwd=REPOSITORY, env=shell, check=True, timeout=180, capture_output=True)
    return demo


def _facts(directory: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    for _ in range(1800):
        if (directory / "demo.json").is_file():
            return dict(json.loads((directory / "demo.json").read_text()))
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError((directory.parent / "output.txt").read_text())


def sign_in(page: Page, demo: dict[str, Any], role: str) -> None:
    person = next(each for each in demo["users"] if role in each["roles"])
    page.goto(demo["portal"])
    page.locator("#id_username").fill(person["username"])
    page.locator("#id_password").fill(person["password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{demo['portal']}/")


def test_a_newcomer_deploys_a_branch_and_opens_the_application_at_its_commit(
    browser: Browser, demo: dict[str, Any]
) -> None:
    with open_page(browser, LOOKS[0]) as page:
        sign_in(page, demo, "engineer")
        page.get_by_role("link", name="Deploy to ab").click()
        page.locator("#ref-search").fill("main")
        page.locator(".refs a", has_text="main").first.click()
        page.get_by_text("The newest commits").wait_for()
        page.get_by_role("button", name="Deploy to ab").click()
        page.get_by_role("heading", name="Deploy main").wait_for()
        page.get_by_role("link", name="Open getgov-ab").wait_for(timeout=A_WHILE_MS)
        assert page.title().startswith("Succeeded: Deploy main")
        commit = page.locator("pre code").inner_text().split("git checkout --detach ")[1][:40]
        assert page.locator("[data-n]").count() > 5
        check_every_look(page, "journey-deployed")
        page.get_by_role("link", name="Open getgov-ab").click()
        assert commit[:7] in page.locator("body").inner_text()
    told = subprocess.run(
        ["git", "-C", demo["repository"], "rev-parse", "main"], check=True, capture_output=True, text=True
    )
    assert told.stdout.strip() == commit


def test_what_runs_is_on_home_and_its_three_witnesses_agree(browser: Browser, demo: dict[str, Any]) -> None:
    with open_page(browser, LOOKS[0]) as page:
        sign_in(page, demo, "designer")
        page.locator("#find").fill("cw")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Deploy to cw").click()
        page.goto(f"{page.url}?q=main")
        page.locator(".refs a").first.click()
        page.get_by_role("button", name="Deploy to cw").click()
        page.get_by_role("link", name="Open getgov-cw").wait_for(timeout=A_WHILE_MS)
        page.get_by_role("link", name="cw", exact=True).first.click()
        page.get_by_text("Agrees").nth(2).wait_for(timeout=A_WHILE_MS)
        check_every_look(page, "journey-environment")
        page.get_by_role("link", name="Home").first.click()
        page.locator('[data-key="row-cw"] .state--healthy').wait_for(timeout=A_WHILE_MS)


def test_a_build_that_fails_is_told_with_its_cause_and_what_to_do(
    browser: Browser, demo: dict[str, Any]
) -> None:
    with open_page(browser, LOOKS[0]) as page:
        sign_in(page, demo, "designer")
        page.goto(f"{demo['portal']}/environments/es/deploy?ref={BUILD_FAILS}&ref_kind=branch")
        page.get_by_role("button", name="Deploy to es").click()
        page.get_by_text("What to do:").wait_for(timeout=A_WHILE_MS)
        assert page.title().startswith("Failed: ")
        assert page.locator(".last-words").inner_text().strip()
        assert page.get_by_role("button", name="Retry from this step").is_enabled()
        check_every_look(page, "journey-failed")


def test_only_the_portal_deploys_to_stable(browser: Browser, demo: dict[str, Any]) -> None:
    with open_page(browser, LOOKS[1]) as page:
        sign_in(page, demo, "admin")
        page.goto(f"{demo['portal']}/environments/stable/")
        page.get_by_text("Only tagged releases come here").first.wait_for()
        page.get_by_role("link", name="What would a deploy change?").click()
        page.locator(".refs a").first.click()
        assert page.get_by_role("button", name="Deploy to stable").get_attribute("aria-disabled") == "true"


def test_a_chore_is_one_click_and_can_be_undone_before_it_begins(
    browser: Browser, ready: dict[str, Any]
) -> None:
    with open_page(browser, LOOKS[0]) as page:
        sign_in(page, ready, "engineer")
        page.goto(f"{ready['portal']}/environments/cw/")
        page.get_by_role("button", name="Migrate", exact=True).click()
        page.get_by_text("until then nothing has changed").wait_for()
        shoot(page, "journey-undo", LOOKS[0])  # one look alone: ten seconds are soon over
        page.get_by_role("button", name="Undo").click()
        page.get_by_text("It was stopped by").wait_for()


def test_a_task_shows_what_it_printed_and_how_it_ended(browser: Browser, ready: dict[str, Any]) -> None:
    with open_page(browser, LOOKS[0]) as page:
        sign_in(page, ready, "engineer")
        page.goto(f"{ready['portal']}/environments/cw/do/run_task")
        page.get_by_label("Command").fill("echo eleven; exit 11")
        page.get_by_role("button", name="Run task on cw").click()
        page.get_by_text("Exited with status 11").first.wait_for(timeout=A_WHILE_MS)
        page.locator(".line", has_text="eleven").last.wait_for()


def test_a_reset_wants_the_name_and_then_flushes_migrates_and_loads_in_turn(
    browser: Browser, ready: dict[str, Any]
) -> None:
    with open_page(browser, LOOKS[0]) as page:
        sign_in(page, ready, "engineer")
        page.goto(f"{ready['portal']}/environments/cw/")
        page.get_by_role("link", name="Reset database").click()
        page.get_by_label("Type cw to confirm").fill("ba")
        page.get_by_role("button", name="Reset database on cw").click()
        page.get_by_text("is not the environment's name").first.wait_for()
        page.get_by_label("Type cw to confirm").fill("cw")
        page.get_by_role("button", name="Reset database on cw").click()
        page.locator(".head").get_by_text("It took").wait_for(timeout=A_WHILE_MS)
        steps = page.locator(".step-list, .steps").first.inner_text()
        assert steps.index("Flush") < steps.index("Migrate") < steps.index("Load fixtures")


def test_what_is_held_says_by_whom_and_why_until_it_is_released(
    browser: Browser, ready: dict[str, Any]
) -> None:
    with open_page(browser, LOOKS[0]) as page:
        sign_in(page, ready, "engineering_lead")
        page.goto(f"{ready['portal']}/environments/cw/hold")
        page.get_by_label("Reason").fill("The demo is on")
        check_every_look(page, "journey-hold")
        page.get_by_role("button", name="Hold cw").click()
        page.get_by_text("The demo is on").first.wait_for()
        check_every_look(page, "journey-held")
        page.goto(f"{ready['portal']}/environments/cw/do/migrate")
        page.get_by_label("Pass the hold").wait_for()
        page.goto(f"{ready['portal']}/environments/cw/hold")
        page.get_by_role("button", name="Release cw").click()
        page.get_by_text("cw is released").wait_for()


def test_what_may_be_wrong_is_gathered_on_one_page(browser: Browser, ready: dict[str, Any]) -> None:
    with open_page(browser, LOOKS[0]) as page:
        sign_in(page, ready, "engineer")
        page.goto(f"{ready['portal']}/environments/cw/wrong")
        page.get_by_role("heading", name="Migrations Applied").wait_for(timeout=A_WHILE_MS)
        check_every_look(page, "journey-wrong")
