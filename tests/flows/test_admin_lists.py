"""What Django's admin shows of people and the trail, and the lines that do by hand what the portal does."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from opsportal.accounts.models import Person, Role
from opsportal.audit import actions as audit
from opsportal.operations import equal_lines
from tests.support import estate

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def client() -> Client:
    ada = estate.person("ada", "Ada", Role.ADMIN)
    Person.objects.filter(pk=ada.pk).update(time_zone="Europe/Berlin")
    client = Client()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_trails_list_names_the_zone_and_shortens_identifiers_which_the_entry_has_whole(
    client: Client,
) -> None:
    target = str(uuid4())
    entry = audit.record(
        actor="ada",
        action="operation.request",
        target=target,
        target_kind="operation",
        reason="because " * 40,
    )
    listed = client.get(reverse("admin:audit_entry_changelist")).content.decode()
    assert f"operation.request {target[:8]}<" in listed
    assert target not in listed
    assert "because " * 40 not in listed
    assert "\N{NO-BREAK SPACE}CE" in listed
    whole = client.get(reverse("admin:audit_entry_change", args=[entry.pk])).content.decode()
    assert target in whole
    assert ("because " * 40).strip() in whole
    assert "\N{NO-BREAK SPACE}CE" in whole


def test_tables_that_stay_empty_are_not_in_the_admin(client: Client) -> None:
    assert {model._meta.app_label for model in admin.site._registry} == {
        "accounts",
        "audit",
        "bugs",
        "environments",
    }


def test_a_browser_that_asks_for_the_icon_finds_it() -> None:
    answer = Client().get("/favicon.ico")
    assert (answer.status_code, answer["Location"]) == (302, "/static/img/icon.svg")


@pytest.mark.parametrize(("is_local", "ends"), [(False, " --sso"), (True, " -a https://api.example.gov")])
def test_logging_in_by_hand_is_by_single_sign_on_except_on_the_local_cloud(
    settings: Any, is_local: bool, ends: str
) -> None:
    settings.CF_API_URL, settings.CF_IS_LOCAL = "https://api.example.gov", is_local
    first = equal_lines.log_in(estate.environment("ab"))[0]
    assert first.startswith("cf login -a https://api.example.gov")
    assert first.endswith(ends)
