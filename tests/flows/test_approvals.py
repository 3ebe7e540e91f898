"""Approvals, refinement, clocks and what home says needs you: who sees what, who decides, and who was first."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from opsportal.accounts.models import Person
from opsportal.bugs import actions, queries
from opsportal.bugs.models import Consent, Event, Reached, Ticket
from opsportal.demo import people, tickets
from tests.support import bugs, estate

pytestmark = [pytest.mark.django_db, pytest.mark.database]

APPROVALS, REFINEMENT, CLOCKS = "/tickets/approvals", "/tickets/refinement", "/tickets/clocks"
OTHERS = ["ana", "lee", "dee", "ada", "tom"]


def signed_in(username: str) -> Client:
    client = Client()
    client.force_login(bugs.person(username), backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(username: str, address: str) -> str:
    answer = signed_in(username).get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def decide(username: str, ticket: Ticket, decision: str, **said: str):
    given = {"ticket": ticket.pk, "decision": decision, "reason": "", "priority": "high", **said}
    return signed_in(username).post(APPROVALS, given, follow=True)


def again(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


# --- approvals ----------------------------------------------------------------------------------------------


def test_a_card_says_everything_that_is_needed_to_decide() -> None:
    evidence = {"headline": "Stable runs v1.205.0.", "facts": [["Health", "Healthy"]], "entries": []}
    ticket = bugs.proposed(environment="stable", evidence=evidence)
    card = page("pam", APPROVALS)
    assert "One decision waits for you" in card
    for said in (
        ticket.title,
        *bugs.PROPOSAL.values(),
        "Ana Alvarez proposed Critical",
        "Stable runs v1.205.0.",
    ):
        assert said in card, said


def test_a_product_owner_consents() -> None:
    ticket = bugs.proposed()
    answer = decide("pam", ticket, "consent", reason="Requests are what we are for.")
    assert again(ticket).priority == "critical"
    assert "Nothing waits for a product owner" in answer.content.decode()
    assert "Requests are what we are for." in answer.content.decode()


def test_declining_asks_for_a_reason_and_keeps_what_was_chosen() -> None:
    ticket = bugs.proposed()
    refused = decide("pam", ticket, "decline", priority="low")
    said = refused.content.decode()
    assert refused.status_code == 422
    assert f'href="#id_{ticket.pk}_reason"' in said
    assert '<option value="low" selected>' in said
    decide("pam", ticket, "decline", priority="low", reason="It can wait.")
    assert again(ticket).priority == "low"


@pytest.mark.parametrize("username", OTHERS)
def test_nobody_else_decides_and_each_is_told_who_can(username: str) -> None:
    bugs.person("pam")
    ticket = bugs.proposed()
    seen = page(username, APPROVALS)
    assert "Only a product owner may consent to Critical. Who can: Pam Price." in seen
    assert 'name="decision"' not in seen
    assert decide(username, ticket, "consent").status_code == 403
    assert decide(username, ticket, "decline", reason="No.").status_code == 403
    assert again(ticket).consents.get().decision == ""


def test_the_second_product_owner_is_told_who_decided_what() -> None:
    ticket = bugs.proposed()
    decide("paul", ticket, "decline", reason="Only two people see it.")
    second = decide("pam", ticket, "consent")
    said = second.content.decode()
    assert second.status_code == 422
    assert f"{ticket.key}: Paul Park declined" in said
    assert "Only two people see it." in said
    assert again(ticket).priority == "high"


def test_what_was_decided_meanwhile_is_said_without_touching_the_page() -> None:
    ticket = bugs.proposed()
    since = re.search(r"since=([^\"]+)", page("pam", APPROVALS))
    assert since is not None
    decide("paul", ticket, "consent")
    bugs.proposed(title="Another one that breaks")
    news = signed_in("pam").get(f"{APPROVALS}?since={since[1]}", headers={"HX-Request": "true"})
    said = news.content.decode()
    assert "Paul Park consented" in said
    assert "1 more decision waits" in said
    assert "<html" not in said


@pytest.mark.parametrize("said", ["", "yesterday", "2026-99-99T00:00:00Z", "2026-11-23T00:00:00"])
def test_a_moment_that_is_none_tells_of_nothing(said: str) -> None:
    bugs.proposed()
    news = signed_in("pam").get(f"{APPROVALS}?since={said}", headers={"HX-Request": "true"})
    assert news.status_code == 200
    assert "Meanwhile" not in news.content.decode()


@pytest.mark.parametrize("number", ["", "x", "999999", "9" * 30, "-1"])
def test_a_decision_about_no_ticket_is_answered_with_words(number: str) -> None:
    answer = signed_in("pam").post(APPROVALS, {"ticket": number, "decision": "consent"}, follow=True)
    assert "There is no such ticket." in answer.content.decode()


def test_a_decision_is_one_of_two() -> None:
    ticket = bugs.proposed()
    answer = decide("pam", ticket, "maybe")
    assert "Say whether you consent or decline." in answer.content.decode()


@pytest.mark.parametrize("address", [APPROVALS, REFINEMENT, CLOCKS])
def test_who_has_no_role_sees_none_of_it(address: str) -> None:
    assert signed_in("stranger").get(address).status_code == 403


# --- refinement ---------------------------------------------------------------------------------------------


def refine(username: str, ticket: Ticket, do: str, **said: str):
    given = {"ticket": ticket.pk, "do": do, "priority": ticket.priority, "reason": "", **said}
    return signed_in(username).post(REFINEMENT, given)


def test_the_list_holds_what_the_meeting_has_to_talk_about() -> None:
    waits = bugs.ticket(title="The chart is empty")
    bugs.proposed(title="Somebody proposed Critical")
    done = bugs.ticket(title="Refined already")
    actions.refine(ticket=done, by=bugs.person("lee"))
    bugs.ticket(by="pam", title="Critical at once", priority="critical")
    said = page("tom", REFINEMENT)
    assert "1 ticket waits for refinement" in said
    assert waits.title in said
    for other in ("Somebody proposed Critical", "Refined already", "Critical at once"):
        assert other not in said


def test_refined_leads_to_the_next_ticket() -> None:
    first, second = bugs.ticket(title="First of all"), bugs.ticket(title="Second of all")
    answer = refine("ana", first, "refined")
    assert answer["Location"] == f"{REFINEMENT}?at={second.pk}"
    assert again(first).stage == "refined"
    assert re.search(rf'href="/tickets/{second.pk}" autofocus', page("ana", answer["Location"]))


def test_a_priority_changes_with_a_reason_that_is_kept() -> None:
    ticket = bugs.ticket()
    refused = refine("tom", ticket, "priority", priority="low")
    assert refused.status_code == 422
    assert again(ticket).priority == "high"
    refine("tom", ticket, "priority", priority="low", reason="After the launch.")
    assert again(ticket).priority == "low"
    assert Event.objects.get(kind="priority").details["reason"] == "After the launch."


def test_a_priority_that_was_chosen_counts_with_refined_too() -> None:
    ticket = bugs.ticket()
    refine("tom", ticket, "refined", priority="medium", reason="Next sprint.")
    assert (again(ticket).priority, again(ticket).stage) == ("medium", "refined")


def test_a_priority_without_a_reason_refines_nothing() -> None:
    ticket = bugs.ticket()
    refine("tom", ticket, "refined", priority="medium")
    assert again(ticket).stage == "triaged"


def test_critical_is_not_set_in_the_meeting_without_a_product_owner() -> None:
    ticket = bugs.ticket()
    answer = refine("lee", ticket, "priority", priority="critical", reason="I say so.")
    assert "Only a product owner sets Critical" in answer.content.decode()
    assert again(ticket).priority == "high"


def test_who_refines_second_is_told_so() -> None:
    ticket = bugs.ticket()
    refine("lee", ticket, "refined")
    assert "is refined already" in refine("tom", ticket, "refined").content.decode()


def test_a_long_list_costs_no_query_for_each_ticket() -> None:
    client = signed_in("lee")
    counted = []
    for number in range(8):
        bugs.ticket(title=f"Bug number {number}")
        if number in {1, 7}:
            with CaptureQueriesContext(connection) as seen:
                client.get(REFINEMENT)
            counted.append(len(seen))
    assert counted[0] == counted[1]


# --- clocks -------------------------------------------------------------------------------------------------


def test_clocks_are_summed_up_by_priority() -> None:
    ticket = bugs.ticket()
    began = timezone.now() - timedelta(days=9)
    Ticket.objects.filter(pk=ticket.pk).update(reported_at=began)
    Reached.objects.create(ticket=ticket, stage="on_stable", at=began + timedelta(days=4))
    said = page("ana", CLOCKS)
    assert "<strong>4 d</strong> median" in said
    assert "No clock of a Critical bug has stopped" in said


def test_the_clocks_say_first_what_a_critical_bug_takes() -> None:
    ticket = bugs.critical()
    Ticket.objects.filter(pk=ticket.pk).update(reported_at=timezone.now() - timedelta(days=3))
    Reached.objects.create(ticket=ticket, stage="on_stable")
    assert "stable within 3 d." in page("ana", CLOCKS)


def test_clocks_look_as_far_back_as_asked() -> None:
    ticket = bugs.ticket()
    Ticket.objects.filter(pk=ticket.pk).update(reported_at=timezone.now() - timedelta(days=60))
    assert "1 running" in page("ana", CLOCKS)
    assert "1 running" not in page("ana", f"{CLOCKS}?days=30")
    assert "last 90 days" in page("ana", f"{CLOCKS}?days=x")


# --- home ---------------------------------------------------------------------------------------------------


def test_home_says_what_needs_me_and_leads_there() -> None:
    ticket = bugs.proposed()
    said = page("pam", "/")
    assert "Needs you (1)" in said
    assert f'href="{APPROVALS}"' in said
    assert ticket.title in said
    assert "Needs you" not in page("dee", "/")


@pytest.mark.parametrize("username", ["pam", "lee", "ana", "tom"])
def test_home_stays_within_its_queries_however_much_needs_me(username: str) -> None:
    estate.repository()
    estate.operation(estate.environment("ab"), bugs.person("cleo"))
    for number in range(5):
        bugs.proposed(title=f"Breaks in another way {number}")
        bugs.refined(title=f"Waits for the lead {number}")
        bugs.late(title=f"Wants volunteers {number}")
        actions.take_review(ticket=bugs.late(title=f"Has one {number}"), by=bugs.person("dot"))
        bugs.pull(bugs.assigned(title=f"Is reviewed {number}"), number=number + 1)
    client = signed_in(username)
    client.get("/")
    with CaptureQueriesContext(connection) as seen:
        answer = client.get("/")
    assert "Needs you" in answer.content.decode()
    assert len(seen) <= 12, [each["sql"][:120] for each in seen]


def test_a_consent_that_is_given_needs_nobody_any_longer() -> None:
    ticket = bugs.proposed()
    actions.consent(ticket=ticket, by=bugs.person("pam"))
    assert Consent.objects.get().decision == "consented"
    assert "Needs you" not in page("paul", "/")


# --- the demo -----------------------------------------------------------------------------------------------


def test_the_demo_has_bugs_at_many_places_and_makes_them_once() -> None:
    people.seed("correct-horse-battery-staple")
    assert tickets.seed() == 9
    assert tickets.seed() == 0
    assert len(set(Ticket.objects.values_list("stage", flat=True))) >= 5
    assert Consent.objects.get(decision="").ticket.title == "Sign-in loops on Firefox"
    assert any(each.kind == "volunteer" for each in queries.needs(Person.objects.get(username="ana")))
    lately = timezone.now() - timedelta(minutes=2)
    assert not Event.objects.filter(at__gt=lately).exists()  # a team's tickets are not all a second old
