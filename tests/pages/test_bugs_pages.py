"""Tickets in a browser: read on a desk and on a phone, walked by keyboard, screenshots pasted, people chosen."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from opsportal.bugs import actions
from opsportal.bugs.models import Attachment, Ticket
from tests.support import bugs
from tests.support.browser import LOOKS, check_every_look, open_page, shoot

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EVIDENCE = {
    "headline": "stable is degraded: 1 of 2 instances runs v1.205.0",
    "facts": [["State", "Degraded"], ["Runs", "v1.205.0, commit 926cd59e"]],
    "entries": [
        {
            "at": "2026-11-23 13:05:09 UTC",
            "text": "Traceback (most recent call last):\nKeyError: 'organization'",
            "url": "/environments/stable/logs",
        }
    ],
}


def long_story() -> Ticket:
    """A ticket to which much has happened: edited, declined once, consented, assigned, in review, talked about."""
    bugs.everybody()
    made = bugs.proposed(environment="stable", evidence=EVIDENCE, steps="1. Sign in\n2. Submit")
    actions.decline(ticket=made, by=bugs.person("pam"), reason="Only a few are hit.", priority="medium")
    actions.propose_critical(ticket=made, by=bugs.person("tom"), **bugs.PROPOSAL)
    actions.consent(ticket=made, by=bugs.person("paul"), reason="Now everybody is.")
    version = bugs.again(made).version
    actions.edit(ticket=made, by=bugs.person("cleo"), version=version, happens="The last step answers `500`.")
    reviewers = [bugs.person("cleo"), bugs.person("dee")]
    actions.assign(ticket=made, by=bugs.person("lee"), engineer=bugs.person("ana"), reviewers=reviewers)
    bugs.pull(made, reviews=[bugs.review("cleo")])
    actions.attach(ticket=made, by=bugs.person("dee"), name="what I see.png", content=bugs.png(60, 40))
    words = f"**Seen** on Firefox too, @ana. See {made.key} and `a-very-long-name-{'x' * 80}`."
    actions.comment(ticket=made, by=bugs.person("dee"), body=words)
    return bugs.again(made)


def some_tickets() -> Ticket:
    """One in most stages."""
    bugs.late(title="Requests are lost", environment="stable")
    bugs.proposed(title="Sign-in loops on Firefox after the session has ended and nobody noticed for a while")
    bugs.ticket(by="dee", title="The menu overlaps", priority="low", environment="ab")
    return long_story()


PAGES: dict[str, tuple[Callable[[], Ticket | None], str, str]] = {
    "ticket-lead": (bugs.late, "lee", "/tickets/{n}"),
    "ticket-owner": (bugs.proposed, "pam", "/tickets/{n}"),
    "ticket-story": (long_story, "dee", "/tickets/{n}"),
    "ticket-edit": (bugs.ticket, "ana", "/tickets/{n}/edit"),
    "tickets": (some_tickets, "ana", "/tickets"),
    "tickets-board": (some_tickets, "ana", "/tickets?view=board"),
    "tickets-none": (lambda: None, "ana", "/tickets"),
}


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_read_tickets(browser: Browser, live_server: Any, cookies_of: Any, name: str) -> None:
    make, username, address = PAGES[name]
    made = make()
    with open_page(browser, LOOKS[0], cookies_of(bugs.person(username))) as page:
        answer = page.goto(live_server.url + address.format(n=made.pk if made else 0))
        assert answer is not None
        assert answer.status == 200
        check_every_look(page, name)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent"))


def test_a_list_is_walked_by_keyboard(browser: Browser, live_server: Any, cookies_of: Any) -> None:
    for name in ("first", "second", "third"):
        bugs.ticket(title=f"The {name} bug")
    with open_page(browser, LOOKS[0], cookies_of(bugs.person("ana"))) as page:
        page.goto(f"{live_server.url}/tickets?sort=old")
        for key, there in (("j", "first"), ("j", "second"), ("j", "third"), ("k", "second")):
            page.keyboard.press(key)
            assert there in focused(page)
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "find-text"
        page.keyboard.type("j third")
        page.wait_for_url(re.compile(r"text=j\+third&sort=old$"))
        page.locator("#find-text").fill("third")
        expect(page.get_by_role("status").filter(has_text="1 ticket")).to_be_visible()
        expect(page.get_by_role("link", name="Board")).to_have_attribute("href", re.compile("text=third"))
        page.locator("#find-text").blur()
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_contain_text("Next and previous ticket")
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        assert "third" in focused(page)
        page.keyboard.press("Enter")
        page.wait_for_url("**/tickets/*")
        expect(page.get_by_role("heading", level=1)).to_have_text("The third bug")
        page.keyboard.press("g")
        page.keyboard.press("t")
        page.wait_for_url("**/tickets")


PASTE = """async ([field, bytes]) => {
  const all = new DataTransfer();
  all.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
  const event = new ClipboardEvent("paste", { clipboardData: all, bubbles: true, cancelable: true });
  document.querySelector(field).dispatchEvent(event);
}"""


def test_a_pasted_screenshot_is_kept_with_the_comment(
    browser: Browser, live_server: Any, cookies_of: Any
) -> None:
    made = bugs.ticket()
    with open_page(browser, LOOKS[0], cookies_of(bugs.person("ana"))) as page:
        page.goto(f"{live_server.url}/tickets/{made.pk}")
        page.locator("#comment-body").fill("It looks like this.")
        for more in range(2):
            page.evaluate(PASTE, ["#comment-body", list(bugs.png(30 + more, 20))])
        expect(page.locator("[data-paste-words]")).to_contain_text("screenshot-")
        page.locator("#comment").get_by_role("button", name="Comment").click()
        page.wait_for_url("**#newest")
        expect(page.locator(".files img")).to_have_count(2)
        page.locator(".files img").first.scroll_into_view_if_needed()
        page.wait_for_function("document.querySelector('.files img').naturalWidth > 0")
    assert Attachment.objects.filter(ticket=made, content_type="image/png").count() == 2


def test_who_can_still_review_follows_who_is_chosen(
    browser: Browser, live_server: Any, cookies_of: Any
) -> None:
    bugs.everybody()
    made = bugs.refined()
    with open_page(browser, LOOKS[0], cookies_of(bugs.person("lee"))) as page:
        page.goto(f"{live_server.url}/tickets/{made.pk}")
        page.get_by_label("Ana Alvarez").first.focus()
        page.keyboard.press("Space")
        why = page.locator("#reviewers-impossible").get_by_text("nobody reviews their own fix")
        why.wait_for(state="attached")
        assert page.evaluate("document.activeElement.id") == "engineer-ana"
        page.locator("label[for=reviewers-dee]").click()
        page.locator("#reviewers-impossible").get_by_text("so is the other reviewer").wait_for(
            state="attached"
        )
        page.locator("#reviewers-impossible summary").click()
        shoot(page, "ticket-choosing", LOOKS[0])
        page.locator("label[for=reviewers-cleo]").click()
        page.locator("#reviewers-impossible").get_by_text("two are chosen").first.wait_for(state="attached")
        page.get_by_role("button", name="Assign").click()
        expect(page.get_by_text("Assigned; those who are new to it are told.")).to_be_visible()
    assert bugs.again(made).engineer == bugs.person("ana")


def test_a_product_owner_declines_on_a_phone(browser: Browser, live_server: Any, cookies_of: Any) -> None:
    made = bugs.proposed()
    phone = next(look for look in LOOKS if look.width < 640)
    with open_page(browser, phone, cookies_of(bugs.person("pam"))) as page:
        page.goto(f"{live_server.url}/tickets/{made.pk}")
        buttons = [page.get_by_role("button", name=name, exact=True) for name in ("Consent", "Decline")]
        boxes = [each.bounding_box() for each in buttons]
        assert all(boxes)
        assert len({(round(box["width"]), round(box["height"])) for box in boxes if box}) == 1
        buttons[1].click()
        expect(page.locator("#decline-reason-error")).to_be_visible()
        page.get_by_label("Reason").fill("Only a few are hit.")
        page.get_by_role("button", name="Decline", exact=True).click()
        expect(page.get_by_text("You declined; whoever proposed it is told why.")).to_be_visible()
    assert bugs.again(made).priority == "high"
