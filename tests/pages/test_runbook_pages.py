"""Runbooks in a real browser: readable by everybody, filled in for an environment, commands to copy."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from opsportal.accounts.models import Person, Role
from tests.support import estate
from tests.support.browser import LOOKS, check_every_look, open_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ana(transactional_db: None, settings: Any) -> Person:
    settings.CF_ORGANIZATION, settings.CF_API_URL = "cisa-dotgov", "https://api.example.gov"
    estate.person("lee", "Lee Lindqvist", Role.ENGINEERING_LEAD)
    estate.environment("ab")
    estate.environment("stable", "stable")
    return estate.person("ana", "Ana Alvarez", Role.ENGINEER)


PAGES = {
    "runbooks": "/runbooks/",
    "runbooks-none": "/runbooks/?q=nothing-like-it",
    "runbook-errors": "/runbooks/errors-500/?environment=ab",
    "runbook-errors-stable": "/runbooks/errors-500/?environment=stable",
    "runbook-debugging": "/runbooks/debugging/",
    "runbook-reset": "/runbooks/reset/?environment=ab",
    "runbook-data-migration": "/runbooks/data-migration/?environment=stable",
    "runbook-shell": "/runbooks/shell/?environment=ab",
    "runbook-deploy": "/runbooks/deploy/?environment=ab",
    "runbook-unknown-environment": "/runbooks/reset/?environment=zz",
}


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_read(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person, name: str
) -> None:
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        answer = page.goto(live_server.url + PAGES[name])
        assert answer is not None
        assert answer.status == 200
        check_every_look(page, name)


def test_from_the_list_to_a_command_filled_in_and_copied(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    allowed = ["clipboard-read", "clipboard-write"]
    with open_page(browser, LOOKS[0], cookies_of(ana), permissions=allowed) as page:
        page.goto(f"{live_server.url}/runbooks/")
        page.get_by_label("Find a runbook by word").press_sequentially("lifecycle")
        page.get_by_role("status").filter(has_text="with “lifecycle”").wait_for()
        page.get_by_role("link", name="Get a shell").click()
        page.get_by_label("Fill in for").select_option("ab")
        page.get_by_role("button", name="Fill in").click()
        page.wait_for_url("**/runbooks/shell/?environment=ab")
        page.locator(".copy-block", has_text="cf login").locator(".copy").click()
        page.locator(".copy[data-copied]").first.wait_for()
        assert page.evaluate("navigator.clipboard.readText()").splitlines() == [
            "cf login -a https://api.example.gov",
            "cf target -o cisa-dotgov -s ab",
            "cf ssh getgov-ab",
        ]


def test_the_list_of_headings_leads_to_them(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    with open_page(browser, LOOKS[2], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/runbooks/debugging/")
        contents = page.get_by_role("navigation", name="On this page")
        contents.get_by_role("link", name="What do the logs say?").click()
        page.wait_for_url("**#what-do-the-logs-say")
        heading = page.get_by_role("heading", name="What do the logs say?")
        assert heading.evaluate("e => e.getBoundingClientRect().top < innerHeight")


def test_a_button_without_an_environment_leads_to_choosing_one(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/runbooks/deploy/")
        page.get_by_role("link", name="Deploy: choose an environment first").click()
        page.wait_for_url("**#choose-environment")
        assert page.get_by_label("Fill in for").is_visible()
