"""How a ticket stands: who was asked, who reviews, how late the lead is. And who may do what with it, asked here alone.

:func:`may` answers pages, :func:`require` the actions; both ask the same questions in the same order: first
permission (accounts), then whether the ticket is so that it can be done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from opsportal.accounts import queries as accounts
from opsportal.accounts.grants import ENGINEERING_LEAD, ROLES
from opsportal.accounts.queries import By, Person
from opsportal.accounts.rules import Permission, Refused, Verdict
from opsportal.bugs import rules
from opsportal.bugs.errors import NotNow
from opsportal.bugs.models import Consent, Priority, Reviewer, Stage, Ticket
from opsportal.bugs.rules import Candidate, WorkingHours
from opsportal.kit import wording

#: Action → what accounts is asked. Assigning, volunteering and reopening look at the ticket too.
PERMISSIONS: Final[Mapping[str, str]] = {
    "report": Permission.REPORT_BUGS,
    "edit": Permission.REPORT_BUGS,
    "propose_critical": Permission.REPORT_BUGS,
    "consent": Permission.CONSENT_TO_CRITICAL,
    "decline": Permission.CONSENT_TO_CRITICAL,
    "withdraw": Permission.REPORT_BUGS,
    "set_priority": Permission.REPORT_BUGS,
    "refine": Permission.REPORT_BUGS,
    "assign": Permission.ASSIGN_BUGS,
    "take": Permission.WORK_ON_BUGS,
    "take_review": Permission.REVIEW_BUGS,
    "comment": Permission.REPORT_BUGS,
    "edit_comment": Permission.REPORT_BUGS,
    "attach": Permission.REPORT_BUGS,
    "close": Permission.CLOSE_BUGS,
    "reopen": Permission.CLOSE_BUGS,
}
#: What may still be done with a ticket that is closed.
WHEN_CLOSED: Final = frozenset({"comment", "edit_comment", "attach", "reopen"})


@dataclass(frozen=True)
class Facts:
    """A ticket's surroundings. ``waiting``: the consent that is asked for; ``decided``: the newest that was decided."""

    waiting: Consent | None
    decided: Consent | None
    consented: Consent | None
    reviewers: tuple[Reviewer, ...]


def facts(ticket: Ticket) -> Facts:
    """Read once per ticket object, from what was prefetched if it was; :func:`forget` after a change."""
    kept: Facts | None = ticket.__dict__.get("_facts")
    if kept is None:
        consents = list(ticket.consents.all())
        decided = [
            each
            for each in consents
            if each.decision in {Consent.Decision.CONSENTED, Consent.Decision.DECLINED}
        ]
        decided.sort(key=lambda each: (each.decided_at, each.pk))
        kept = Facts(
            waiting=next((each for each in consents if each.decision == Consent.Decision.WAITING), None),
            decided=decided[-1] if decided else None,
            consented=next((e for e in reversed(decided) if e.decision == Consent.Decision.CONSENTED), None),
            reviewers=tuple(ticket.reviewers.all()),
        )
        ticket.__dict__["_facts"] = kept
    return kept


def forget(ticket: Ticket) -> None:
    """Read the surroundings anew the next time."""
    ticket.__dict__.pop("_facts", None)
    for each in ("consents", "reviewers"):
        getattr(ticket, "_prefetched_objects_cache", {}).pop(each, None)


def hours() -> WorkingHours:
    """When the team works, from the settings."""
    begin, end = settings.WORKING_HOURS
    return WorkingHours(settings.WORKING_DAYS, begin, end, settings.TIME_ZONE, settings.DAYS_OFF)


def lead_due(ticket: Ticket) -> datetime | None:
    """Until when the lead has to assign a consented Critical; None for any other ticket."""
    if ticket.priority != Priority.CRITICAL or not ticket.is_open:
        return None
    consented = facts(ticket).consented
    if consented is None or consented.decided_at is None:
        return None
    return rules.due_after(consented.decided_at, timedelta(minutes=settings.LEAD_MINUTES), hours())


