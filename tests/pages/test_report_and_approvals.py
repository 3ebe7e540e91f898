"""Reporting, deciding on a phone, refining by keyboard and the clocks, in a real browser."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from opsportal.bugs import actions
from opsportal.bugs.models import Reached, Ticket
from opsportal.logs.lines import SECOND
from opsportal.logs.models import Entry
from tests.support import bugs, estate
from tests.support.browser import LOOKS, Look, check_every_look, look_at, open_page
from tests.support.logs import CHAINED, keep, lines_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESK, PHONE = LOOKS[0], Look(390, "light")
Opened = Callable[[str, str, Look], AbstractContextManager[Page]]


@pytest.fixture
def opened(browser: Browser, live_server: Any, cookies_of: Any) -> Opened:
    """A page of the portal as somebody sees it."""

    @contextmanager
    def make(username: str, address: str, look: Look) -> Iterator[Page]:
        with open_page(browser, look, cookies_of(bugs.person(username))) as page:
            page.goto(live_server.url + address)
            yield page

    return make


@pytest.fixture
def entry(transactional_db: None) -> Entry:
    """An error that ab printed a minute ago."""
    ab = estate.environment("ab")
    keep(ab, lines_of(CHAINED, at_ns=time.time_ns() - 60 * SECOND))
    return Entry.objects.get()


def test_from_an_error_in_the_log_to_a_ticket(opened: Opened, entry: Entry) -> None:
    bugs.person("pam")
    bugs.ticket(title="The admin fails: relation registrar_domain does not exist", environment="ab")
    with opened("ana", f"/environments/ab/logs/{entry.pk}", DESK) as page:
        page.get_by_role("link", name="Report a bug with this entry").click()
        expect(page.get_by_label("Title")).to_have_value(
            'django.db.utils.ProgrammingError: relation "registrar_domain" does not exist'
        )
        expect(page.locator("#alike")).to_contain_text("The admin fails")  # shown before anything was typed
        expect(page.locator("#evidence")).to_contain_text("ab runs feature/headline")
        page.get_by_label("What happens").fill("The list of domains answers 500.")
        page.get_by_label("What should happen").fill("It lists them.")
        expect(page.get_by_label("What breaks")).to_be_hidden()
        page.locator("label[for=id_priority_critical]").click()
        expect(page.get_by_text("consents: Pam Price.")).to_be_visible()
        page.get_by_label("What breaks").fill("No domain can be seen.")
        check_every_look(page, "report-critical")
        page.get_by_role("button", name="Report it").click()
        expect(page.get_by_role("alert")).to_contain_text("Please look at 2 fields again")
        expect(page.get_by_label("What breaks")).to_have_value("No domain can be seen.")
        page.get_by_label("For whom").fill("Every analyst")
        page.get_by_label("Since when").fill("The deploy of this morning")
        page.get_by_role("button", name="Report it").click()
        expect(page.get_by_text("it counts when Pam Price consents")).to_be_visible()
    ticket = Ticket.objects.latest("id")
    assert ticket.evidence["entries"][0]["url"].endswith(f"/logs/{entry.pk}")
    assert ticket.consents.get().for_whom == "Every analyst"


def test_a_chosen_file_stays_chosen_when_something_was_forgotten(opened: Opened, entry: Entry) -> None:
    with opened("ana", "/tickets/new?environment=ab", DESK) as page:
        page.get_by_label("Title").fill("The chart is empty")
        page.get_by_label("What happens").fill("No line is drawn.")
        page.get_by_label("What should happen").fill("One line for each week.")
        picture = {"name": "chart.png", "mimeType": "image/png", "buffer": bugs.png()}
        page.get_by_label("Screenshots and files").set_input_files(picture)
        page.evaluate(
            "document.querySelectorAll('#report [required]').forEach((each) => { each.required = false; })"
        )
        page.get_by_role("button", name="Report it").click()
        expect(page.get_by_role("alert")).to_be_focused()
        expect(page.locator("#files-words")).to_contain_text("chart.png")
        page.locator("label[for=id_priority_medium]").click()
        page.get_by_role("button", name="Report it").click()
        expect(page.get_by_text("is reported.")).to_be_visible()
    assert Ticket.objects.get().attachments.get().name == "chart.png"


def test_a_portal_that_is_away_is_said_and_costs_nothing_that_was_typed(opened: Opened, entry: Entry) -> None:
    def away(route: Any) -> None:
        route.fulfill(status=503, body="away")

    told_in_the_console_too = pytest.raises(AssertionError, match="Error Code 503")
    with told_in_the_console_too, opened("ana", "/tickets/new?environment=ab", DESK) as page:
        page.get_by_label("What happens").fill("No line is drawn.")
        page.get_by_label("What should happen").fill("One line for each week.")
        page.get_by_label("Title").fill("The chart")
        page.locator("label[for=id_priority_low]").click()
        page.route("**/tickets/new", away)
        page.get_by_role("button", name="Report it").click()
        expect(page.get_by_text("The portal answered 503.")).to_be_visible()
        page.unroute("**/tickets/new")
        page.get_by_role("button", name="Report it").click()
        expect(page.get_by_text("is reported.")).to_be_visible()


def test_what_was_typed_outlives_a_lost_session(opened: Opened, entry: Entry, cookies_of: Any) -> None:
    with opened("ana", "/tickets/new?environment=ab", DESK) as page:
        page.get_by_label("Title").fill("The chart is empty")
        page.get_by_label("What happens").fill("No line is drawn.")
        page.get_by_label("What should happen").fill("One line for each week.")
        page.locator("label[for=id_priority_low]").click()
        page.context.clear_cookies(name="sessionid")
        page.get_by_role("button", name="Report it").click()
        expect(page.get_by_label("Password")).to_be_visible()
        page.context.add_cookies(cookies_of(bugs.person("ana")))
        page.goto(page.url.partition("/sign-in")[0].rstrip("/") + "/tickets/new")
        expect(page.get_by_label("What should happen")).to_have_value("One line for each week.")
        page.get_by_role("button", name="Report it").click()
        expect(page.get_by_text("is reported.")).to_be_visible()
    assert Ticket.objects.get().priority == "low"


def test_duplicates_and_evidence_follow_what_is_typed_and_chosen(opened: Opened, entry: Entry) -> None:
    ticket = bugs.ticket(title="Sign-in loops on Firefox")
    with opened("ana", "/tickets/new", DESK) as page:
        page.get_by_label("Title").press_sequentially("sign-in loops")
        page.get_by_role("link", name="This is it").wait_for()
        page.get_by_label("Where").select_option("ab")
        expect(page.locator("#evidence")).to_contain_text("How ab is now")
        page.get_by_role("link", name="This is it").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(ticket.title)


def test_a_product_owner_decides_on_her_phone(opened: Opened, transactional_db: None) -> None:
    evidence = {"headline": "Stable runs v1.205.0; both instances are up.", "facts": [["Health", "Healthy"]]}
    ticket = bugs.proposed(title="Sign-in loops on Firefox", environment="stable", evidence=evidence)
    other = bugs.proposed(title="Invitations are not sent")
    with opened("pam", "/", PHONE) as page:
        expect(page.get_by_role("heading", name="Needs you (2)")).to_be_visible()
        check_every_look(page, "home-needs-you")
        page.get_by_role("link", name=f"Decide {ticket.key}").click()
        card = page.get_by_role("article", name=ticket.title)
        expect(card).to_contain_text("Requests are lost")
        boxes = [card.get_by_role("button", name=name).bounding_box() for name in ("Consent", "Decline")]
        assert all(boxes)
        assert (boxes[0]["width"], boxes[0]["height"]) == (boxes[1]["width"], boxes[1]["height"])  # type: ignore[index]
        check_every_look(page, "approvals")
        card.get_by_label("Reason").fill("Nobody gets in.")
        card.get_by_role("button", name="Consent").click()
        expect(page.get_by_text(f"{ticket.key} is Critical.")).to_be_visible()
        actions.decline(ticket=other, by=bugs.person("paul"), reason="Two people only.", priority="high")
        page.get_by_role("button", name="Consent").click()
        expect(page.get_by_role("alert")).to_contain_text("Paul Park declined")
    assert Ticket.objects.get(pk=ticket.pk).priority == "critical"


def test_others_see_the_cards_and_who_decides(opened: Opened, transactional_db: None) -> None:
    bugs.person("pam")
    bugs.proposed()
    with opened("tom", "/tickets/approvals", PHONE) as page:
        expect(page.get_by_role("button", name="Consent")).to_be_disabled()
        expect(page.get_by_role("article")).to_contain_text("Who can: Pam Price.")
        check_every_look(page, "approvals-others")


def test_the_meeting_goes_through_its_list_by_keyboard(opened: Opened, transactional_db: None) -> None:
    tickets = [bugs.ticket(title=f"Something is wrong with page {number}") for number in range(4)]
    with opened("lee", "/tickets/refinement", DESK) as page:
        check_every_look(page, "refinement")
        look_at(page, DESK)
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(page.get_by_role("link", name=tickets[1].title)).to_be_focused()
        page.keyboard.press("3")
        page.keyboard.type("It can come later.")
        page.keyboard.press("Enter")
        expect(page.get_by_text(f"{tickets[1].key} is Medium.")).to_be_visible()
        expect(page.get_by_role("link", name=tickets[1].title)).to_be_focused()
        page.keyboard.press("r")
        expect(page.get_by_text(f"{tickets[1].key} is refined.")).to_be_visible()
    changed = Ticket.objects.get(pk=tickets[1].pk)
    assert (changed.priority, changed.stage) == ("medium", "refined")


def test_on_a_phone_the_meeting_sees_one_ticket_at_a_time(opened: Opened, transactional_db: None) -> None:
    tickets = [bugs.ticket(title=f"Something is wrong with page {number}") for number in range(3)]
    with opened("tom", "/tickets/refinement", PHONE) as page:
        expect(page.get_by_role("link", name=tickets[0].title)).to_be_visible()
        expect(page.get_by_role("link", name=tickets[1].title)).to_be_hidden()
        page.get_by_role("link", name="Next").click()
        expect(page.get_by_role("link", name=tickets[1].title)).to_be_visible()
        page.get_by_role("button", name="Refined").click()
        expect(page.get_by_text(f"{tickets[1].key} is refined.")).to_be_visible()
        expect(page.get_by_role("link", name=tickets[2].title)).to_be_visible()


def test_clocks_can_be_read_by_everybody(opened: Opened, transactional_db: None) -> None:
    bugs.critical()
    ticket = bugs.ticket()
    began = timezone.now() - timedelta(days=9)
    Ticket.objects.filter(pk=ticket.pk).update(reported_at=began)
    Reached.objects.create(ticket=ticket, stage="on_stable", at=began + timedelta(days=4))
    with opened("ana", "/tickets/clocks", DESK) as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("How long bugs take")
        check_every_look(page, "clocks")
