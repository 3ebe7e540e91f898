"""Reporting a bug: what is filled in by itself, what is refused and kept, who decides on Critical."""

import re
import time
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from opsportal.accounts.models import Person, Role
from opsportal.bugs.models import Consent, Ticket
from opsportal.environments.models import Environment
from opsportal.logs.lines import SECOND
from opsportal.logs.models import Entry
from opsportal.operations.models import State
from tests.support import estate
from tests.support.logs import CHAINED, access, keep, lines_of

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NEW = "/tickets/new"
PICTURE = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x02\x00\x00\x00\x02\x08\x02\x00\x00\x00" + b"\0" * 40
)
BUG: dict[str, Any] = {
    "title": "Sign-in loops on Firefox",
    "happens": "One is sent back to the sign-in page.",
    "should": "One is signed in.",
    "steps": "",
    "environment": "ab",
    "found_by": "end_user",
    "user_facing": "on",
    "priority": "high",
    "attach_evidence": "on",
}
WHY = {"breaks": "Nobody can sign in.", "for_whom": "Everybody on Firefox", "since": "This morning"}


@pytest.fixture
def ab() -> Environment:
    return estate.environment("ab")


@pytest.fixture
def pam() -> Person:
    return estate.person("pam", "Pam Price", Role.PRODUCT_OWNER)


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def ana() -> Client:
    return signed_in(estate.person("ana", "Ana Alvarez", Role.ENGINEER))


def an_error(environment: Environment, text: str = CHAINED) -> Entry:
    keep(environment, lines_of(text, at_ns=time.time_ns() - 60 * SECOND))
    return Entry.objects.latest("id")


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_report_becomes_a_ticket_with_what_was_so_then(ana: Client, ab: Environment) -> None:
    an_error(ab)
    answer = ana.post(NEW, BUG)
    ticket = Ticket.objects.get()
    assert answer["Location"] == reverse("bugs:ticket", args=[ticket.pk])
    assert (ticket.title, ticket.environment, ticket.priority) == (BUG["title"], "ab", "high")
    assert (ticket.found_by, ticket.user_facing) == ("end_user", True)
    assert ticket.evidence["headline"].startswith("ab runs feature/headline")
    assert [name for name, _ in ticket.evidence["facts"]][:2] == ["Health", "Runs"]
    assert "UndefinedTable" in ticket.evidence["entries"][0]["text"]


def test_the_router_s_line_says_first_what_it_means(ana: Client, ab: Environment) -> None:
    keep(ab, lines_of(access("/domain/12", 500, 0.25), at_ns=time.time_ns() - 60 * SECOND, layer="RTR"))
    ana.post(NEW, BUG)
    ticket = Ticket.objects.get()
    meaning, printed = ticket.evidence["entries"][0]["text"].split("\n")
    assert meaning == "GET /domain/12 → 500 in 250 ms"
    assert "HTTP/1.1" in printed
    assert f"<summary>{meaning}</summary>" in page(ana, f"/tickets/{ticket.pk}")


def test_evidence_can_be_left_out(ana: Client, ab: Environment) -> None:
    ana.post(NEW, {**BUG, "attach_evidence": ""})
    assert not Ticket.objects.get().evidence


def test_evidence_holds_no_secret_and_at_most_five_errors(ana: Client, ab: Environment) -> None:
    for number in range(8):
        an_error(ab, f"ERROR: could not log in, password=hunter2-{number} refused")
    ana.post(NEW, BUG)
    entries = Ticket.objects.get().evidence["entries"]
    assert len(entries) == 5
    assert "hunter2" not in str(entries)


def test_a_log_entry_fills_the_form_in_and_goes_with_the_ticket(ana: Client, ab: Environment) -> None:
    entry = an_error(ab)
    form = page(ana, f"{NEW}?environment=ab&entry={entry.pk}")
    title = "django.db.utils.ProgrammingError: relation &quot;registrar_domain&quot; does not exist"
    assert f'value="{title}"' in form
    assert '<option value="ab" selected>' in form
    ana.post(NEW, {**BUG, "entry": str(entry.pk)})
    assert Ticket.objects.get().evidence["entries"][0]["url"] == f"/environments/ab/logs/{entry.pk}"


