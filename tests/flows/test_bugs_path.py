"""A ticket's path: pull requests, the facts that others tell, closed and opened again (product.md, Bug tickets)."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.utils import timezone

from opsportal.audit.models import Entry
from opsportal.bugs import actions, queries
from opsportal.bugs.errors import BadTicket
from opsportal.bugs.models import Event, Ticket
from tests.support import bugs

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def stage(ticket):
    return bugs.again(ticket).stage


def tell(ticket, fact, at=None, **details):
    return actions.tell(ticket=ticket.pk, fact=fact, at=at or timezone.now(), by="opsportal", details=details)


# --- the seam ---------------------------------------------------------------------------------------------------


def test_a_fix_on_the_train_goes_all_the_way():
    ticket = bugs.assigned()
    bugs.pull(ticket)
    seen = [stage(ticket)]
    bugs.pull(ticket, reviews=[bugs.review("cleo"), bugs.review("eve")])
    seen.append(stage(ticket))
    bugs.pull(ticket, state="merged", merged_at=timezone.now())
    seen.append(stage(ticket))
    for fact in ("tagged", "on_staging", "on_stable"):
        tell(ticket, fact, tag="v1.2.3")
        seen.append(stage(ticket))
    seen.append(actions.close(ticket=ticket, by=bugs.person("tom"), reason="Users confirm.").stage)

    assert seen == ["in_review", "approved", "merged", "tagged", "on_staging", "on_stable", "closed"]


def test_a_hotfix_is_on_stable_before_it_is_merged():
    ticket = bugs.critical()

    for fact in ("tagged", "on_stable", "on_staging", "merged"):
        tell(ticket, fact)
        assert stage(ticket) == ("tagged" if fact == "tagged" else "on_stable")


@pytest.mark.parametrize("order", list(permutations(("merged", "tagged", "on_staging", "on_stable")))[::5])
def test_facts_may_be_told_in_any_order_and_again(order):
    ticket = bugs.assigned()

    news = [tell(ticket, fact) for fact in (*order, *order)]

    assert news == [True] * 4 + [False] * 4
    assert stage(ticket) == "on_stable"
    assert Event.objects.filter(ticket=ticket, kind="told").count() == 4
    assert Entry.objects.filter(action="ticket.tell").count() == 4


def test_a_fact_says_when_it_was_so_and_by_whom():
    ticket, at = bugs.assigned(), timezone.now() - timedelta(hours=3)
    bugs.person("lee")

    actions.tell(
        ticket=ticket.pk, fact="tagged", at=at, by="lee", details={"tag": "v1.2.3", "token": "s3cret"}
    )

    kept = ticket.reached.get(stage="tagged")
    assert (kept.at, kept.by, kept.details) == (at, "lee", {"tag": "v1.2.3", "token": "[redacted]"})
    assert Entry.objects.get(action="ticket.tell").actor_kind == "person"


def test_a_fact_may_be_taken_back():
    ticket = bugs.assigned()
    tell(ticket, "tagged")
    tell(ticket, "on_stable")

    assert actions.tell_not(ticket=ticket.pk, fact="on_stable", by="opsportal", reason="Rolled back.")
    assert not actions.tell_not(ticket=ticket.pk, fact="on_stable", by="opsportal")
    assert stage(ticket) == "tagged"


@pytest.mark.parametrize("fact", ["closed", "assigned", "reported", "shipped", ""])
def test_what_is_no_fact_of_the_path_is_refused(fact):
    ticket = bugs.ticket()

    with pytest.raises(ValueError, match="no fact"):
        tell(ticket, fact)
    with pytest.raises(ValueError, match="no fact"):
        actions.tell_not(ticket=ticket.pk, fact=fact)


def test_a_ticket_that_there_is_not_is_said_so():
    with pytest.raises(Ticket.DoesNotExist):
        actions.tell(ticket=4711, fact="merged", at=timezone.now(), by="github", details={})
    assert queries.known([4711, bugs.ticket().pk]) == {Ticket.objects.get().pk}


def test_a_closed_ticket_stays_closed_whatever_is_told():
    ticket = actions.close(ticket=bugs.assigned(), by=bugs.person("tom"), reason="Done.")

    tell(ticket, "on_stable")

    assert stage(ticket) == "closed"


# --- opened again -----------------------------------------------------------------------------------------------


def test_a_fix_that_did_not_help_begins_anew_and_the_earlier_one_no_longer_counts():
    ticket, before = bugs.assigned(), timezone.now()
    bugs.pull(ticket, state="merged", merged_at=before)
    tell(ticket, "on_stable", before)
    actions.close(ticket=ticket, by=bugs.person("tom"), reason="Done.")
    actions.reopen(ticket=ticket, by=bugs.person("ana"), reason="It is back.")

    assert stage(ticket) == "assigned"
    assert not tell(ticket, "tagged", before)
    bugs.pull(ticket, state="merged", merged_at=before, title=f"{ticket.key}: said better")
    assert stage(ticket) == "assigned"
    bugs.pull(ticket, number=483)
    assert stage(ticket) == "in_review"


def test_what_was_closed_by_mistake_goes_on_where_it_stood():
    ticket = bugs.assigned()
    bugs.pull(ticket)
    actions.close(ticket=ticket, by=bugs.person("tom"), reason="A duplicate.", duplicate_of=bugs.ticket())

    opened = actions.reopen(ticket=ticket, by=bugs.person("tom"), reason="It is none.")

    assert (opened.stage, opened.duplicate_of, opened.closed_because) == ("in_review", None, "")


def test_a_duplicate_leads_to_the_ticket_that_stays_and_never_in_a_circle():
    first, second, third = bugs.ticket(), bugs.ticket(), bugs.ticket()
    tom = bugs.person("tom")
    actions.close(ticket=second, by=tom, reason="Same.", duplicate_of=first)

    assert actions.close(ticket=third, by=tom, reason="Same.", duplicate_of=second).duplicate_of == first
    for other in (first, second):
        with pytest.raises(BadTicket) as bad:
            actions.close(ticket=first, by=tom, reason="Same.", duplicate_of=other)
        assert "duplicate_of" in bad.value.fields


# --- pull requests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("branch", "title", "tied"),
    [
        ("bug-{n}-keep-it", "Keep the request", True),
        ("ab/BUG-{n}", "Keep the request", True),
        ("ab/keep", "bug-{n}: keep the request", True),
        ("ab/debug-{n}", "Keep the request", False),
        ("ab/keep", "Keep BUG-{n}0 and BUG-{n}a", False),
    ],
)
def test_a_pull_request_is_tied_by_its_branch_or_its_title(branch, title, tied):
    ticket = bugs.assigned()

    found = bugs.pull(ticket, branch=branch.format(n=ticket.pk), title=title.format(n=ticket.pk))

    assert found == ([ticket] if tied else [])
    assert stage(ticket) == ("in_review" if tied else "assigned")


def test_seeing_the_same_pull_request_again_changes_nothing():
    ticket = bugs.assigned()
    shown = {"opened_at": timezone.now(), "reviews": [bugs.review("cleo")]}
    bugs.pull(ticket, **shown)
    before = (bugs.again(ticket).version, Event.objects.count(), Entry.objects.count())

    bugs.pull(ticket, **shown)

    assert (bugs.again(ticket).version, Event.objects.count(), Entry.objects.count()) == before


def test_a_draft_waits_for_nobody_and_a_pull_request_closed_unmerged_goes_back():
    ticket = bugs.assigned()
    bugs.pull(ticket, draft=True)
    assert stage(ticket) == "assigned"
    bugs.pull(ticket)
    assert stage(ticket) == "in_review"
    bugs.pull(ticket, state="closed")
    assert stage(ticket) == "assigned"


@pytest.mark.parametrize(
    ("reviews", "expected"),
    [
        (["cleo"], "in_review"),
        (["cleo", "dee"], "in_review"),
        (["cleo", "EVE"], "approved"),
    ],
)
def test_it_is_approved_by_its_own_two_reviewers_and_nobody_else(reviews, expected):
    ticket = bugs.assigned()

    bugs.pull(ticket, reviews=[bugs.review(login) for login in reviews])

    assert stage(ticket) == expected


def test_an_approval_that_is_taken_back_no_longer_counts():
    ticket = bugs.assigned()
    bugs.pull(ticket, reviews=[bugs.review("cleo"), bugs.review("eve")])

    bugs.pull(ticket, reviews=[bugs.review("cleo"), bugs.review("eve", "changes_requested")])

    assert stage(ticket) == "in_review"


def test_a_ticket_of_two_pull_requests_is_merged_when_none_is_open():
    ticket = bugs.assigned()
    bugs.pull(ticket, number=1)
    bugs.pull(ticket, number=2)
    bugs.pull(ticket, number=1, state="merged", merged_at=timezone.now())
    assert stage(ticket) == "in_review"
    bugs.pull(ticket, number=2, state="merged", merged_at=timezone.now())
    assert stage(ticket) == "merged"


def test_one_that_was_merged_between_two_looks_was_in_review_all_the_same():
    ticket = bugs.assigned()

    bugs.pull(
        ticket, state="merged", merged_at=timezone.now(), reviews=[bugs.review("cleo"), bugs.review("eve")]
    )

    reached = set(ticket.reached.values_list("stage", flat=True))
    assert {"in_review", "approved", "merged"} <= reached


def test_a_pull_request_that_names_it_no_longer_is_untied():
    ticket = bugs.assigned()
    bugs.pull(ticket)

    assert bugs.pull(ticket, title="Something else") == []

    assert stage(ticket) == "assigned"
    assert queries.timeline(ticket)[-1].words == "shows pull request #482: it no longer names this ticket"


def test_a_pull_request_of_two_tickets_moves_both():
    first, second = bugs.assigned(), bugs.assigned()

    assert bugs.pull(first, title=f"{first.key} and {second.key}") == [first, second]

    assert (stage(first), stage(second)) == ("in_review", "in_review")


def test_an_address_that_is_none_is_not_kept():
    ticket = bugs.assigned()

    bugs.pull(ticket, url="javascript:alert(1)")

    assert ticket.pull_requests.get().url == ""


def test_what_is_said_on_github_is_kept_once_and_changed_with_it():
    ticket = bugs.ticket()
    said = {"ticket": ticket.pk, "github_id": 9, "login": "ana", "at": timezone.now()}

    actions.comment_from_github(**said, body="Me too.\x07")
    actions.comment_from_github(**said, body="Me too.\x07")
    actions.comment_from_github(**said, body="Not me.")

    comment = ticket.comments.get()
    assert (comment.body, comment.author, comment.author_name, comment.from_github) == (
        "Not me.",
        None,
        "ana",
        True,
    )
