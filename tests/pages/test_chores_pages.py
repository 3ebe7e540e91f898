"""The pages of chores, wide and narrow, by day and by night: readable by everybody, and no sideways scrolling."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from opsportal.accounts.models import Person, Role
from opsportal.environments.models import Environment
from opsportal.operations import saved_commands, schedules
from opsportal.operations.models import SavedCommand
from tests.support import estate
from tests.support.browser import LOOKS, check_every_look, open_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = (
    "/environments/ab/do/migrate",
    "/environments/ab/do/scale",
    "/environments/ab/do/roll_back",
    "/environments/ab/do/promote",
    "/environments/ab/do/recreate_database",
    "/environments/stable/do/run_task",
    "/environments/staging/do/copy_database",
    "/schedules/",
    "/schedules/new",
    "/schedules/new?environment=ab",
    "/account",
    "/schedules/new?kind=reset_database&environment=ab",
    "/commands/",
    "/commands/new",
)


@pytest.fixture
def lee(transactional_db: None) -> Person:
    return estate.person("lee", "Lee Lindqvist", Role.ENGINEERING_LEAD, Role.ENGINEER)


@pytest.fixture
def saved(lee: Person) -> SavedCommand:
    estate.repository()
    ab: Environment = estate.environment("ab", owner=lee)
    for kind in ("staging", "stable"):
        estate.environment(kind, kind)
    schedules.save(kind="migrate", environment=ab, given={}, weekdays=[0, 2], times="06:30, 18:00", by=lee)
    return saved_commands.save(
        title="Find a user", what="Says whether somebody has an account.",
        command="python manage.py find {who} --how {how}", asked="who: email: Whose\nhow: choice soft|hard: How",
        roles=["engineer"], places=["sandbox"], by=lee,
    )  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_everybody_can_read(
    browser: Browser, live_server: Any, cookies_of: Any, lee: Person, saved: SavedCommand, path: str
) -> None:
    with open_page(browser, LOOKS[0], cookies_of(lee)) as page:
        answer = page.goto(live_server.url + path)
        assert answer is not None
        assert answer.status == 200
        check_every_look(page, "chores" + path.partition("?")[0].replace("/", "-").rstrip("-"))


def test_a_saved_command_is_filled_in(
    browser: Browser, live_server: Any, cookies_of: Any, lee: Person, saved: SavedCommand
) -> None:
    with open_page(browser, LOOKS[0], cookies_of(lee)) as page:
        page.goto(f"{live_server.url}/environments/ab/do/run_task")
        page.get_by_role("link", name="Find a user").click()
        check_every_look(page, "chores-saved-command")
        page.get_by_label("Whose").fill("nobody")
        page.get_by_label("How").select_option("soft")
        page.get_by_role("button", name="Run on ab").click()
        page.get_by_text("takes an e-mail address").first.wait_for()
        assert page.get_by_label("Whose").input_value() == "nobody"
