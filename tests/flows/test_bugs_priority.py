"""Reporting, priority and the product owner's word (product.md, Bug tickets)."""

import pytest

from opsportal.accounts.rules import Refused
from opsportal.audit.models import Entry
from opsportal.bugs import actions, queries
from opsportal.bugs.errors import BadTicket, NotNow, Stale
from opsportal.bugs.models import Ticket
from opsportal.notifications.models import Message
from tests.support import bugs

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def _slack(settings):
    settings.SLACK_API_URL, settings.SLACK_TOKEN = "http://127.0.0.1:9/api", "xoxb-none"
    settings.SLACK_CHANNEL_DEV, settings.SLACK_CHANNEL_PRODUCT = "#dev", "#product"


def told(event):
    """To whom an event was written into the outbox."""
    rows = Message.objects.filter(event=event).select_related("person")
    return {row.person.username if row.person else f"#{row.group}" for row in rows}


@pytest.mark.parametrize("priority", ["high", "medium", "low"])
def test_a_bug_has_its_priority_at_once_and_waits_for_refinement(priority):
    ticket = bugs.ticket(priority=priority)

    assert (ticket.priority, ticket.stage) == (priority, "triaged")
    assert list(queries.for_refinement()) == [ticket]
    assert Entry.objects.get(action="ticket.report").target == ticket.key


def test_critical_by_a_product_owner_counts_at_once_and_is_refined_with_it():
    bugs.person("lee")
    ticket = bugs.ticket(by="pam", priority="critical")

    assert (ticket.priority, ticket.stage) == ("critical", "refined")
    assert not queries.for_refinement()
    assert told("critical_created") == {"#dev", "lee"}
    assert told("consent_asked") == set()


def test_critical_by_anybody_else_is_proposed_and_high_until_consent():
    bugs.everybody()
    ticket = bugs.proposed(by="dee")

    assert (ticket.priority, ticket.stage) == ("high", "reported")
    assert [each.ticket for each in queries.waiting_consents()] == [ticket]
    assert told("consent_asked") == {"pam", "paul", "#product"}
    assert "#dev" in told("critical_created")
    assert not queries.for_refinement()


def test_a_proposal_says_what_breaks_for_whom_and_since_when():
    with pytest.raises(BadTicket) as bad:
        bugs.ticket(priority="critical", breaks="It breaks", for_whom=" ")

    assert bad.value.fields.keys() == {"for_whom", "since"}
    assert not Ticket.objects.exists()


def test_consent_makes_it_critical_and_tells_whose_move_it_is():
    bugs.everybody()
    ticket = bugs.proposed(by="dee")

    actions.consent(ticket=ticket, by=bugs.person("paul"), reason="Elections are near.")

    ticket = bugs.again(ticket)
    assert (ticket.priority, ticket.stage) == ("critical", "refined")
    assert told("consent_given") == {"dee", "lee", "#dev", "#product"}
    assert Entry.objects.get(action="ticket.consent").reason == "Elections are near."


def test_declining_needs_a_reason_and_another_priority():
    ticket, pam = bugs.proposed(), bugs.person("pam")

    for reason, priority, field in (
        ("", "low", "reason"),
        ("No.", "critical", "priority"),
        ("No.", "", "priority"),
    ):
        with pytest.raises(BadTicket) as bad:
            actions.decline(ticket=ticket, by=pam, reason=reason, priority=priority)
        assert field in bad.value.fields
    actions.decline(ticket=ticket, by=pam, reason="There is a way around it.", priority="medium")

    ticket = bugs.again(ticket)
    assert (ticket.priority, ticket.stage) == ("medium", "triaged")
    assert list(queries.for_refinement()) == [ticket]
    assert "ana" in told("consent_declined")


def test_whoever_comes_second_reads_who_decided_and_why():
    ticket = bugs.proposed()
    actions.decline(ticket=ticket, by=bugs.person("pam"), reason="A way around.", priority="low")

    with pytest.raises(NotNow, match=r"Pam Price declined just now: A way around\."):
        actions.consent(ticket=ticket, by=bugs.person("paul"))


