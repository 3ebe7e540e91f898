"""One engineer and two reviewers who are not that engineer; volunteers when the lead is late (product.md, Bug tickets)."""

from collections.abc import Sequence

from django.utils import timezone

from opsportal.accounts import queries as accounts
from opsportal.accounts.queries import SERVICE, Person
from opsportal.accounts.rules import Permission
from opsportal.bugs import pull_requests, rules, standing, telling
from opsportal.bugs.changing import Change, changing
from opsportal.bugs.errors import BadTicket
from opsportal.bugs.models import Event, Reviewer, Stage, Ticket
from opsportal.bugs.standing import candidate


def assign(*, ticket: Ticket, by: Person, engineer: Person, reviewers: Sequence[Person]) -> Ticket:
    """Name the engineer and both reviewers, or name others instead. Raises Refused, NotNow or BadTicket.

    The lead's; product team's and owner's when the lead is late on a Critical.
    """
    with changing(ticket, by, "assign") as change:
        refusals = rules.assignment_refusals(
            candidate(engineer),
            [candidate(each) for each in reviewers],
            user_facing=change.ticket.user_facing,
        )
        if refusals:
            raise BadTicket(refusals)
        here, before = change.ticket, _people_of(change.ticket)
        _keep_volunteers(change, engineer, reviewers)
        here.engineer = engineer
        _name_reviewers(change, reviewers)
        change.reach(Stage.ASSIGNED)
        after = [engineer, *reviewers]
        _told(change, "assigned", [each for each in after if each not in before])
        if before:
            change.details["before"] = [each.username for each in before]
    return change.ticket


def take(*, ticket: Ticket, by: Person) -> Ticket:
    """An engineer takes a Critical whose lead is late. First come; Raises Refused, or NotNow that says who was first."""
    with changing(ticket, by, "take") as change:
        change.ticket.engineer = by
        change.reach(Stage.ASSIGNED)
        _told(change, "taken", [by])
    return change.ticket


def take_review(*, ticket: Ticket, by: Person) -> Ticket:
    """Somebody takes a free place of the two reviewers of such a bug. Raises Refused or NotNow."""
    with changing(ticket, by, "take_review") as change:
        taken = {each.place for each in standing.facts(change.ticket).reviewers}
        place = next(each for each in range(1, rules.REVIEWERS + 1) if each not in taken)
        Reviewer.objects.create(ticket=change.ticket, person=by, place=place, since=change.now)
        standing.forget(change.ticket)
        _told(change, "review_taken", [by])
        pull_requests.tell_reviewers(change)
    return change.ticket


def look_after_leads() -> int:
    """Ask for volunteers, once, for each Critical that the lead has not assigned in time; how many it was now."""
    found = 0
    late = Ticket.objects.filter(priority=rules.CRITICAL).exclude(stage=Stage.CLOSED)
    for ticket in late.prefetch_related("consents", "reviewers__person"):
        if standing.lead_is_late(ticket) and not _was_asked(ticket):
            found += _ask_for_volunteers(ticket)
    return found


def _ask_for_volunteers(ticket: Ticket) -> int:
    with changing(ticket, SERVICE, "lead_late", free=True) as change:
        consented = standing.facts(change.ticket).consented
        late = standing.lead_is_late(change.ticket) and not _was_asked(change.ticket)
        if not late or consented is None or consented.decided_at is None:
            change.nothing = True
            return 0
        here, waited = change.ticket, rules.working_time(
            consented.decided_at, timezone.now(), standing.hours()
        )  # fmt: skip
        change.event("lead_late", {"consent": consented.pk})
        change.details = {"consent": consented.pk}
        change.tell(lambda: telling.lead_late(here, consented, waited.total_seconds()))
    return 1


def _was_asked(ticket: Ticket) -> bool:
    consented = standing.facts(ticket).consented
    return Event.objects.filter(
        ticket=ticket, kind="lead_late", details__consent=consented.pk if consented else None
    ).exists()


def _people_of(ticket: Ticket) -> list[Person]:
    named = [ticket.engineer] if ticket.engineer else []
    return [*named, *(each.person for each in standing.facts(ticket).reviewers)]


def _keep_volunteers(change: Change, engineer: Person, reviewers: Sequence[Person]) -> None:
    """Who stands in for the lead fills what is free; only the lead takes it from whoever took it first."""
    if accounts.may(change.by, Permission.ASSIGN_BUGS):
        return
    first = change.ticket.engineer
    if first is not None and first != engineer:
        raise BadTicket(
            {"engineer": f"{first} took it first; only the engineering lead names somebody else."}
        )
    for each in standing.facts(change.ticket).reviewers:
        if each.person not in reviewers:
            words = f"{each.person} took its review first; only the engineering lead names somebody else."
            raise BadTicket({"reviewers": words})


def _name_reviewers(change: Change, reviewers: Sequence[Person]) -> None:
    """Who stays keeps since when, and whether they were told."""
    kept = {each.person_id: each for each in standing.facts(change.ticket).reviewers}
    change.ticket.reviewers.all().delete()
    Reviewer.objects.bulk_create(
        Reviewer(
            ticket=change.ticket, person=person, place=place,
            since=kept[person.pk].since if person.pk in kept else change.now,
            told_at=kept[person.pk].told_at if person.pk in kept else None,
        )
        for place, person in enumerate(reviewers, 1)
    )  # fmt: skip
    standing.forget(change.ticket)
    pull_requests.tell_reviewers(change)


def _told(change: Change, kind: str, people: Sequence[Person]) -> None:
    here = change.ticket
    engineer = here.engineer
    names = {
        "engineer": str(engineer) if engineer else "",
        "reviewers": [str(each.person) for each in standing.facts(here).reviewers],
    }
    change.event(kind, names)
    change.details = {
        "engineer": engineer.username if engineer else None,
        "reviewers": [each.person.username for each in standing.facts(here).reviewers],
    }
    change.tell(lambda: telling.assigned(here, people, change.by))
