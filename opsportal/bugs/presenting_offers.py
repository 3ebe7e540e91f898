"""What the person who looks at a ticket may do next: one thing first, the others grouped, with reasons where not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django import forms as django_forms
from django.urls import reverse

from opsportal.accounts.queries import Person
from opsportal.bugs import queries, standing
from opsportal.bugs.deeds import DEEDS
from opsportal.bugs.models import Priority, PullRequest, Stage, Ticket
from opsportal.bugs.presenting import open_pull


@dataclass(frozen=True)
class Offer:
    """One deed as the page shows it. ``allowed`` or ``reason``; ``opened``: it was tried and its form says what of it."""

    slug: str
    label: str
    button: str
    url: str
    allowed: bool
    reason: str
    form: django_forms.Form
    opened: bool = False

    @property
    def move(self) -> str:
        """What it is, within a sentence about somebody else: "I take it" is "take it"."""
        words = self.label.removeprefix("I ")
        return words[:1].lower() + words[1:]

    @property
    def fields(self) -> bool:
        """Whether there is anything to fill in."""
        return bool(self.form.fields)

    @property
    def multipart(self) -> bool:
        """Whether files may come with it."""
        return bool(self.form.is_multipart())


@dataclass(frozen=True)
class Offers:
    """``first``: a name of what stands first for this person; ``others``: the rest, by what they are about."""

    made: Mapping[str, Offer]
    first: str
    others: Sequence[tuple[str, Sequence[Offer]]]


#: The groups below the one thing that stands first.
GROUPS: Final = (
    ("People", ("assign", "take", "take-review")),
    ("Priority", ("consent", "decline", "withdraw", "priority", "propose", "refine")),
    ("End", ("close", "reopen")),
)


def offers(
    ticket: Ticket, person: Person, pulls: Sequence[PullRequest], tried: Mapping[str, django_forms.Form]
) -> Offers:
    """Everything that makes sense for the ticket as it is. ``tried``: the forms that came back with errors."""
    made = {slug: _offer(slug, ticket, person, tried) for slug in _sensible(ticket)}
    first = _first(made, ticket, person, pulls)
    hidden = {first, "decline"} if first == "consent" else {first}
    groups = [
        (title, [made[slug] for slug in slugs if slug in made and slug not in hidden])
        for title, slugs in GROUPS
    ]
    return Offers(made, first, [(title, each) for title, each in groups if each])


def _offer(slug: str, ticket: Ticket, person: Person, tried: Mapping[str, django_forms.Form]) -> Offer:
    deed = DEEDS[slug]
    verdict = queries.may(person, deed.what, ticket)
    offer = Offer(
        slug,
        deed.label,
        deed.button,
        reverse("bugs:act", args=[ticket.pk, slug]),
        verdict.allowed,
        verdict.sentence,
        tried.get(slug) or deed.empty(slug, ticket, person),
        slug in tried,
    )
    if slug == "assign" and ticket.engineer_id is not None:
        return replace(offer, label="Assign anew", button="Assign anew")
    return offer


def _sensible(ticket: Ticket) -> list[str]:
    """The deeds that make sense for the ticket, whoever looks: no empty buttons."""
    if not ticket.is_open:
        return ["comment", "reopen"]
    asked = standing.facts(ticket).waiting is not None
    unfinished = ticket.stage in {Stage.REPORTED, Stage.TRIAGED}
    critical = ticket.priority == Priority.CRITICAL
    wanted = {
        "consent": asked,
        "decline": asked,
        "withdraw": asked,
        "assign": not unfinished,
        "take": critical and ticket.engineer_id is None,
        "take-review": critical and standing.is_short_of_people(ticket),
        "priority": not asked,
        "propose": not asked and not critical,
        "refine": unfinished and not asked,
        "comment": True,
        "close": True,
    }
    return [slug for slug, sensible in wanted.items() if sensible]


def _first(made: Mapping[str, Offer], ticket: Ticket, person: Person, pulls: Sequence[PullRequest]) -> str:
    """What this person came for: decide, assign, take, review; else say something."""

    def may(slug: str) -> bool:
        return slug in made and made[slug].allowed

    if may("consent"):
        return "consent"
    if may("assign") and standing.is_short_of_people(ticket):
        return "assign"
    for slug in ("take", "take-review"):
        if may(slug):
            return slug
    reviews = any(each.person_id == person.pk for each in standing.facts(ticket).reviewers)
    if reviews and ticket.stage == Stage.IN_REVIEW and open_pull(pulls):
        return "review"
    if ticket.stage == Stage.ON_STABLE and may("close"):
        return "close"
    return "comment"
