"""The pages of a log in a real browser: readable by everybody, and a live tail that keeps up."""

import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from opsportal.accounts.models import Person, Role
from opsportal.environments.models import Environment
from opsportal.logs import channels, streams
from opsportal.logs.lines import SECOND, Line
from opsportal.logs.models import Entry
from tests.support import estate
from tests.support.browser import LOOKS, check_every_look, open_page
from tests.support.logs import CHAINED, WEB, access, keep, lines_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NODES = """() => { let n = 0; const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
               while (walker.nextNode()) n += 1; return n; }"""


@pytest.fixture(autouse=True)
def _streams_notice_at_once_who_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.5)


@pytest.fixture
def ana(transactional_db: None) -> Person:
    return estate.person("ana", "Ana Alvarez", Role.ENGINEER)


@pytest.fixture
def ab(transactional_db: None) -> Environment:
    return estate.environment("ab")


def ago(seconds: float) -> int:
    return time.time_ns() - round(seconds * SECOND)


def say(
    environment: Environment, *texts: str, seconds: float = 1, layer: str = WEB, instance: str = "0"
) -> None:
    """Lines as the collector keeps them: rows first, then the bell."""
    start = ago(seconds)
    lines = [Line(start + n * 1000, layer, instance, "OUT", text) for n, text in enumerate(texts)]
    keep(environment, lines)
    channels.announce(environment.pk)


@pytest.fixture
def world(ab: Environment) -> Environment:
    """A log with something of everything."""
    for minute in range(50, 0, -1):
        say(ab, *(access(f"/domain/{n}", 200 if n % 7 else 503, 0.01 * n) for n in range(minute % 9)),
            seconds=60 * minute, layer="RTR")  # fmt: skip
        say(
            ab,
            f"[2026-11-23 05:00:00,123] INFO [registrar.views] Sent the page number {minute}",
            seconds=60 * minute,
        )
    keep(ab, lines_of(CHAINED, at_ns=ago(400)))
    say(
        ab,
        '{"level": "WARNING", "message": "slow answer of the registry", "name": "registrar.epp", "took": 4.2}',
        seconds=300,
    )
    say(ab, 'Process has crashed with type: "web"', seconds=200, layer="API")
    say(ab, "x" * 900 + " a very long word", seconds=100)
    return ab


PAGES = {
    "logs": "logs/",
    "logs-found": "logs/?level=warning&range=6h",
    "logs-nothing": "logs/?q=nothing+has+this",
    "logs-bad-pattern": "logs/?q=%28&re=on",
    "logs-live": "logs/live",
    "logs-requests": "logs/requests",
    "logs-shell": "shell",
}


@pytest.mark.parametrize("name", [*PAGES, "logs-entry"])
def test_everybody_can_read_the_pages_of_a_log(
    browser: Browser,
    live_server: Any,
    cookies_of: Any,
    ana: Person,
    world: Environment,
    name: str,
    settings: Any,
) -> None:
    settings.DASHBOARD_URL = "https://dashboard.example/{app_guid}"
    path = PAGES.get(name) or f"logs/{Entry.objects.get(text__contains='UndefinedTable').pk}"
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/environments/ab/{path}")
        if name == "logs-found":
            for closed in page.locator("details.log:not([open]) > summary").all()[:3]:
                closed.click()
        check_every_look(page, name)


@pytest.mark.parametrize("name", ["stable", "new"])
def test_everybody_can_read_a_log_that_is_empty_and_the_way_into_stable(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person, name: str
) -> None:
    if name == "stable":
        estate.environment("stable", "stable", instances=[{"index": n, "state": "RUNNING"} for n in range(2)])
    else:
        estate.environment("new", app_guid="", instances=[])
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        for place in ("shell", "logs/"):
            page.goto(f"{live_server.url}/environments/{name}/{place}")
            check_every_look(page, f"logs-{name}-{place.strip('/')}")


def test_a_bar_of_the_picture_leads_to_its_entries_and_a_line_opens_for_the_whole(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person, world: Environment
) -> None:
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/environments/ab/logs/?level=error&layer=APP")
        page.locator(".log-picture a").first.click()
        page.wait_for_url("**range=exact**")
        page.locator("summary", has_text="Internal Server Error").click()
        assert "direct cause of the following" in page.locator("details[open] pre").inner_text()
        page.locator("details[open] a").first.click()
        assert "Internal Server Error" in page.locator(".log--this").inner_text()


def test_times_are_the_persons_own_whatever_the_browser_thinks(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person, ab: Environment
) -> None:
    keep(ab, [Line(1_795_435_200 * SECOND, WEB, "0", "OUT", "noon in London")])
    address = f"{live_server.url}/environments/ab/logs/?range=exact&from=2026-11-23T11:00:00Z&to=2026-11-23T13:00:00Z"
    Person.objects.filter(pk=ana.pk).update(time_zone="Asia/Tokyo")
    with open_page(browser, LOOKS[0], cookies_of(ana), timezone_id="America/New_York") as page:
        page.goto(address)
        assert page.locator(".log time").inner_text() == "21:00:00.000"
        assert page.input_value("[name=from]") == "2026-11-23T20:00"


