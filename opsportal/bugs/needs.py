"""What waits for a person: consents, assignments, reviews, the fix itself, volunteers wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Prefetch, Q, prefetch_related_objects

from opsportal.accounts import queries as accounts
from opsportal.accounts.grants import PRODUCT_OWNER
from opsportal.accounts.queries import Person
from opsportal.accounts.rules import Permission, may
from opsportal.bugs import rules, standing, telling
from opsportal.bugs.filters import urgency
from opsportal.bugs.models import Consent, Priority, Reviewer, Stage, Ticket
from opsportal.bugs.pull_requests import approvers

_MOST: Final = 100


@dataclass(frozen=True)
class Need:
    """One thing that waits for the person. ``kind``: consent, assign, volunteer, review, fix; ``words``: what to do."""

    kind: str
    ticket: Ticket
    words: str
    url: str
    since: datetime
    urgent: bool


def needs(person: Person) -> list[Need]:
    """What waits for this person, the most urgent first. Four queries at most, one when nothing does."""
    if not person.is_active:
        return []
    actor = accounts.actor_for(person)
    # Subqueries, not joins: home asks this at every look, and ten thousand closed tickets are no matter then.
    reviews = Exists(Reviewer.objects.filter(ticket=OuterRef("pk"), person=person))
    wanted = Q(engineer=person, stage__in=(Stage.ASSIGNED, Stage.APPROVED)) | Q(
        reviews, stage=Stage.IN_REVIEW
    )
    if may(actor, Permission.CONSENT_TO_CRITICAL):
        wanted |= Q(pk__in=Consent.objects.filter(decision=Consent.Decision.WAITING).values("ticket"))
    if may(actor, Permission.ASSIGN_BUGS):
        wanted |= Q(stage=Stage.REFINED) | Q(stage__in=_SHORT, engineer=None)
    if person.role_names & _HELPING:
        wanted |= Q(priority=Priority.CRITICAL, stage__in=_SHORT)
    found = Ticket.objects.filter(wanted, stage__in=_OPEN)
    found = found.select_related("engineer").prefetch_related(
        Prefetch("consents", Consent.objects.select_related("proposed_by", "decided_by")),
        Prefetch("reviewers", Reviewer.objects.select_related("person")),
    )
    shown = list(
        found.defer("should", "steps", "evidence", "github_mirrored").order_by(urgency(), "id")[:_MOST]
    )
    prefetch_related_objects([each for each in shown if _is_to_review(person, each)], "pull_requests")
    if may(actor, Permission.REVIEW_BUGS):
        _read_roles([ticket for ticket in shown if standing.lead_is_late(ticket)])
    needed = [need for ticket in shown for need in [_need(person, ticket)] if need]
    return sorted(needed, key=lambda each: not each.urgent)


_HELPING: Final = frozenset({"engineer", "engineering_lead", "designer", "product_team", "product_owner"})
_OPEN: Final = tuple(stage for stage in Stage if stage != Stage.CLOSED)
_SHORT: Final = (Stage.REFINED, Stage.ASSIGNED, Stage.IN_REVIEW)


def _need(person: Person, ticket: Ticket) -> Need | None:
    """The one thing that this person does next with the ticket, if there is one."""
    here, critical = standing.facts(ticket), ticket.priority == Priority.CRITICAL
    path = telling.path_of(ticket)
    if here.waiting and PRODUCT_OWNER in person.role_names:
        words = f"Consent to Critical, or decline: {here.waiting.breaks}"
        return Need("consent", ticket, words, "/tickets/approvals", here.waiting.proposed_at, urgent=True)
    mine = ticket.engineer_id == person.pk
    reviews = next((each for each in here.reviewers if each.person_id == person.pk), None)
    if reviews and _is_to_review(person, ticket) and not _has_approved(person, ticket):
        return Need(
            "review", ticket, "Review the pull request.", path, reviews.told_at or reviews.since, critical
        )
    if mine and ticket.stage == Stage.ASSIGNED:
        return Need("fix", ticket, "Fix it, and open a pull request.", path, ticket.updated_at, critical)
    if mine and ticket.stage == Stage.APPROVED:
        return Need("fix", ticket, "Merge it: both reviewers approved.", path, ticket.updated_at, critical)
    since = here.consented.decided_at if critical and here.consented else None
    if standing.is_short_of_people(ticket) and _may(person, "assign", ticket):
        return Need(
            "assign",
            ticket,
            "Assign an engineer and two reviewers.",
            path,
            since or ticket.updated_at,
            critical,
        )
    if not standing.lead_is_late(ticket):
        return None
    for what, words in (
        ("take", "Take it: the lead is late."),
        ("take_review", "Take its review: the lead is late."),
    ):
        if _may(person, what, ticket):
            return Need("volunteer", ticket, words, path, since or ticket.updated_at, urgent=True)
    return None


def _read_roles(tickets: Sequence[Ticket]) -> None:
    """The roles of those who work on these tickets, at once: the rules for volunteers ask for each."""
    people = [ticket.engineer for ticket in tickets if ticket.engineer]
    people += [each.person for ticket in tickets for each in standing.facts(ticket).reviewers]
    if people:
        prefetch_related_objects(people, "roles")
    for each in people:
        each.__dict__["role_names"] = frozenset(role.role for role in each.roles.all())


#: Whose roles can do it at all: to ask further is only worth it for them, because a refusal looks names up.
_CAN: Final = {
    "assign": (Permission.ASSIGN_BUGS, Permission.STAND_IN_FOR_LEAD),
    "take": (Permission.WORK_ON_BUGS,),
    "take_review": (Permission.REVIEW_BUGS,),
}


def _may(person: Person, what: str, ticket: Ticket) -> bool:
    actor = accounts.actor_for(person)
    return any(may(actor, each) for each in _CAN[what]) and bool(standing.may(person, what, ticket))


def _is_to_review(person: Person, ticket: Ticket) -> bool:
    reviewers = standing.facts(ticket).reviewers
    return ticket.stage == Stage.IN_REVIEW and any(each.person_id == person.pk for each in reviewers)


def _has_approved(person: Person, ticket: Ticket) -> bool:
    waiting = [each for each in ticket.pull_requests.all() if each.state == "open" and not each.draft]
    return bool(waiting) and all(person.username in approvers(each) for each in waiting)


def candidates_engineer(ticket: Ticket) -> list[tuple[Person, str]]:
    """Everybody with a role, and why they cannot be the engineer (empty: they can); who can comes first."""
    return _sorted([(each, rules.engineer_refusal(standing.candidate(each))) for each in _everybody()])


def candidates_reviewer(
    ticket: Ticket, engineer: Person | None = None, other: Person | None = None
) -> list[tuple[Person, str]]:
    """Everybody with a role, and why they cannot review it beside ``engineer`` and ``other``; who can comes first."""
    engineer = engineer or ticket.engineer
    fixing = standing.candidate(engineer) if engineer else None
    beside = [standing.candidate(other)] if other else []
    return _sorted(
        [
            (
                each,
                rules.reviewer_refusal(
                    standing.candidate(each), engineer=fixing, others=beside, user_facing=ticket.user_facing
                ),
            )
            for each in _everybody()
        ]
    )


def _everybody() -> list[Person]:
    """Active people with a role, their roles read with them."""
    found = list(
        Person.objects.filter(is_active=True, roles__isnull=False).distinct().prefetch_related("roles")
    )
    for each in found:
        each.__dict__["role_names"] = frozenset(role.role for role in each.roles.all())
    return found


def _sorted(found: list[tuple[Person, str]]) -> list[tuple[Person, str]]:
    return sorted(found, key=lambda each: (bool(each[1]), str(each[0]).lower()))
