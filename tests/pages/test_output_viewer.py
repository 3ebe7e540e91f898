"""The output of an operation in a real browser: long, live, searched, linked to, and without scripts."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from opsportal.accounts.models import Person, Role
from opsportal.operations import bell
from opsportal.operations.models import Operation, State
from tests.support import estate
from tests.support.browser import LOOKS, open_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MANY = 100_000
NODES = """() => { let n = 0; const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
               while (walker.nextNode()) n += 1; return n; }"""


@pytest.fixture
def ana(transactional_db: None) -> Person:
    return estate.person("ana", "Ana Alvarez", Role.ENGINEER)


def deploy(ana: Person, lines: int, state: str = State.RUNNING) -> Operation:
    made = estate.operation(estate.environment("ab"), ana, state)
    estate.say(made, [f"line number {n}" for n in range(1, lines + 1)])
    return made


def add_live(made: Operation, *texts: str) -> None:
    """Lines as the worker adds them: rows first, then the bell."""
    estate.say(made, texts)
    bell.announce(made.id, output=made.output_count)


def shown(page: Page) -> list[int]:
    """Numbers of the lines that exist in the page."""
    return [int(each) for each in page.eval_on_selector_all("[data-n]", "all => all.map(e => e.dataset.n)")]


def in_sight(page: Page, number: int) -> bool:
    """Whether a line is inside the viewer's window."""
    return bool(
        page.evaluate(
            """n => { const row = document.getElementById(`L${n}`); if (!row) return false;
              const box = row.getBoundingClientRect();
              const view = document.querySelector("[data-output-view]").getBoundingClientRect();
              return box.top >= view.top - 1 && box.bottom <= view.bottom + 1; }""",
            number,
        )
    )


def wait_in_sight(page: Page, number: int) -> None:
    page.locator(f"#L{number}").wait_for(state="attached")
    for _ in range(100):
        if in_sight(page, number):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"line {number} is not in sight; there are {shown(page)[:3]}…{shown(page)[-3:]}")


def test_a_hundred_thousand_lines_are_few_nodes_at_every_place(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    made = deploy(ana, MANY, State.SUCCEEDED)
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/operations/{made.id}/", wait_until="commit")
        page.locator(f"#L{MANY}").wait_for(state="attached")
        assert page.evaluate(NODES) < 2000
        for number in (50_000, 1, MANY):
            page.evaluate("n => { location.hash = `#L${n}`; }", number)
            wait_in_sight(page, number)
            assert page.evaluate(NODES) < 2000
        page.evaluate("document.querySelector('[data-output-view]').scrollTop = 700000")
        page.locator("[data-n]:has-text('line number 35')").first.wait_for()
        assert page.evaluate(NODES) < 2000


def test_a_link_to_a_line_opens_at_that_line(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    made = deploy(ana, 5_000)
    with open_page(browser, LOOKS[1], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/operations/{made.id}/#L1234")
        wait_in_sight(page, 1234)
        assert page.locator("#L1234").evaluate("e => e.classList.contains('line--chosen')")
        page.locator("#L1236 a").click()
        assert page.url.endswith("?line=1236#L1236")


def test_lines_arrive_live_and_the_view_follows(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    made = deploy(ana, 1_000)
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/operations/{made.id}/")
        page.get_by_text("Live.").wait_for()
        add_live(made, "one more", "and another")
        wait_in_sight(page, 1_002)
        page.evaluate("document.querySelector('[data-output-view]').scrollTop = 0")
        page.get_by_role("button", name="Follow", pressed=False).wait_for()
        add_live(made, "a third")
        page.get_by_text("1,003 lines").wait_for()
        assert not in_sight(page, 1_003)
        page.get_by_role("button", name="Follow").click()
        wait_in_sight(page, 1_003)


def test_no_line_is_lost_or_doubled_over_a_dropped_connection(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    made = deploy(ana, 10)
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/operations/{made.id}/")
        page.get_by_text("Live.").wait_for()
        page.context.set_offline(True)
        add_live(made, *[f"while away {n}" for n in range(20)])
        page.wait_for_timeout(300)
        page.context.set_offline(False)
        add_live(made, "back again")
        wait_in_sight(page, 31)
        assert shown(page) == list(range(1, 32))


def test_without_room_for_a_stream_the_page_asks_instead(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person, settings: Any
) -> None:
    settings.STREAMS_PER_PROCESS = 0
    made = deploy(ana, 10)
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/operations/{made.id}/")
        page.get_by_text("Checking every 3 seconds.").wait_for()
        add_live(made, "told by asking")
        wait_in_sight(page, 11)


def test_search_jumps_through_the_hits_and_keeps_the_address(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    made = deploy(ana, 3_000, State.SUCCEEDED)
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/operations/{made.id}/?line=1")
        page.keyboard.press("/")
        page.keyboard.type("number 77")
        page.keyboard.press("Enter")
        page.get_by_text("1 of 11 lines").wait_for()
        wait_in_sight(page, 77)
        page.keyboard.press("Enter")
        page.get_by_text("2 of 11 lines").wait_for()
        wait_in_sight(page, 770)
        page.keyboard.press("Shift+Enter")
        wait_in_sight(page, 77)
        assert "search=number+77" in page.url
        page.locator("#output-search").fill("no such words")
        page.keyboard.press("Enter")
        page.get_by_text("No line has “no such words”.").wait_for()


def test_wrapped_lines_keep_the_place_that_is_read(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    made = estate.operation(estate.environment("ab"), ana, State.SUCCEEDED)
    estate.say(made, ["words " * (n % 120) for n in range(1, 4001)])
    with open_page(browser, LOOKS[2], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/operations/{made.id}/?line=2000#L2000")
        wait_in_sight(page, 2000)
        page.get_by_role("button", name="Wrap").click()
        wait_in_sight(page, 2000)
        page.evaluate("document.querySelector('[data-output-view]').scrollTop -= 3000")
        page.wait_for_timeout(300)
        assert shown(page) == list(range(shown(page)[0], shown(page)[-1] + 1))


def test_without_scripts_the_last_lines_and_links_to_the_others_are_there(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    made = deploy(ana, 2_000, State.SUCCEEDED)
    with open_page(browser, LOOKS[0], cookies_of(ana), java_script_enabled=False) as page:
        page.goto(f"{live_server.url}/operations/{made.id}/")
        assert page.locator("#L2000").count() == 1
        assert page.locator("#L1000").count() == 0
        page.get_by_role("link", name="First").click()
        assert page.locator("#L1").count() == 1
        page.get_by_role("searchbox", name="Search the output").fill("number 1500")
        page.get_by_role("button", name="Next").click()
        assert page.locator(".line[id]").count() == 1


def test_what_a_program_prints_is_never_markup(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person
) -> None:
    made = estate.operation(estate.environment("ab"), ana)
    estate.say(made, ["<img src=x onerror=alert(1)> \x1b[31mred\x1b[0m"])
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/operations/{made.id}/")
        page.get_by_text("Live.").wait_for()
        add_live(made, "<b>\x1b[1mbold</b>")
        page.locator("#L2").wait_for()
        assert page.locator("#L1").inner_text().endswith("<img src=x onerror=alert(1)> red")
        assert page.locator("#L2").inner_text().endswith("<b>bold</b>")
        assert page.locator(".output__lines img, .output__lines b").count() == 0
