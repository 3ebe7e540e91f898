"""A ticket in words: the sentence that stands first, whose move it is, and what each may do next (pages.md, Ticket)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString

from opsportal.accounts import queries as accounts
from opsportal.accounts.rules import Permission
from opsportal.bugs import standing
from opsportal.bugs.models import PullRequest, Stage, Ticket
from opsportal.bugs.pull_requests import approvers
from opsportal.kit.markdown import safe_html


@dataclass(frozen=True)
class Move:
    """Whose move it is, and what that is. ``who``: names, or the words for a role with the names of those in it."""

    who: str
    what: str

    @property
    def sentence(self) -> str:
        """One sentence; empty when nobody has to do anything."""
        return f"{self.who}: {self.what}" if self.who else self.what


def whose_move(ticket: Ticket, pulls: Sequence[PullRequest]) -> Move:
    """Who must act now, from what is so; the order is the path's. ``pulls``: oldest first."""
    if not ticket.is_open:
        return _closed(ticket)
    if standing.facts(ticket).waiting is not None:
        return Move(
            _role("A product owner", Permission.CONSENT_TO_CRITICAL),
            "consent to Critical, or decline. Until then it counts as High.",
        )
    if ticket.stage in {Stage.REPORTED, Stage.TRIAGED}:
        return Move("The next refinement", "look at it and confirm its priority.")
    if ticket.engineer is None:
        return _to_be_assigned(ticket)
    if standing.is_short_of_people(ticket):
        return _to_be_reviewed(ticket)
    return _of_the_fix(ticket, pulls)


def _closed(ticket: Ticket) -> Move:
    if ticket.duplicate_of is not None:
        return Move("", f"Closed: it repeats {ticket.duplicate_of.key}.")
    return Move("", f"Closed: {ticket.closed_because or 'nothing more is to be done.'}")


def _to_be_assigned(ticket: Ticket) -> Move:
    if standing.lead_is_late(ticket):
        return Move(
            "Anybody of the product team, or an engineer",
            "the lead has not assigned it in time. The product team may assign it; an engineer can take it.",
        )
    return Move(_lead(), "assign an engineer and two reviewers.")


def _to_be_reviewed(ticket: Ticket) -> Move:
    whom = "a second reviewer" if standing.facts(ticket).reviewers else "two reviewers"
    if standing.lead_is_late(ticket):
        return Move(
            "Anybody of the product team, or who reviews",
            f"the lead has not named {whom} in time. The product team may; who reviews can take it.",
        )
    return Move(_lead(), f"name {whom}.")


def _of_the_fix(ticket: Ticket, pulls: Sequence[PullRequest]) -> Move:
    engineer = str(ticket.engineer)
    if ticket.stage in {Stage.REFINED, Stage.ASSIGNED}:
        drafts = " Its pull request is a draft still." if any(each.draft for each in pulls) else ""
        branch = f"{ticket.key.lower()}-…"
        return Move(
            engineer, f"open a pull request whose branch ({branch}) or title names {ticket.key}.{drafts}"
        )
    if ticket.stage == Stage.IN_REVIEW:
        return Move(_waited_for(ticket, pulls), "review the pull request.")
    if ticket.stage == Stage.APPROVED:
        return Move(engineer, "merge it: both reviewers approved.")
    waits = {
        Stage.MERGED: "It waits for the next release to be tagged.",
        Stage.TAGGED: "It is tagged and waits to be deployed.",
        Stage.ON_STAGING: "It is on staging and waits for stable.",
    }
    if ticket.stage in waits:
        return Move("", waits[Stage(ticket.stage)])
    return Move(str(ticket.reporter), "see that it is gone, and have it closed.")


def open_pull(pulls: Sequence[PullRequest]) -> PullRequest | None:
    """The newest pull request that is open and meant to be read."""
    return next((each for each in reversed(pulls) if each.state == "open" and not each.draft), None)


def _waited_for(ticket: Ticket, pulls: Sequence[PullRequest]) -> str:
    """The reviewers who have not approved the newest pull request, as far as it can be told from the names."""
    pull = open_pull(pulls)
    done = approvers(pull) if pull else set()
    reviewers = standing.facts(ticket).reviewers
    left = [str(each.person) for each in reviewers if each.person.username not in done]
    return accounts.in_words(left) or "The reviewers"


def _lead() -> str:
    return _role("The engineering lead", Permission.ASSIGN_BUGS)


def _role(words: str, permission: str) -> str:
    people = accounts.may(accounts.SERVICE, permission).people
    return f"{words} ({people})" if people else words


def markdown(text: str) -> SafeString:
    """What was written about a ticket, with every ticket's key a link."""
    keys = re.compile(
        rf"(?<![\w-]){re.escape(settings.TICKET_PREFIX)}-[1-9][0-9]{{0,8}}(?![\w-])", re.IGNORECASE
    )
    return safe_html(text, keys, lambda key: reverse("bugs:ticket", args=[int(key.rpartition("-")[2])]))


def shown(value: object) -> str:
    """A field's value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "(empty)"
