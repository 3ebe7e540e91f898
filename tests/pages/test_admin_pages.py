"""The lists that admins and leads read, wide and narrow, by day and by night."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser

from opsportal.accounts.models import Person, Role
from opsportal.audit import actions as audit
from tests.support import estate
from tests.support.browser import LOOKS, check_every_look, open_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES: dict[str, Callable[[Person], str]] = {
    "audit": lambda adi: "/admin/audit/entry/",
    "audit-searched": lambda adi: "/admin/audit/entry/?q=ana&result__exact=refused",
    "people": lambda adi: "/admin/accounts/person/",
    "person": lambda adi: f"/admin/accounts/person/{adi.pk}/change/",
    "admin": lambda adi: "/admin/",
}


@pytest.fixture
def adi(transactional_db: None) -> Person:
    """An admin, and a trail with all that makes a list wide."""
    adi = estate.person("adi", "Adi Admin", Role.ADMIN, Role.ENGINEER)
    estate.person("ana", "Ana Alvarez", Role.ENGINEER)
    for number in range(12):
        audit.record(
            actor="ana" if number % 2 else "opsportal",
            action="operation.request",
            target=f"0f3c4d5e-{number:04}-4a6b-8c7d-9e0f1a2b3c4d",
            target_kind="operation",
            result="refused" if number % 3 == 0 else "done",
            reason="The release of Wednesday needs it, and Cleo asked for it in the channel." * (number % 2),
            origin="2001:db8:1234:5678:9abc:def0:1234:5678" if number % 4 == 0 else "203.0.113.17",
            details={"environment": "development", "headline": "Deploy main (1a2b3c4d)"},
        )
    return adi


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_read_what_admins_read(
    browser: Browser, live_server: Any, cookies_of: Any, adi: Person, name: str
) -> None:
    with open_page(browser, LOOKS[0], cookies_of(adi)) as page:
        answer = page.goto(live_server.url + PAGES[name](adi))
        assert answer is not None
        assert answer.status == 200
        check_every_look(page, f"admin-{name}")
