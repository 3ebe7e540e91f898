"""Two people at the same time: exactly one wins, the other is told who (product.md, Bug tickets)."""

import threading

import pytest
from django.db import connection

from opsportal.bugs import actions
from opsportal.bugs.errors import BadTicket, Stale
from opsportal.bugs.models import Consent, Event
from tests.support import bugs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def at_once(*calls):
    """What each of the calls answered or raised, begun together in threads of their own."""
    ready, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def run(place, call):
        try:
            ready.wait(timeout=30)
            answers[place] = call()
        except (BadTicket, Stale) as error:
            answers[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=60)
    return answers


def split(answers):
    """What won, and what was told to the other. Fails unless it is one each."""
    lost = [each for each in answers if isinstance(each, Exception)]
    won = [each for each in answers if not isinstance(each, Exception)]
    assert (len(won), len(lost)) == (1, 1), answers
    return won[0], lost[0]


def test_of_two_product_owners_the_first_decides_and_the_second_is_told_who():
    ticket, pam, paul = bugs.proposed(), bugs.person("pam"), bugs.person("paul")

    won, lost = split(
        at_once(
            lambda: actions.consent(ticket=ticket, by=pam, reason="Users are stuck."),
            lambda: actions.decline(
                ticket=ticket, by=paul, reason="There is a way around it.", priority="low"
            ),
        )
    )

    assert str(won.decided_by) in str(lost)
    assert won.reason in str(lost)
    assert Consent.objects.get().decision == won.decision
    assert Event.objects.filter(kind__in=("consented", "declined")).count() == 1
    assert bugs.again(ticket).priority == ("critical" if won.decision == "consented" else "low")


def test_of_two_engineers_who_take_it_the_first_has_it_and_the_second_is_told_who():
    ticket = bugs.late()
    first, second = bugs.person("ana"), bugs.person("eve")

    won, lost = split(
        at_once(lambda: actions.take(ticket=ticket, by=first), lambda: actions.take(ticket=ticket, by=second))
    )

    assert str(lost) == f"{won.engineer} was first: it is theirs."
    assert bugs.again(ticket).engineer == won.engineer


def test_of_three_who_take_a_review_two_have_it_and_the_third_is_told_who():
    ticket, people = bugs.late(), [bugs.person(name) for name in ("ana", "eve", "cleo")]

    answers = at_once(*(lambda by=by: actions.take_review(ticket=ticket, by=by) for by in people))

    lost = [each for each in answers if isinstance(each, Exception)]
    review = [str(each.person) for each in ticket.reviewers.select_related("person")]
    assert len(lost) == 1
    assert len(review) == 2
    assert all(name in str(lost[0]) for name in review)


def test_of_two_editors_the_second_is_told_who_changed_what():
    ticket, ana, eve = bugs.ticket(), bugs.person("ana"), bugs.person("eve")

    won, lost = split(
        at_once(
            lambda: actions.edit(ticket=ticket, by=ana, version=1, title="Requests are lost"),
            lambda: actions.edit(ticket=ticket, by=eve, version=1, title="Requests vanish"),
        )
    )

    assert isinstance(lost, Stale)
    assert lost.fields == ("title",)
    assert lost.who == {"Requests are lost": "Ana Alvarez", "Requests vanish": "Eve Evans"}[won.title]
    assert bugs.again(ticket).title == won.title


def test_a_lead_and_a_volunteer_at_once_leave_a_whole_assignment():
    ticket, lee, eve = bugs.late(), bugs.person("lee"), bugs.person("eve")
    chosen = [bugs.person("cleo"), bugs.person("dee")]

    at_once(
        lambda: actions.assign(ticket=ticket, by=lee, engineer=bugs.person("ana"), reviewers=chosen),
        lambda: actions.take(ticket=ticket, by=eve),
    )

    # Whoever was first, the lead's word stands: the volunteer came too late, or the lead named somebody else.
    kept = bugs.again(ticket)
    assert kept.engineer == bugs.person("ana")
    assert [each.person for each in kept.reviewers.all()] == chosen