def lead_is_late(ticket: Ticket, now: datetime | None = None) -> bool:
    """Whether that time has passed and somebody is still wanted: an engineer or a reviewer."""
    due = lead_due(ticket)
    return due is not None and due <= (now or timezone.now()) and is_short_of_people(ticket)


def is_short_of_people(ticket: Ticket) -> bool:
    """Whether the engineer or one of the two reviewers is missing."""
    return ticket.engineer_id is None or len(facts(ticket).reviewers) < rules.REVIEWERS


def candidate(person: Person) -> Candidate:
    """A person as the rules of assignment see one."""
    return Candidate(person.username, str(person), person.role_names, person.is_active)


# --- may they -----------------------------------------------------------------------------------------------


def may(person: By, what: str, ticket: Ticket | None = None) -> Verdict:
    """Whether they may do this (an action's name) with this ticket now; else why not, and who can."""
    verdict = permitted(person, what, ticket)
    if verdict and ticket is not None and (why := not_now(person, what, ticket)):
        return Verdict(False, why)
    return verdict


def require(person: By, what: str, ticket: Ticket | None = None) -> None:
    """Raise Refused when they may not, NotNow when the ticket is not so. Every action begins with it."""
    verdict = permitted(person, what, ticket)
    if not verdict:
        raise Refused(verdict)
    if ticket is not None and (why := not_now(person, what, ticket)):
        raise NotNow(why)


def permitted(person: By, what: str, ticket: Ticket | None = None) -> Verdict:
    """Whether roles (and having reported or proposed it) allow it."""
    verdict = accounts.may(person, PERMISSIONS[what])
    if ticket is None:
        return verdict
    special = _PERMITTED.get(what)
    return special(person, ticket, verdict) if special else verdict


def _assign(person: By, ticket: Ticket, verdict: Verdict) -> Verdict:
    """The lead; in the lead's place product team and owner, once the lead is late on a Critical."""
    if verdict:
        return verdict
    stand_in = accounts.may(person, Permission.STAND_IN_FOR_LEAD)
    if lead_is_late(ticket):
        return Verdict(True) if stand_in else _late(verdict, stand_in)
    if not stand_in:
        return verdict
    due = lead_due(ticket)
    when = f" If nobody is by {_exact(due)}, you may." if due and is_short_of_people(ticket) else ""
    return replace(verdict, reason=verdict.reason + when)


def _late(verdict: Verdict, stand_in: Verdict) -> Verdict:
    """The lead's refusal, to somebody who may not stand in either: who may is said too."""
    may = (
        f" The lead is late, so the product team and owners may too ({stand_in.people})."
        if stand_in.people
        else ""
    )
    return replace(verdict, reason=verdict.reason + may)


def _withdraw(person: By, ticket: Ticket, verdict: Verdict) -> Verdict:
    waiting = facts(ticket).waiting
    if not verdict or waiting is None or waiting.proposed_by.username == person.username:
        return verdict
    who = str(waiting.proposed_by)
    return Verdict(False, f"Only {who}, who proposed Critical, takes the proposal back.", (who,))


def _set_priority(person: By, ticket: Ticket, verdict: Verdict) -> Verdict:
    """Taking back Critical is a product owner's."""
    if not verdict or ticket.priority != Priority.CRITICAL:
        return verdict
    owner = accounts.may(person, Permission.CONSENT_TO_CRITICAL)
    if owner:
        return owner
    words = "A product owner consented to Critical; only a product owner takes it back."
    return replace(owner, reason=words)


def _reopen(person: By, ticket: Ticket, verdict: Verdict) -> Verdict:
    """Whoever may close, and who reported it."""
    if not verdict and ticket.reporter.username == person.username:
        return accounts.may(person, Permission.REPORT_BUGS)
    if not verdict and not verdict.reason.startswith("Only"):
        return verdict
    return replace(verdict, reason=verdict.reason.replace("close a bug", "reopen a bug, or who reported it"))


_PERMITTED: Final[Mapping[str, Callable[[By, Ticket, Verdict], Verdict]]] = {
    "assign": _assign,
    "withdraw": _withdraw,
    "set_priority": _set_priority,
    "reopen": _reopen,
}


# --- is it the moment ---------------------------------------------------------------------------------------