def test_an_exact_time_is_searched_for_and_the_address_holds_only_what_was_chosen(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person, ab: Environment
) -> None:
    keep(ab, [Line(1_795_435_200 * SECOND, WEB, "0", "OUT", "noon in London")])
    Person.objects.filter(pk=ana.pk).update(time_zone="Asia/Tokyo")
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/environments/ab/logs/")
        page.fill("[name=from]", "2026-11-23T20:59:59")
        page.fill("[name=to]", "2026-11-23T21:00:01")
        page.get_by_role("button", name="Search").click()
        page.locator("summary", has_text="noon in London").wait_for()
        assert (
            page.url.partition("?")[2]
            == "range=exact&from=2026-11-23T11%3A59%3A59Z&to=2026-11-23T12%3A00%3A01Z"
        )


def test_search_and_pages_work_without_scripts(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person, world: Environment
) -> None:
    with open_page(browser, LOOKS[0], cookies_of(ana), java_script_enabled=False) as page:
        page.goto(f"{live_server.url}/environments/ab/logs/")
        page.fill("[name=q]", "page number 4")
        page.get_by_role("button", name="Search").click()
        assert page.locator(".log-item").count() == 11
        page.goto(f"{live_server.url}/environments/ab/logs/live")
        assert page.locator(".log-item").count() > 50
        assert "load it again" in page.locator("noscript").first.inner_text()


def live(page: Page, url: str) -> None:
    page.goto(f"{url}/environments/ab/logs/live")
    page.locator("[data-log-words]", has_text="Live.").wait_for()


def at_end(page: Page) -> bool:
    """Whether the newest entry is in sight."""
    return bool(
        page.evaluate(
            "(v => v.scrollHeight - v.scrollTop - v.clientHeight < 40)(document.querySelector('[data-log-view]'))"
        )
    )


def test_the_live_tail_pauses_counts_what_waits_and_goes_on_where_it_stopped(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person, ab: Environment
) -> None:
    say(ab, *(f"before {n}" for n in range(150)))
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        live(page, live_server.url)
        assert at_end(page)
        say(ab, "first", CHAINED.partition("\n")[0])
        page.locator(".log__text", has_text="first").wait_for()
        page.get_by_role("button", name="Pause").click()
        say(ab, *(f"waiting {n}" for n in range(7)))
        page.locator("[data-log-words]", has_text="7 entries wait").wait_for()
        assert page.locator(".log__text", has_text="waiting").count() == 0
        page.get_by_role("button", name="Go on").click()
        page.locator(".log__text", has_text="waiting 6").wait_for()
        assert page.locator(".log__text", has_text="waiting").count() == 7
        assert page.locator(".log__text", has_text="first").count() == 1
        assert at_end(page)
        page.evaluate("document.querySelector('[data-log-view]').scrollTop = 100")
        say(ab, "unseen")
        page.locator(".log__text", has_text="unseen").wait_for(state="attached")
        assert page.evaluate("document.querySelector('[data-log-view]').scrollTop") == 100


def test_an_entry_that_comes_late_stands_at_its_moment_and_every_row_unfolds(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person, ab: Environment
) -> None:
    now = time.time_ns()
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        live(page, live_server.url)
        keep(ab, [Line(now, WEB, "0", "OUT", "later")])
        page.locator(".log__text", has_text="later").wait_for()
        keep(ab, [Line(now - SECOND, "RTR", "0", "OUT", access("/page", 404))])
        page.locator(".log__text", has_text="/page").wait_for()
        rows = page.locator(".log-item")
        assert [("/page" in text, "later" in text) for text in rows.all_inner_texts()] == [
            (True, False),
            (False, True),
        ]
        rows.first.locator("summary").click()
        assert rows.first.locator("dd", has_text="404").is_visible()
        rows.last.locator("summary").click()
        assert rows.last.locator("pre").inner_text() == "later"


def test_a_flood_keeps_the_page_small_loses_nothing_and_says_where_the_rest_is(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person, ab: Environment
) -> None:
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        live(page, live_server.url)
        page.evaluate(
            """() => { globalThis.longest = 0; new PerformanceObserver((all) => { for (const each of all.getEntries())
               globalThis.longest = Math.max(globalThis.longest, each.duration); }).observe({ type: "longtask" }); }"""
        )
        for round_ in range(12):
            say(ab, *(f"flood {round_}.{n}" for n in range(5_000)))
        page.locator(".log__text", has_text="flood 11.4999").wait_for()
        assert Entry.objects.count() == 60_000
        assert page.locator(".log-item").count() <= 1_500
        assert page.evaluate(NODES) < 20_000
        drawn = page.locator(".log__text").count()
        left_out = page.eval_on_selector_all(
            ".log-skip",
            "all => all.reduce((sum, e) => sum + Number(e.firstChild.data.replace(/\\D/g, '')), 0)",
        )
        made_room = page.locator("[data-log-words]").inner_text()
        assert left_out + drawn == 60_000 or "made room" in made_room
        page.locator(".log-skip a").last.click()
        page.locator(".log-picture figcaption").wait_for()
        assert "flood" in page.locator(".log__text").first.inner_text()


def test_a_page_without_a_stream_asks_by_itself(
    browser: Browser, live_server: Any, cookies_of: Any, ana: Person, ab: Environment, settings: Any
) -> None:
    settings.STREAMS_PER_PROCESS = 0
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        page.goto(f"{live_server.url}/environments/ab/logs/live")
        page.locator("[data-log-words]", has_text="every two seconds").wait_for()
        say(ab, "asked for")
        page.locator(".log__text", has_text="asked for").wait_for()