def test_a_product_owner_who_sets_a_priority_decides_what_was_asked():
    ticket = bugs.proposed()

    actions.set_priority(ticket=ticket, by=bugs.person("pam"), priority="critical", reason="It spreads.")

    assert bugs.again(ticket).priority == "critical"
    assert not queries.waiting_consents()


def test_nobody_else_changes_the_priority_while_it_is_asked_for():
    ticket = bugs.proposed()

    with pytest.raises(NotNow, match="a product owner decides first"):
        actions.set_priority(ticket=ticket, by=bugs.person("eve"), priority="low", reason="Not so bad.")


@pytest.mark.parametrize("priority", ["critical", "urgent", "high"])
def test_a_priority_that_cannot_be_set_is_told_at_its_field(priority):
    with pytest.raises(BadTicket) as bad:
        actions.set_priority(ticket=bugs.ticket(), by=bugs.person("eve"), priority=priority, reason="x")

    assert bad.value.fields.keys() == {"priority"}


def test_critical_may_be_proposed_again_after_it_was_declined_or_taken_back():
    ticket = bugs.proposed(by="eve")
    actions.withdraw(ticket=ticket, by=bugs.person("eve"))
    assert (bugs.again(ticket).priority, bugs.again(ticket).stage) == ("high", "triaged")
    actions.propose_critical(ticket=ticket, by=bugs.person("ana"), **bugs.PROPOSAL)
    actions.decline(ticket=ticket, by=bugs.person("pam"), reason="No.", priority="low")
    actions.propose_critical(ticket=ticket, by=bugs.person("tom"), **bugs.PROPOSAL)

    assert bugs.again(ticket).priority == "high"
    with pytest.raises(NotNow, match="Tom Tran proposed Critical already"):
        actions.propose_critical(ticket=ticket, by=bugs.person("ana"), **bugs.PROPOSAL)


def test_who_changed_a_priority_when_and_why_is_kept():
    ticket = bugs.ticket()

    actions.set_priority(ticket=ticket, by=bugs.person("tom"), priority="low", reason="Nobody is hit.")

    last = queries.timeline(ticket)[-1]
    assert (last.actor_name, last.words, last.why) == (
        "Tom Tran", "changed the priority from High to Low", "Nobody is hit.",
    )  # fmt: skip


def test_an_edit_keeps_what_was_said_before_and_cannot_touch_the_priority():
    ticket = bugs.ticket()

    actions.edit(ticket=ticket, by=bugs.person("tom"), version=ticket.version, title="Requests are lost")

    details = queries.timeline(ticket)[-1].details
    assert details["fields"] == {"title": ["Nobody can submit a domain request", "Requests are lost"]}
    with pytest.raises(TypeError):
        actions.edit(ticket=ticket, by=bugs.person("tom"), version=2, priority="critical")


def test_a_form_is_stale_when_somebody_edited_since_but_not_when_somebody_commented():
    ticket, version = bugs.ticket(), 1
    actions.comment(ticket=ticket, by=bugs.person("eve"), body="Me too.")
    actions.edit(ticket=ticket, by=bugs.person("tom"), version=version, title="Requests are lost")

    with pytest.raises(Stale, match="Tom Tran changed title"):
        actions.edit(ticket=ticket, by=bugs.person("ana"), version=version, steps="Press submit")


def test_nothing_is_edited_by_saving_the_same_again():
    ticket = bugs.ticket()

    same = actions.edit(ticket=ticket, by=bugs.person("tom"), version=ticket.version, title=ticket.title)

    assert same.version == ticket.version
    assert not Entry.objects.filter(action="ticket.edit").exists()


def test_a_closed_ticket_asks_for_nothing_any_more():
    ticket = bugs.proposed()
    actions.close(ticket=ticket, by=bugs.person("tom"), reason="It was the network.")

    assert not queries.waiting_consents()
    with pytest.raises(NotNow, match=r"is closed: It was the network\. Reopen it first"):
        actions.consent(ticket=ticket, by=bugs.person("pam"))


def test_a_refused_report_leaves_nothing_behind():
    with pytest.raises(Refused):
        bugs.ticket(by="stranger")

    assert not Ticket.objects.exists()
    assert not Message.objects.exists()
