"""Priority, the product owner's word on Critical, and refinement (product.md, Bug tickets)."""

from collections.abc import Mapping

from opsportal.accounts import queries as accounts
from opsportal.accounts.queries import By, Person
from opsportal.accounts.rules import Permission
from opsportal.bugs import rules, standing, telling, texts
from opsportal.bugs.changing import Change, changing
from opsportal.bugs.errors import BadTicket, NotNow
from opsportal.bugs.models import Consent, Priority, Stage, Ticket


def is_product_owner(by: By) -> bool:
    """Whether their word makes a bug Critical."""
    return bool(accounts.may(by, Permission.CONSENT_TO_CRITICAL))


def propose_critical(*, ticket: Ticket, by: Person, breaks: str, for_whom: str, since: str) -> Consent:
    """Ask a product owner whether it is Critical; High until then. Raises Refused, NotNow or BadTicket."""
    given = {"breaks": breaks, "for_whom": for_whom, "since": since}
    with changing(ticket, by, "propose_critical") as change:
        made = put_proposal(change, texts.clean(given, texts.PROPOSAL_FIELDS))
        before, change.ticket.priority = change.ticket.priority, rules.UNTIL_CONSENT
        change.details = {"consent": made.pk, "from": before}
    return made


def consent(*, ticket: Ticket, by: Person, reason: str = "") -> Consent:
    """A product owner's yes: Critical, and refined with it. Raises Refused; NotNow when somebody was first (says who)."""
    with changing(ticket, by, "consent") as change:
        reason = texts.one("reason", reason, texts.Field("a reason", texts.REASON, required=False))
        return _decide(change, Consent.Decision.CONSENTED, reason, rules.CRITICAL)


def decline(*, ticket: Ticket, by: Person, reason: str, priority: str) -> Consent:
    """A product owner's no, with a reason and the priority it has instead. Raises Refused, NotNow or BadTicket."""
    with changing(ticket, by, "decline") as change:
        reason = texts.one("reason", reason, texts.REASON_FIELD)
        if priority not in rules.PRIORITIES or priority == rules.CRITICAL:
            raise BadTicket({"priority": "Choose the priority it has instead: high, medium or low."})
        return _decide(change, Consent.Decision.DECLINED, reason, priority)


def withdraw(*, ticket: Ticket, by: Person) -> Consent:
    """Who proposed Critical takes it back; it stays High. Raises Refused or NotNow."""
    with changing(ticket, by, "withdraw") as change:
        return _decide(change, Consent.Decision.WITHDRAWN, "", change.ticket.priority)


def set_priority(*, ticket: Ticket, by: By, priority: str, reason: str) -> Ticket:
    """Another priority, with a reason that is kept. Raises Refused, NotNow or BadTicket.

    A product owner who sets one while Critical is proposed decides with it.
    """
    with changing(ticket, by, "set_priority") as change:
        reason = texts.one("reason", reason, texts.Field("why the priority changes", texts.REASON))
        here = change.ticket
        waiting = standing.facts(here).waiting
        current = "" if waiting else here.priority
        owner = is_product_owner(by)
        if why := rules.priority_refusal(current, priority, is_product_owner=owner, reason=reason):
            raise BadTicket({"priority": why})
        if waiting and isinstance(by, Person):
            yes = priority == rules.CRITICAL
            _decide(
                change, Consent.Decision.CONSENTED if yes else Consent.Decision.DECLINED, reason, priority
            )
            return here
        change.reason, change.details = reason, {"from": here.priority, "to": priority}
        change.event("priority", {"from": here.priority, "to": priority, "reason": reason})
        here.priority = priority
        change.reach(Stage.TRIAGED)
        if priority == rules.CRITICAL:
            put_consented(change, {"breaks": reason}, reason)
    return change.ticket


def refine(*, ticket: Ticket, by: By) -> Ticket:
    """The meeting has been through it; it may be assigned. Raises Refused or NotNow."""
    with changing(ticket, by, "refine") as change:
        change.reach(Stage.TRIAGED)
        change.reach(Stage.REFINED)
        change.event("refined")
    return change.ticket


def put_proposal(change: Change, given: Mapping[str, str]) -> Consent:
    """Ask for consent inside a change that is under way."""
    made = Consent.objects.create(
        ticket=change.ticket, proposed_by=_person(change.by), proposed_at=change.now, **given
    )
    change.event("critical_proposed", {"consent": made.pk, **given})
    ticket = change.ticket
    change.tell(lambda: telling.critical_created(ticket, made))
    change.tell(lambda: telling.consent_asked(ticket, made))
    return made


def put_consented(change: Change, given: Mapping[str, str], reason: str = "") -> Consent:
    """A product owner says Critical without being asked: it counts at once, and refines."""
    by, ticket = _person(change.by), change.ticket
    known = {name: given.get(name, "") for name in texts.PROPOSAL_FIELDS}
    made = Consent.objects.create(
        ticket=ticket, proposed_by=by, proposed_at=change.now, decision=Consent.Decision.CONSENTED,
        decided_by=by, decided_at=change.now, reason=reason, **{**known, "breaks": known["breaks"] or ticket.title},
    )  # fmt: skip
    change.reach(Stage.TRIAGED)
    change.reach(Stage.REFINED)
    change.event("consented", {"consent": made.pk, "reason": reason, "unasked": True})
    change.tell(lambda: telling.critical_created(ticket, made))
    return made


def _decide(change: Change, decision: Consent.Decision, reason: str, priority: str) -> Consent:
    """The first decision wins: only a consent that still waits is written."""
    waiting = standing.facts(change.ticket).waiting
    if waiting is None:
        raise NotNow("It is decided already.")
    values = {
        "decision": decision, "reason": reason, "decided_by": _person(change.by), "decided_at": change.now,
        "other_priority": priority if decision == Consent.Decision.DECLINED else "",
    }  # fmt: skip
    if not Consent.objects.filter(pk=waiting.pk, decision="").update(**values):
        raise NotNow("Somebody has decided it just now.")
    waiting.refresh_from_db()
    ticket = change.ticket
    ticket.priority = priority
    change.reason, change.details = reason, {"consent": waiting.pk, "priority": priority}
    change.reach(Stage.TRIAGED)
    if priority == Priority.CRITICAL:
        change.reach(Stage.REFINED)
    change.event(str(decision), {"consent": waiting.pk, "reason": reason, "priority": priority})
    if decision != Consent.Decision.WITHDRAWN:
        change.tell(lambda: telling.decided(ticket, waiting))
    return waiting


def _person(by: By) -> Person:
    if not isinstance(by, Person):
        raise TypeError("Only a person proposes and decides.")
    return by
