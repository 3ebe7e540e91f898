"""One engineer, two reviewers who are not that engineer; the lead who is late; reviewers who are told once."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from opsportal.accounts.rules import Refused
from opsportal.bugs import actions, queries
from opsportal.bugs.errors import BadTicket, NotNow
from opsportal.bugs.models import Consent
from opsportal.bugs.tasks_leads import look_after_leads
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
    return sorted(row.person.username if row.person else f"#{row.group}" for row in rows)


def assign(ticket, engineer, *reviewers, by="lee"):
    chosen = [bugs.person(each) for each in reviewers]
    return actions.assign(ticket=ticket, by=bugs.person(by), engineer=bugs.person(engineer), reviewers=chosen)


def test_an_assignment_is_kept_and_told_to_whom_it_concerns():
    ticket = assign(bugs.refined(by="dee"), "ana", "cleo", "dot")

    assert ticket.stage == "assigned"
    assert [str(each.person) for each in ticket.reviewers.all()] == ["Cleo Chu", "Dot Diaz"]
    assert told("assigned") == ["ana", "cleo", "dee", "dot"]


@pytest.mark.parametrize(
    ("engineer", "reviewers", "field", "why"),
    [
        ("ana", ["cleo", "ana"], "reviewers", "nobody reviews their own fix"),
        ("ana", ["cleo", "pam"], "reviewers", "neither an engineer nor a designer"),
        ("ana", ["cleo"], "reviewers", "2 reviewers; 1 given"),
        ("ana", ["dee", "dot"], "reviewers", "one of the two is an engineer"),
        ("dee", ["cleo", "eve"], "engineer", "Dee Dahl is not an engineer"),
    ],
)
def test_a_choice_that_is_not_allowed_says_why_at_its_field(engineer, reviewers, field, why):
    ticket = bugs.refined()

    with pytest.raises(BadTicket) as bad:
        assign(ticket, engineer, *reviewers)

    assert why in bad.value.fields[field]
    assert bugs.again(ticket).engineer is None


def test_the_form_is_told_the_same_for_each_person():
    ticket = assign(bugs.refined(user_facing=False), "ana", "cleo", "eve")

    reasons = {person.username: why for person, why in queries.candidates_reviewer(ticket)}

    assert "nobody reviews their own fix" in reasons["ana"]
    assert reasons["cleo"] == ""


def test_what_is_not_refined_waits_and_critical_skips_the_wait():
    with pytest.raises(NotNow, match="waits for refinement"):
        assign(bugs.ticket(), "ana", "cleo", "eve")
    assert assign(bugs.critical(), "ana", "cleo", "eve").stage == "assigned"


def test_whoever_reviews_as_a_designer_keeps_the_bug_user_facing():
    ticket = assign(bugs.refined(), "ana", "cleo", "dee")

    with pytest.raises(BadTicket, match="Dee Dahl reviews it as a designer"):
        actions.edit(ticket=ticket, by=bugs.person("tom"), version=ticket.version, user_facing=False)


def test_the_lead_has_the_time_set_in_working_hours_over_a_weekend(settings):
    settings.TIME_ZONE, settings.LEAD_MINUTES = "America/New_York", 60
    friday = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)
    ticket = bugs.critical()
    Consent.objects.update(decided_at=friday)  # 16:30 there; half an hour is left of the day

    due = queries.lead_due(bugs.again(ticket))

    assert due.isoformat() == "2026-11-23T14:30:00+00:00"
    with time_machine.travel(due - timedelta(seconds=1), tick=False):
        assert not queries.lead_is_late(bugs.again(ticket))
    with time_machine.travel(due, tick=False):
        assert queries.lead_is_late(bugs.again(ticket))


def test_volunteers_are_asked_for_once_when_the_lead_is_late():
    bugs.everybody()
    ticket, in_time = bugs.late(), bugs.critical(title="Another")

    look_after_leads()
    look_after_leads()

    assert told("lead_late") == ["#dev", "#product", "ana", "cleo", "eve", "lee", "pam", "paul", "tom"]
    assert [each.kind for each in queries.timeline(ticket)].count("lead_late") == 1
    assert "lead_late" not in [each.kind for each in queries.timeline(in_time)]


def test_nobody_volunteers_while_the_lead_has_time():
    ticket = bugs.critical()

    for take in (actions.take, actions.take_review):
        with pytest.raises(NotNow, match="The engineering lead assigns until"):
            take(ticket=ticket, by=bugs.person("eve"))


def test_volunteers_fill_the_places_and_those_who_stand_in_fill_the_rest():
    ticket = bugs.late()
    actions.take(ticket=ticket, by=bugs.person("eve"))
    actions.take_review(ticket=ticket, by=bugs.person("dee"))

    with pytest.raises(NotNow, match="It is yours already"):
        actions.take(ticket=ticket, by=bugs.person("eve"))
    with pytest.raises(NotNow, match="nobody reviews their own fix"):
        actions.take_review(ticket=ticket, by=bugs.person("eve"))
    with pytest.raises(BadTicket, match="Eve Evans took it first"):
        assign(ticket, "ana", "dee", "cleo", by="tom")
    with pytest.raises(BadTicket, match="Dee Dahl took its review first"):
        assign(ticket, "eve", "ana", "cleo", by="tom")
    ticket = assign(ticket, "eve", "dee", "cleo", by="tom")

    assert ticket.stage == "assigned"
    with pytest.raises(Refused):
        assign(ticket, "ana", "dee", "cleo", by="tom")
    assert assign(ticket, "ana", "eve", "cleo").engineer == bugs.person("ana")


def test_reviewers_are_told_once_whenever_they_and_the_pull_request_come_together():
    ticket = bugs.assigned()
    bugs.pull(ticket)
    bugs.pull(ticket, head="f" * 40)
    assert told("review_waits") == ["cleo", "eve"]

    assign(ticket, "ana", "eve", "dee")

    assert told("review_waits") == ["cleo", "dee", "eve"]


def test_what_waits_for_each_person():
    late = bugs.late(title="Late")
    waiting = bugs.proposed(title="Asked")
    mine = bugs.assigned(title="Mine")
    review = bugs.assigned(title="Reviewed")
    bugs.pull(review, reviews=[bugs.review("cleo")])

    def kinds(username):
        return {(each.kind, each.ticket.title) for each in queries.needs(bugs.person(username))}

    assert kinds("pam") == {("consent", waiting.title), ("assign", late.title)}
    assert kinds("lee") == {("assign", late.title)}
    assert kinds("tom") == {("assign", late.title)}
    assert kinds("ana") == {("fix", mine.title), ("volunteer", late.title)}
    assert kinds("eve") == {("review", review.title), ("volunteer", late.title)}
    assert kinds("cleo") == {("volunteer", late.title)}
    assert kinds("ada") == kinds("stranger") == set()


def test_what_waits_costs_few_queries_however_much_it_is(django_assert_max_num_queries):
    for number in range(6):
        bugs.late(title=f"Late {number}")
        bugs.pull(bugs.assigned(title=f"Reviewed {number}"), number=number + 1)

    with django_assert_max_num_queries(10):
        assert len(queries.needs(bugs.person("eve"))) == 12
