"""The components page and the pages that help when something went wrong, in a real browser."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from opsportal.accounts.models import Person
from tests.support.browser import LOOKS, check_every_look, open_page, serious_findings, shoot

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ana(transactional_db: None) -> Person:
    return Person.objects.create(username="ana", name="Ana Alvarez")


def test_every_piece_can_be_read_by_everybody(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/components/")
        check_every_look(page, "components")


def test_the_sign_in_page_can_be_read_by_everybody(browser: Browser, live_server: Any) -> None:
    with open_page(browser, LOOKS[0]) as page:
        page.goto(f"{live_server.url}/sign-in")
        check_every_look(page, "sign-in")


def test_a_chosen_theme_is_there_before_the_first_paint_and_stays(browser: Browser, live_server: Any) -> None:
    with open_page(browser, LOOKS[0]) as page:
        page.goto(f"{live_server.url}/sign-in")
        page.get_by_role("button", name="Dark").click()
        page.goto(f"{live_server.url}/sign-in", wait_until="commit")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        page.get_by_role("button", name="Auto").click()
        assert page.evaluate("document.documentElement.dataset.theme") is None


def test_an_address_without_a_page_helps(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    with open_page(browser, LOOKS[3], cookies_of(ana)) as page:
        answer = page.goto(f"{live_server.url}/no-such-page")
        assert answer is not None
        assert answer.status == 404
        shoot(page, "404", LOOKS[3])
        assert page.get_by_role("link", name="All operations").is_visible()
        assert serious_findings(page) == []


def test_the_keyboard_reaches_search_home_and_the_list_of_keys(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/components/")
        page.keyboard.press("?")
        assert page.get_by_role("dialog", name="Keyboard").is_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.type") == "search"
        page.keyboard.press("?")
        assert not page.get_by_role("dialog", name="Keyboard").is_visible()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("g")
        page.keyboard.press("h")
        page.wait_for_url(f"{live_server.url}/")


def test_what_was_copied_is_what_the_button_stands_for(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    allowed = ["clipboard-read", "clipboard-write"]
    with open_page(browser, LOOKS[0], cookies_of(ana), permissions=allowed) as page:
        page.goto(f"{live_server.url}/components/")
        page.locator("#commits .copy").first.click()
        page.locator("#commits .copy[data-copied]").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == "926cd59e0f5b3a7c1d2e4f60718293a4b5c6d7e8"