def not_now(person: By, what: str, ticket: Ticket) -> str:
    """Why the ticket is not so that this could be done; empty when it can be."""
    if not ticket.is_open and what not in WHEN_CLOSED:
        return f"{ticket.key} is closed: {ticket.closed_because.rstrip('.')}. Reopen it first."
    question = _NOT_NOW.get(what)
    return question(person, ticket) if question else ""


def _proposing(person: By, ticket: Ticket) -> str:
    if ticket.priority == Priority.CRITICAL:
        return f"{ticket.key} is Critical already."
    waiting = facts(ticket).waiting
    return f"{waiting.proposed_by} proposed Critical already; a product owner decides." if waiting else ""


def _deciding(person: By, ticket: Ticket) -> str:
    known = facts(ticket)
    if known.waiting:
        return ""
    if known.decided is None:
        return f"Nobody asks for consent to {ticket.key}: Critical is not proposed."
    did = "consented" if known.decided.decision == Consent.Decision.CONSENTED else "declined"
    when = wording.ago(known.decided.decided_at, timezone.now()) if known.decided.decided_at else ""
    why = f": {known.decided.reason}" if known.decided.reason else "."
    return f"{known.decided.decided_by} {did} {when}{why}"


def _pricing(person: By, ticket: Ticket) -> str:
    waiting = facts(ticket).waiting
    if waiting is None or accounts.may(person, Permission.CONSENT_TO_CRITICAL):
        return ""
    who = str(waiting.proposed_by)
    return f"{who} proposed Critical: a product owner decides first, or {who} takes the proposal back."


def _refining(person: By, ticket: Ticket) -> str:
    if rules.PATH.index(ticket.stage) >= rules.PATH.index(Stage.REFINED):
        return f"{ticket.key} is refined already."
    waiting = facts(ticket).waiting
    return f"{waiting.proposed_by} proposed Critical: a product owner decides first." if waiting else ""


def _assigning(person: By, ticket: Ticket) -> str:
    if rules.PATH.index(ticket.stage) < rules.PATH.index(Stage.REFINED):
        return "It waits for refinement; only a Critical bug skips the wait."
    return ""


def _taking(person: By, ticket: Ticket) -> str:
    if ticket.engineer is not None:
        mine = ticket.engineer.username == person.username
        return "It is yours already." if mine else f"{ticket.engineer} was first: it is theirs."
    if any(each.person.username == person.username for each in facts(ticket).reviewers):
        return "You review it: nobody reviews their own fix."
    return _volunteering(ticket)


def _reviewing(person: By, ticket: Ticket) -> str:
    here = facts(ticket).reviewers
    if len(here) >= rules.REVIEWERS and all(each.person.username != person.username for each in here):
        return f"{' and '.join(str(each.person) for each in here)} were first: they review it."
    if isinstance(person, Person):
        engineer = candidate(ticket.engineer) if ticket.engineer else None
        why = rules.reviewer_refusal(
            candidate(person),
            engineer=engineer,
            others=[candidate(each.person) for each in here],
            user_facing=ticket.user_facing,
        )
        if why:
            return why
    return _volunteering(ticket)


def _volunteering(ticket: Ticket) -> str:
    if lead_is_late(ticket):
        return ""
    due = lead_due(ticket)
    if due is None:
        return f"The {ROLES[ENGINEERING_LEAD]} assigns; volunteers are wanted when that is late on a Critical bug."
    return f"The {ROLES[ENGINEERING_LEAD]} assigns until {_exact(due)}; after that volunteers are wanted."


def _reopening(person: By, ticket: Ticket) -> str:
    return "" if not ticket.is_open else f"{ticket.key} is open."


def _exact(moment: datetime | None) -> str:
    return wording.exact(moment, timezone.get_current_timezone()) if moment else ""


_NOT_NOW: Final[Mapping[str, Callable[[By, Ticket], str]]] = {
    "propose_critical": _proposing,
    "consent": _deciding,
    "decline": _deciding,
    "withdraw": _deciding,
    "set_priority": _pricing,
    "refine": _refining,
    "assign": _assigning,
    "take": _taking,
    "take_review": _reviewing,
    "reopen": _reopening,
}
