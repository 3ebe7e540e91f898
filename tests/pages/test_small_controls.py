"""Small things a person meets in a browser: where a dialog stands, where a box opens, where the keyboard leads."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from opsportal.accounts.models import Person, Role
from opsportal.operations.models import Operation, State
from tests.support import estate
from tests.support.browser import LOOKS, SCREENSHOTS, Look, open_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ana(transactional_db: None) -> Person:
    return estate.person("ana", "Ana Alvarez", Role.ENGINEER)


@pytest.mark.parametrize("look", [LOOKS[0], LOOKS[2]], ids=str)
def test_the_cancel_dialog_stands_in_the_middle(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person, look: Look
) -> None:
    made = estate.operation(estate.environment("ab", owner=ana), ana)
    with open_page(browser, look, cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/operations/{made.id}/")
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("heading", name="Stop this operation?").wait_for()
        page.screenshot(path=SCREENSHOTS / f"cancel-dialog-{look}.png")
        box = page.locator("#confirm-cancel").bounding_box()
        size = page.viewport_size
        assert box is not None
        assert size is not None
        assert abs(box["x"] + box["width"] / 2 - size["width"] / 2) < 10
        assert abs(box["y"] + box["height"] / 2 - size["height"] / 2) < 10


def test_the_last_lines_of_a_failure_open_at_their_end(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    made = estate.operation(estate.environment("ab", owner=ana), ana, State.FAILED)
    Operation.objects.filter(pk=made.pk).update(problem="Staging failed.", whose_move="yours")
    estate.say(made, [f"line {n} " + "with words " * 40 for n in range(40)])
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/operations/{made.id}/")
        low = page.locator(".last-words").evaluate(
            "e => e.getBoundingClientRect().bottom - e.firstElementChild.getBoundingClientRect().bottom"
        )
        assert 0 <= low < 30
        page.screenshot(path=SCREENSHOTS / "last-lines.png")


def test_the_keyboard_leads_from_the_search_into_the_list_and_on(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    estate.repository()
    estate.environment("ab", owner=ana)
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/environments/ab/deploy")
        page.locator("#ref-search").focus()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement === document.querySelector('.refs a')")
        page.keyboard.press("ArrowUp")
        assert page.evaluate("document.activeElement.id") == "ref-search"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**#chosen")
        assert page.evaluate("document.activeElement.id") == "chosen"
