"""What home says in one sentence, whom it offers a deploy, and where its search leads."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from opsportal.accounts.models import Person, Role
from opsportal.operations.models import State
from tests.support import estate

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NEVER = dict.fromkeys(
    ("deployed_commit", "deployed_ref", "platform_commit", "platform_ref", "app_commit", "app_ref"), ""
)
EMPTY: dict[str, Any] = {**NEVER, "app_guid": "", "health": "not_known", "deployed_at": None}
STOPPED: dict[str, Any] = {**NEVER, "health": "stopped", "instances_running": 0, "deployed_at": None}


@pytest.fixture
def ana() -> Person:
    return estate.person("ana", "Ana Alvarez", Role.ENGINEER)


def page(person: Person, address: str = "/") -> str:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client.get(address, follow=True).content.decode()


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda ana: estate.environment("ab"), "The one in use looks well."),
        (lambda ana: estate.environment("ab", **EMPTY), "1 environment holds nothing yet."),
        (lambda ana: estate.environment("ab", **STOPPED), "ab is stopped."),
        (lambda ana: estate.environment("ab", health="not_known"), "ab could not be looked at."),
        (
            lambda ana: estate.operation(estate.environment("ab", **EMPTY), ana, State.FAILED),
            "ab had its last operation fail.",
        ),
        (
            lambda ana: [estate.environment("ab"), estate.environment("cw", health="down")],
            "cw is not well.",
        ),
    ],
)
def test_the_headline_is_true(ana: Person, build: Callable[[Person], object], says: str) -> None:
    build(ana)
    assert f"<h1>{says}</h1>" in page(ana)


def test_the_headline_is_about_everything_whatever_is_searched_for(ana: Person) -> None:
    estate.environment("ab")
    estate.environment("cw", health="down")
    assert "<h1>cw is not well.</h1>" in page(ana, "/?q=ab")


def test_the_search_of_the_head_opens_the_environment_it_names(ana: Person) -> None:
    estate.environment("stable", "stable")
    assert "<h1>stable " in page(ana, "/?find=Stable")
    assert 'value="stab"' in page(ana, "/?find=stab")


def test_homes_search_finds_the_stations_too(ana: Person) -> None:
    estate.environment("stable", "stable")
    estate.environment("staging", "staging")
    found = page(ana, "/?q=stable")
    assert "card-stable" in found
    assert "card-staging" not in found
    assert "Look for another name" not in found


def test_a_deploy_is_offered_only_to_those_who_may(ana: Person) -> None:
    estate.environment("ab")
    petra = estate.person("petra", "Petra Pohl", Role.PRODUCT_OWNER)
    assert 'aria-label="Deploy to ab"' in page(ana)
    assert 'aria-label="Deploy to ab"' not in page(petra)
    assert "What would change?" in page(petra)


def test_what_is_being_brought_there_is_not_called_drift(ana: Person) -> None:
    ab = estate.environment("ab", drift="The platform runs another commit than Git says.")
    assert "has drifted" in page(ana)
    estate.operation(ab, ana, State.RUNNING)
    assert "has drifted" not in page(ana)
