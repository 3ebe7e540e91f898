"""Notifications in a browser: readable by everybody, and an admin's test that arrives in the Slack inbox."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from opsportal.accounts.models import Person, Role
from opsportal.notifications.actions import tell
from opsportal.notifications.models import Message
from opsportal.notifications.words import EVENTS
from tests.contract.localcloud.control_plane import ESTATE, LocalCloud
from tests.support import estate
from tests.support.browser import LOOKS, check_every_look, open_page
from tests.support.slack import Workspace, portal_with, send

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    cloud = LocalCloud(tmp_path_factory.mktemp("slack"), ESTATE).start()
    yield Workspace(cloud)
    assert cloud.end() == 0


@pytest.fixture
def slack(workspace: Workspace, live_server: Any) -> Iterator[Workspace]:
    workspace.begin()
    with portal_with(workspace.url, PUBLIC_URL=live_server.url):
        yield workspace


@pytest.fixture
def gil(transactional_db: None) -> Person:
    return estate.person("gil", "Gil Duarte", Role.ADMIN)


def something_in_every_state(gil: Person) -> None:
    for number, state in enumerate(("waiting", "sent", "gathered", "unknown", "given_up")):
        event = list(EVENTS.values())[number]
        tell(event.name, topic="", key=state, values=event.example, url="/", to=[gil], groups=["dev"])
        error = "Slack does not accept the token. Set SLACK_TOKEN anew." if state == "given_up" else ""
        Message.objects.filter(key__endswith=f":{state}").update(state=state, error=error, attempts=3)


@pytest.mark.parametrize(
    "path",
    [
        "/notifications/",
        "/notifications/manage",
        "/notifications/manage/messages?state=given_up",
        "/notifications/manage/words",
    ],
)
def test_everybody_can_read(
    browser: Browser, live_server: Any, cookies_of: Any, gil: Person, slack: Workspace, path: str
) -> None:
    something_in_every_state(gil)
    with open_page(browser, LOOKS[0], cookies_of(gil)) as page:
        answer = page.goto(live_server.url + path)
        assert answer is not None
        assert answer.status == 200
        name = path.partition("?")[0].strip("/").replace("/", "-")
        check_every_look(page, name)


def test_an_admins_test_arrives_in_the_inbox_and_its_button_leads_back(
    browser: Browser, live_server: Any, cookies_of: Any, gil: Person, slack: Workspace
) -> None:
    with open_page(browser, LOOKS[2], cookies_of(gil)) as page:
        page.goto(f"{live_server.url}/notifications/manage")
        page.get_by_role("button", name="Send a test: Developers").click()
        page.get_by_text("A test is on its way.").wait_for()
        send()
        page.reload()
        page.get_by_text("Sent", exact=True).first.wait_for()
        page.get_by_role("link", name="Slack inbox").click()
        page.get_by_role("link", name="#dev").click()
        page.get_by_role("link", name="Stop following").click()
        page.get_by_role("link", name="Follow").wait_for()
        page.get_by_role("heading", name="A test from the portal").first.wait_for()
        check_every_look(page, "slack-inbox")
        page.get_by_role("link", name="Open the portal").first.click()
        page.get_by_role("heading", name="Notifications").wait_for()


def test_a_person_chooses_how_they_are_told(
    browser: Browser, live_server: Any, cookies_of: Any, gil: Person, slack: Workspace
) -> None:
    with open_page(browser, LOOKS[0], cookies_of(gil)) as page:
        page.goto(f"{live_server.url}/")
        page.get_by_role("link", name="Notifications").click()
        page.get_by_label("Holds").select_option("none")
        page.get_by_label("Slack member ID").fill("@gil")
        page.get_by_role("button", name="Keep").click()
        page.get_by_text("A Slack member ID looks like").first.wait_for()
        page.get_by_label("Slack member ID").fill("U024BE7LH")
        page.get_by_role("button", name="Keep").click()
        page.get_by_text("Kept how you are told.").wait_for()
        assert page.get_by_label("Holds").input_value() == "none"