@pytest.mark.parametrize(
    "address",
    ["?environment=nowhere", "?environment=ab&entry=999999", "?environment=ab&entry=x'", "?operation=%00"],
)
def test_an_address_that_names_nothing_opens_an_empty_form(
    ana: Client, ab: Environment, address: str
) -> None:
    assert "Report it" in page(ana, NEW + address)


def test_an_entry_of_another_environment_is_not_taken(ana: Client, ab: Environment) -> None:
    entry = an_error(estate.environment("cw"))
    assert "registrar_domain" not in page(ana, f"{NEW}?environment=ab&entry={entry.pk}")


def test_a_failed_operation_fills_the_form_in(ana: Client, ab: Environment) -> None:
    person = estate.person("cleo", "Cleo Chu", Role.ENGINEER)
    failed = estate.operation(ab, person, State.FAILED, problem="Staging failed: no requirements.")
    form = page(ana, f"{NEW}?environment=ab&operation={failed.pk}")
    assert "Deploy main (926cd59e): Staging failed: no requirements." in form


def test_what_was_typed_stays_when_something_is_missing(ana: Client, ab: Environment) -> None:
    picture = SimpleUploadedFile("loop.png", PICTURE, "image/png")
    answer = ana.post(NEW, {**BUG, "should": "", "files": picture})
    said = answer.content.decode()
    assert answer.status_code == 422
    assert 'href="#id_should"' in said
    assert BUG["happens"] in said
    assert "loop.png" in said  # a browser does not send it again by itself: that is said
    assert not Ticket.objects.exists()


def test_a_form_sent_in_its_place_answers_in_its_place(ana: Client, ab: Environment) -> None:
    htmx = {"HX-Request": "true"}
    refused = ana.post(NEW, {**BUG, "should": ""}, headers=htmx)
    assert refused.status_code == 200  # htmx shows no 4xx
    assert b"<html" not in refused.content
    assert b"Choose your files again" not in refused.content
    kept = ana.post(NEW, BUG, headers=htmx)
    assert kept["HX-Redirect"] == reverse("bugs:ticket", args=[Ticket.objects.get().pk])


def test_a_picture_goes_with_the_ticket(ana: Client, ab: Environment) -> None:
    ana.post(NEW, {**BUG, "files": SimpleUploadedFile("loop.png", PICTURE, "image/png")})
    assert [each.name for each in Ticket.objects.get().attachments.all()] == ["loop.png"]


def test_a_file_that_is_no_picture_is_refused_with_words(ana: Client, ab: Environment) -> None:
    answer = ana.post(NEW, {**BUG, "files": SimpleUploadedFile("x.png", b"<svg onload=1>\x00", "image/png")})
    assert answer.status_code == 422
    assert not Ticket.objects.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    ana: Client, ab: Environment, settings: Any
) -> None:
    settings.ATTACHMENT_MB = 0.00001
    answer = ana.post(NEW, {**BUG, "files": SimpleUploadedFile("loop.png", PICTURE, "image/png")})
    assert "a file may have" in answer.content.decode()


def test_sending_a_form_twice_makes_one_ticket(ana: Client, ab: Environment) -> None:
    once = {**BUG, "once": "4fd1c3a8-6b52-4b0e-9d6e-0d3d0a6c4a11"}
    first, second = ana.post(NEW, once), ana.post(NEW, once)
    assert first["Location"] == second["Location"]
    assert Ticket.objects.count() == 1


def test_critical_by_an_engineer_needs_the_three_answers_and_consent(
    ana: Client, ab: Environment, pam: Person
) -> None:
    critical = {**BUG, "priority": "critical"}
    refused = ana.post(NEW, critical).content.decode()
    assert all(f'href="#id_{name}"' in refused for name in WHY)
    answer = ana.post(NEW, critical | WHY, follow=True)
    assert "it counts when Pam Price consents" in answer.content.decode()
    assert Ticket.objects.get().priority == "high"
    assert Consent.objects.get().breaks == WHY["breaks"]


