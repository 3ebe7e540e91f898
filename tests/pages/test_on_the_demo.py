"""The main jobs, as a newcomer does them, on the demo that one command starts; it is started once for all of them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from opsportal.demo.story.branches import BUILD_FAILS
from tests.support import demo as on
from tests.support.browser import LOOKS, Look, check_every_look, open_page, shoot
from tests.support.demo import A_WHILE_MS, Demo, person, sign_in

pytestmark = [pytest.mark.browser]

DESK, PHONE = LOOKS[0], Look(390, "light")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo as it is when it was just started; its facts."""
    with on.running(tmp_path_factory.mktemp("demo") / "data") as facts:
        yield facts


@pytest.fixture(scope="module")
def ready(demo: Demo) -> Demo:
    """The same, with main running on cw and its database migrated."""
    wish = ("deploy", "cw", "--set", "branch=main", "--set", "migrate=yes", "--as", "ana", "--wait")
    on.manage(demo, "operate", *wish)
    return demo


def test_a_newcomer_deploys_a_branch_and_opens_the_application_at_its_commit(
    browser: Browser, demo: Demo
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


def test_what_runs_is_on_home_and_its_three_witnesses_agree(browser: Browser, demo: Demo) -> None:
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


def test_a_build_that_fails_is_told_with_its_cause_and_what_to_do(browser: Browser, demo: Demo) -> None:
    with open_page(browser, LOOKS[0]) as page:
        sign_in(page, demo, "designer")
        page.goto(f"{demo['portal']}/environments/es/deploy?ref={BUILD_FAILS}&ref_kind=branch")
        page.get_by_role("button", name="Deploy to es").click()
        page.get_by_text("What to do:").wait_for(timeout=A_WHILE_MS)
        assert page.title().startswith("Failed: ")
        assert page.locator(".last-words").inner_text().strip()
        assert page.get_by_role("button", name="Retry from this step").is_enabled()
        check_every_look(page, "journey-failed")


def test_only_the_portal_deploys_to_stable(browser: Browser, demo: Demo) -> None:
    with open_page(browser, LOOKS[1]) as page:
        sign_in(page, demo, "admin")
        page.goto(f"{demo['portal']}/environments/stable/")
        page.get_by_text("Only tagged releases come here").first.wait_for()
        page.get_by_role("link", name="What would a deploy change?").click()
        page.locator(".refs a").first.click()
        assert page.get_by_role("button", name="Deploy to stable").get_attribute("aria-disabled") == "true"


def test_a_chore_is_one_click_and_can_be_undone_before_it_begins(browser: Browser, ready: Demo) -> None:
    with open_page(browser, LOOKS[0]) as page:
        sign_in(page, ready, "engineer")
        page.goto(f"{ready['portal']}/environments/cw/")
        page.get_by_role("button", name="Migrate", exact=True).click()
        page.get_by_text("until then nothing has changed").wait_for()
        shoot(page, "journey-undo", LOOKS[0])  # one look alone: ten seconds are soon over
        page.get_by_role("button", name="Undo").click()
        page.get_by_text("It was stopped by").wait_for()


def test_a_task_shows_what_it_printed_and_how_it_ended(browser: Browser, ready: Demo) -> None:
    with open_page(browser, LOOKS[0]) as page:
        sign_in(page, ready, "engineer")
        page.goto(f"{ready['portal']}/environments/cw/do/run_task")
        page.get_by_label("Command").fill("echo eleven; exit 11")
        page.get_by_role("button", name="Run task on cw").click()
        page.get_by_text("Exited with status 11").first.wait_for(timeout=A_WHILE_MS)
        page.locator(".line", has_text="eleven").last.wait_for()


def test_a_reset_wants_the_name_and_then_flushes_migrates_and_loads_in_turn(
    browser: Browser, ready: Demo
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


#: What is asked for at once: environment, kind, and what is chosen or typed by the field's name.
Wish = tuple[str, str, dict[str, str]]
AT_ONCE: tuple[Wish, ...] = (
    ("development", "load_fixtures", {}),
    ("staging", "copy_database", {"confirmed": "staging"}),
    ("cw", "clear_sessions", {}),
    ("cw", "create_cache_table", {}),
    ("cw", "restart", {}),
    ("cw", "restage", {}),
    ("cw", "scale", {"memory": "192"}),
)
AFTERWARDS: tuple[Wish, ...] = (("cw", "recreate_database", {"confirmed": "cw"}), ("cw", "roll_back", {}))


def asked(page: Page, demo: Demo, environment: str, kind: str, given: dict[str, str]) -> str:
    """Ask for an operation on its own page; the address of what came of it."""
    page.goto(f"{demo['portal']}/environments/{environment}/do/{kind}")
    for name, value in given.items():
        field = page.locator(f"main [name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.locator("main form.stack button[type=submit]").click()
    page.wait_for_url("**/operations/**")
    return page.url


def succeeded(page: Page, address: str) -> None:
    """It ends well, and what it printed stands on its page."""
    page.goto(address)
    page.locator(".head").get_by_text("It took").wait_for(timeout=A_WHILE_MS)
    assert page.title().startswith("Succeeded"), page.locator("main").inner_text()
    assert page.locator("[data-n]").count() > 0, page.title()


def test_every_chore_is_asked_for_in_the_browser_and_what_it_printed_is_read(
    browser: Browser, ready: Demo
) -> None:
    with person(browser, ready, "dana") as page:
        succeeded(page, asked(page, ready, "dk", "promote", {"from": "cw"}))
        for address in [asked(page, ready, *each) for each in AT_ONCE]:
            succeeded(page, address)
        for each in AFTERWARDS:
            succeeded(page, asked(page, ready, *each))
        page.goto(f"{ready['portal']}/environments/cw/hold")
        page.get_by_text("rolled back").first.wait_for()
        page.get_by_role("button", name="Release cw").click()
        page.get_by_text("cw is released").wait_for()


def test_what_is_held_says_by_whom_and_why_until_it_is_released(browser: Browser, ready: Demo) -> None:
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


def test_what_may_be_wrong_is_gathered_on_one_page(browser: Browser, ready: Demo) -> None:
    with open_page(browser, LOOKS[0]) as page:
        sign_in(page, ready, "engineer")
        page.goto(f"{ready['portal']}/environments/cw/wrong")
        page.get_by_role("heading", name="Migrations Applied").wait_for(timeout=A_WHILE_MS)
        check_every_look(page, "journey-wrong")


# --- the journey of a bug -----------------------------------------------------------------------------------

TITLE = "The page for raising errors answers 500"
BREAKS = "Nobody can see what an error looks like."


def test_a_bug_goes_from_an_error_in_the_log_to_a_merged_fix(
    browser: Browser, ready: Demo, tmp_path: Path
) -> None:
    on.manage(
        ready, "create_person", "paul", "--name", "Paul Park", "--role", "product_owner",
        typed=on.password(ready),
    )  # fmt: skip
    ticket = reported_from_its_error(browser, ready)
    decided_by_one_of_two(browser, ready, ticket)
    assigned_as_the_rules_allow(browser, ready, ticket)
    pull = in_review_by_its_pull_request(browser, ready, ticket, tmp_path)
    approved_and_merged(browser, ready, ticket, pull)


def reported_from_its_error(browser: Browser, ready: Demo) -> str:
    """An engineer makes a ticket of what the sandbox printed, proposed Critical; its address."""
    with person(browser, ready, "ana") as page:
        page.goto(f"{ready['portal']}/environments/cw/")
        page.get_by_role("link", name="Open the application").click()
        page.get_by_text("Manage your .gov domains").first.wait_for()
        page.goto(f"{page.url}raise")
        errors = f"{ready['portal']}/environments/cw/logs?level=error"
        on.loaded_until(page, errors, page.locator("summary", has_text="RuntimeError"))
        page.locator("summary", has_text="RuntimeError").first.click()
        page.get_by_role("link", name="Report a bug", exact=True).first.click()
        page.get_by_label("Title").fill("The sign-in loops")
        page.get_by_role("link", name="This is it").first.wait_for()
        shoot(page, "bug-alike", DESK)
        page.get_by_label("Title").fill(TITLE)
        page.get_by_label("What happens").fill("Instead of the page there is an error.")
        page.get_by_label("What should happen").fill("It says what to do.")
        page.locator("label[for=id_user_facing]").click()  # so that a designer cannot review it
        page.locator("label[for=id_priority_critical]").click()
        page.get_by_label("What breaks").fill(BREAKS)
        page.get_by_label("For whom").fill("Everybody who learns to read logs")
        page.get_by_label("Since when").fill("The deploy of today")
        shoot(page, "bug-report", DESK)
        page.get_by_role("button", name="Report it").click()
        page.wait_for_url(re.compile(r"/tickets/\d+$"))
        expect(page.locator(".lead")).to_contain_text("consent to Critical, or decline")
        shoot(page, "bug-reported", DESK)
        return page.url


def decided_by_one_of_two(browser: Browser, ready: Demo, ticket: str) -> None:
    """Two product owners have the same card open; the one on her phone is first, the other is told so."""
    approvals = f"{ready['portal']}/tickets/approvals"
    with person(browser, ready, "priya", PHONE) as phone, person(browser, ready, "paul") as desk:
        desk.goto(approvals)
        phone.get_by_role("link", name=f"Decide BUG-{number_of(ticket)}").click()
        card = phone.locator(f"#decide-{number_of(ticket)}")
        expect(card).to_contain_text(BREAKS)
        shoot(phone, "bug-consent", PHONE)
        card.get_by_role("button", name="Consent").click()
        expect(phone.get_by_text(f"BUG-{number_of(ticket)} is Critical.")).to_be_visible()
        shoot(phone, "bug-consented", PHONE)
        desk.locator(f"#decide-{number_of(ticket)}").get_by_role("button", name="Consent").click()
        expect(desk.get_by_role("alert")).to_contain_text(f"BUG-{number_of(ticket)}: Priya Nair consented")
        shoot(desk, "bug-consented-second", DESK)
    with open_page(browser, DESK) as page:
        asked = on.slack_thread(page, ready, "#product", f"is BUG-{number_of(ticket)}")
        expect(asked).to_contain_text(BREAKS)
        shoot(page, "bug-slack-product", DESK)


def number_of(ticket: str) -> str:
    """Its number, from its address."""
    return ticket.rpartition("/")[2]


def choose(page: Page, which: str) -> None:
    """Tick it, and see who can still be chosen beside it."""
    with page.expect_response("**/choices?*"):
        page.locator(f"label[for={which}]").click()


def assigned_as_the_rules_allow(browser: Browser, ready: Demo, ticket: str) -> None:
    """The lead sees who cannot review and why; what is sent against it is refused with words; then it is right."""
    with person(browser, ready, "dana", java_script_enabled=False) as page:
        page.goto(ticket)
        shoot(page, "bug-to-assign", DESK)
        for name in ("engineer-ana", "reviewers-ana", "reviewers-cleo"):
            page.locator(f"label[for={name}]").click()
        page.get_by_role("button", name="Assign", exact=True).click()
        expect(page.get_by_role("alert").first).to_contain_text("nobody reviews their own fix")
        shoot(page, "bug-refused", DESK)
    with person(browser, ready, "dana") as page:
        page.goto(ticket)
        choose(page, "engineer-ana")
        cannot = page.locator("#reviewers-impossible")
        expect(cannot).to_contain_text("Ana Brandt is the engineer")
        cannot.locator("summary").click()
        expect(cannot.get_by_text("Esme Sato is a designer")).to_be_visible()
        choose(page, "reviewers-cleo")
        choose(page, "reviewers-dana")
        shoot(page, "bug-assigning", DESK)
        page.get_by_role("button", name="Assign", exact=True).click()
        expect(page.locator(".lead")).to_contain_text("Ana Brandt: open a pull request")
        shoot(page, "bug-assigned", DESK)


def in_review_by_its_pull_request(browser: Browser, ready: Demo, ticket: str, directory: Path) -> str:
    """A pull request names the ticket: it is in review by itself, and both reviewers are told in Slack."""
    branch = f"bug-{number_of(ticket)}-say-what-to-do"
    on.push_branch(ready, directory, branch)
    with person(browser, ready, "cleo") as page:
        pull = on.open_pull_request(page, ready, by="ana", branch=branch, title="Say what to do")
        on.loaded_until(page, ticket, page.locator("[aria-current=step]", has_text="In review"))
        expect(page.locator(".lead")).to_contain_text("Cleo Wong and Dana Kim: review the pull request")
        shoot(page, "bug-in-review", DESK)
        for reviewer in ("@cleo", "@dana"):
            waits = f"Your review is waited for: BUG-{number_of(ticket)}"
            thread = on.slack_thread(page, ready, reviewer, waits)
            expect(thread.get_by_role("link", name="Review", exact=True)).to_have_attribute("href", ticket)
        shoot(page, "bug-slack-review", DESK)
    return pull


def approved_and_merged(browser: Browser, ready: Demo, ticket: str, pull: str) -> None:
    """Both reviewers approve and the engineer merges on GitHub; the ticket's path follows."""
    with person(browser, ready, "ana") as page:
        on.on_github(page, pull, "Approve", by="cleo")
        waits = page.locator(".lead", has_text="Dana Kim: review the pull request")
        on.loaded_until(page, ticket, waits)
        on.on_github(page, pull, "Approve", by="dana")
        on.loaded_until(page, ticket, page.locator("[aria-current=step]", has_text="Approved"))
        expect(page.locator(".lead")).to_contain_text("Ana Brandt: merge it")
        on.on_github(page, pull, "Merge", by="ana")
        shoot(page, "bug-github-merged", DESK)
        on.loaded_until(page, ticket, page.locator("[aria-current=step]", has_text="Merged"))
        shoot(page, "bug-merged", DESK)


def test_a_declined_critical_has_another_priority_and_says_why(browser: Browser, ready: Demo) -> None:
    with person(browser, ready, "priya", PHONE) as phone, person(browser, ready, "theo") as desk:
        phone.goto(f"{ready['portal']}/tickets/approvals")
        desk.clock.install()
        desk.goto(f"{ready['portal']}/tickets/approvals")
        card = phone.get_by_role("article", name="Sign-in loops on Firefox")
        card.get_by_role("button", name="Decline").click()
        expect(card.get_by_text("Say a reason.", exact=True)).to_be_visible()
        shoot(phone, "bug-decline-why", PHONE)
        card.get_by_label("Reason").fill("Chrome works, and the help page says so.")
        card.get_by_label("Priority when declined").select_option("medium")
        card.get_by_role("button", name="Decline").click()
        expect(phone.get_by_text("is Medium.")).to_be_visible()
        desk.clock.fast_forward(15_000)  # it asks for news by itself
        desk.locator("#meanwhile", has_text="Priya Nair declined").wait_for()
        shoot(desk, "bug-declined-meanwhile", DESK)
        on.slack_thread(desk, ready, "@theo", "is not Critical: Priya Nair declined")


def test_when_the_lead_is_late_the_first_engineer_has_it_and_the_second_is_told(
    browser: Browser, ready: Demo
) -> None:
    with person(browser, ready, "cleo") as first, person(browser, ready, "ana", PHONE) as second:
        for page in (first, second):
            page.goto(f"{ready['portal']}/tickets?text=New+domain+requests")
            page.get_by_role("link", name="New domain requests cannot be submitted").click()
            page.get_by_role("heading", name="Your move: take it").wait_for()
        shoot(first, "bug-volunteers", DESK)
        first.get_by_role("button", name="I take it").click()
        expect(first.get_by_text("It is yours.")).to_be_visible()
        shoot(first, "bug-taken", DESK)
        second.get_by_role("button", name="I take it").click()
        expect(second.get_by_role("alert")).to_contain_text("Cleo Wong")
        shoot(second, "bug-taken-second", PHONE)
        second.get_by_role("button", name="I review it").click()
        expect(second.get_by_text("You review it.")).to_be_visible()
        shoot(second, "bug-reviewed", PHONE)
