"""Pages that help when something went wrong, also without database and broker."""

import pytest
import redis
from django.db import OperationalError
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from opsportal.kit.error_pages import server_error


def told_of(error: Exception) -> HttpResponse:
    try:
        raise error
    except type(error):
        return server_error(RequestFactory().get("/"))


@pytest.mark.parametrize(
    "error", [OperationalError("no connection"), redis.ConnectionError("refused"), redis.TimeoutError("late")]
)
def test_a_database_or_broker_that_is_away_is_said_to_be_away(error: Exception) -> None:
    answer = told_of(error)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "30"
    assert "nothing is lost" in answer.content.decode()


def test_a_defect_is_called_the_portals_own() -> None:
    answer = told_of(KeyError("secret=hunter2"))
    assert answer.status_code == 500
    assert "This is a defect of the portal" in answer.content.decode()
    assert "hunter2" not in answer.content.decode()


@pytest.mark.parametrize("name", ["500.html", "503.html", "403_csrf.html"])
def test_pages_of_last_resort_need_no_context(name: str) -> None:
    assert "<h1>" in render_to_string(name)


@pytest.mark.django_db
def test_who_types_a_slash_too_many_is_led_on_and_elsewhere_it_stays_not_found(client: Client) -> None:
    assert client.get("/tickets/?priority=high")["Location"] == "/tickets?priority=high"
    assert client.get("/tickets/12/")["Location"] == "/tickets/12"
    assert client.get("/tickets/approvals/")["Location"] == "/tickets/approvals"
    assert client.get("/", PATH_INFO="//evil.example/").status_code == 404
    assert client.get("/nothing/like/that/").status_code == 404


@pytest.mark.django_db
def test_a_browser_that_goes_back_never_takes_a_fragment_for_the_page(client: Client) -> None:
    assert "HX-Request" in client.get("/sign-in")["Vary"]
