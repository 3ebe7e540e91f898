"""A ticket's path: closed and opened again by people, moved by facts that those tell who act."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from opsportal.accounts import queries as accounts
from opsportal.accounts.queries import By, Person
from opsportal.accounts.rules import Actor
from opsportal.audit.redaction import clean_details
from opsportal.bugs import rules, standing, texts
from opsportal.bugs.changing import Change, changing
from opsportal.bugs.errors import BadTicket
from opsportal.bugs.models import Consent, Stage, Ticket
from opsportal.kit.text import safe_text

#: What may be told: what the release and hotfix work does, and what a pull request shows.
FACTS: Final = frozenset({*rules.TOLD, rules.IN_REVIEW, rules.APPROVED})
#: What no longer holds when a bug is open again although its fix was merged or reached stable.
_OF_A_FIX: Final = rules.PATH[rules.PATH.index(rules.IN_REVIEW) : rules.PATH.index(rules.CLOSED)]


def close(*, ticket: Ticket, by: By, reason: str, duplicate_of: Ticket | None = None) -> Ticket:
    """Nothing more is to be done, for this reason. Raises Refused, NotNow or BadTicket."""
    with changing(ticket, by, "close") as change:
        put_closed(change, texts.one("reason", reason, texts.REASON_FIELD), duplicate_of)
    return change.ticket


def put_closed(change: Change, reason: str, duplicate_of: Ticket | None = None) -> None:
    """Nothing more is to be done with the ticket that is held. Raises BadTicket for a circle of duplicates."""
    here = change.ticket
    if duplicate_of is not None:
        here.duplicate_of = _original(here, duplicate_of)
    here.closed_because = reason
    _ask_no_longer(change, reason)
    change.reach(Stage.CLOSED, details={"reason": reason})
    original = here.duplicate_of.key if here.duplicate_of else None
    change.event("closed", {"reason": reason, "duplicate_of": original})
    change.reason, change.details = reason, {"duplicate_of": original}


def reopen(*, ticket: Ticket, by: By, reason: str) -> Ticket:
    """It is not done after all. Of a fix that was merged or on stable nothing counts any longer. Raises as :func:`close`."""
    with changing(ticket, by, "reopen") as change:
        put_reopened(change, texts.one("reason", reason, texts.REASON_FIELD))
    return change.ticket


def put_reopened(change: Change, reason: str) -> None:
    """The ticket that is held is open again."""
    here = change.ticket
    left = change.leave(Stage.CLOSED)
    if here.reached.filter(stage__in=(Stage.MERGED, Stage.ON_STABLE)).exists():
        left += change.leave(*_OF_A_FIX)
        here.reviewers.update(told_at=None)
    here.closed_because, here.duplicate_of = "", None
    change.event("reopened", {"reason": reason, "left": left})
    change.reason, change.details = reason, {"no_longer": left}


def tell(
    *, ticket: int, fact: str, at: datetime, by: str, details: Mapping[str, object] | None = None
) -> bool:
    """THE SEAM: those who merge, tag and deploy tell the ticket. ``by``: a user name, or who else ("github").

    True when it was news: telling it again changes nothing, the order is free, and what lies before a reopening is of
    an earlier fix. Raises ValueError for a fact that there is not, Ticket.DoesNotExist.
    """
    _known(fact)
    kept = clean_details(details or {})
    with changing(ticket, actor(by), "tell", free=True) as change:
        reopened = change.ticket.events.filter(kind="reopened").order_by("-at", "-id").first()
        earlier = reopened is not None and at < reopened.at
        change.nothing = earlier or not change.reach(fact, at=at, details=kept)
        if not change.nothing:
            change.event("told", {"fact": fact, "details": kept}, at=at)
            change.details = {"fact": fact, **kept}
    return not change.nothing


def tell_not(*, ticket: int, fact: str, by: str = "opsportal", reason: str = "") -> bool:
    """A fact that was told no longer holds (a roll back, a pull request closed unmerged). True when it had held."""
    _known(fact)
    with changing(ticket, actor(by), "tell_not", free=True) as change:
        change.nothing = not change.leave(fact)
        if not change.nothing:
            change.event("untold", {"fact": fact, "reason": reason})
            change.reason, change.details = reason, {"fact": fact}
    return not change.nothing


def actor(name: str) -> By:
    """The person with that user name; else a service of that name."""
    known = _SERVICES.get(name) or accounts.person_named(name)
    return known or Actor(
        safe_text(name, 150), safe_text(name, 150), frozenset(), active=True, is_service=True
    )


_SERVICES: Final[Mapping[str, Actor]] = {
    "github": Actor("github", "GitHub", frozenset(), active=True, is_service=True),
    accounts.SERVICE.username: accounts.SERVICE,
}


def _known(fact: str) -> None:
    if fact not in FACTS:
        raise ValueError(f"“{fact}” is no fact of a ticket's path. There are: {', '.join(sorted(FACTS))}.")


def _ask_no_longer(change: Change, reason: str) -> None:
    """Nobody has to decide about a ticket that is closed."""
    waiting = standing.facts(change.ticket).waiting
    if waiting is not None:
        waiting.decision, waiting.reason, waiting.decided_at = Consent.Decision.WITHDRAWN, reason, change.now
        waiting.decided_by = change.by if isinstance(change.by, Person) else waiting.proposed_by
        waiting.save()


def _original(ticket: Ticket, other: Ticket) -> Ticket:
    """The ticket that stays; of a duplicate of a duplicate the first. Raises BadTicket for a circle."""
    seen = {ticket.pk}
    original = Ticket.objects.get(pk=other.pk)
    while original.pk not in seen:
        seen.add(original.pk)
        if original.duplicate_of is None:
            return original
        original = original.duplicate_of
    raise BadTicket({"duplicate_of": f"{other.key} is this ticket, or a duplicate of it."})