def test_critical_by_a_product_owner_counts_at_once(ab: Environment, pam: Person) -> None:
    signed_in(pam).post(NEW, {**BUG, "priority": "critical"})
    assert Ticket.objects.get().priority == "critical"
    assert not Consent.objects.filter(decision="").exists()


def test_the_form_names_who_decides_on_critical(ana: Client, ab: Environment, pam: Person) -> None:
    assert "when a product owner consents: Pam Price." in page(ana, NEW)
    assert "by your word it is Critical at once" in page(signed_in(pam), NEW)


def test_likely_duplicates_show_while_one_types(ana: Client, ab: Environment) -> None:
    ana.post(NEW, BUG)
    ticket = Ticket.objects.get()
    found = ana.post(f"{NEW}/alike", {"title": "Firefox: the sign-in page loops"}).content.decode()
    assert f'href="{reverse("bugs:ticket", args=[ticket.pk])}"' in found
    assert "This is it" in found
    nothing = ana.post(f"{NEW}/alike", {"title": "Colours of the chart"}).content.decode()
    assert "This is it" not in nothing


def test_a_good_title_finds_its_like_whatever_was_filled_in_below(ana: Client, ab: Environment) -> None:
    ana.post(NEW, BUG)
    happens = "Internal Server Error: ValueError raised in registrar views, handlers, middleware, decorators"
    sent = {"title": "Firefox: the sign-in page loops", "happens": happens}
    assert ana.post(f"{NEW}/alike", sent).content.decode().count("This is it") == 1


def test_without_scripts_duplicates_and_evidence_are_a_click_away(ana: Client, ab: Environment) -> None:
    ana.post(NEW, BUG)
    looked = ana.post(NEW, {"title": BUG["title"], "environment": "ab", "look": "1"}).content.decode()
    assert "This is it" in looked
    assert "How ab is now" in looked
    box = re.search(r'<input[^>]*name="user_facing"[^>]*>', looked)
    assert box is not None
    assert "checked" not in box[0]  # what was taken away stays away
    assert Ticket.objects.count() == 1


def test_evidence_follows_the_chosen_environment(ana: Client, ab: Environment) -> None:
    estate.environment("cw", health="down", instances_running=0)
    part = ana.post(f"{NEW}/evidence", {"environment": "cw"}).content.decode()
    assert "How cw is now" in part
    assert "should run" in part


def test_who_has_no_role_may_not_report() -> None:
    sam = signed_in(estate.person("sam", "Sam Stranger"))
    assert sam.get(NEW).status_code == 403
    assert sam.post(NEW, BUG).status_code == 403
    assert not Ticket.objects.exists()


def test_hostile_words_are_shown_as_words(ana: Client, ab: Environment) -> None:
    ana.post(NEW, {**BUG, "title": "<script>alert(1)</script> sign-in loops"})
    found = ana.post(f"{NEW}/alike", {"title": "script alert sign-in loops"}).content.decode()
    assert "<script>" not in found


@pytest.mark.parametrize("address", ["/environments/ab/", "/environments/ab/wrong"])
def test_a_bug_is_reported_from_where_it_was_seen(ana: Client, ab: Environment, address: str) -> None:
    assert f"{NEW}?environment=ab" in page(ana, address)


def test_an_entry_of_the_log_leads_to_a_ticket(ana: Client, ab: Environment) -> None:
    entry = an_error(ab)
    wanted = f"{NEW}?environment=ab&amp;entry={entry.pk}"
    assert wanted in page(ana, "/environments/ab/logs/?level=error")
    assert wanted in page(ana, f"/environments/ab/logs/{entry.pk}")


def test_a_failed_operation_leads_to_a_ticket(ana: Client, ab: Environment) -> None:
    cleo = estate.person("cleo", "Cleo Chu", Role.ENGINEER)
    failed = estate.operation(ab, cleo, State.FAILED, problem="It failed.")
    assert f"{NEW}?environment=ab&amp;operation={failed.pk}" in page(ana, f"/operations/{failed.pk}/")
