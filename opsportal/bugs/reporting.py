"""Reporting a bug, and saying it better later."""

from collections.abc import Mapping, Sequence
from typing import Final

from django.db import transaction

from opsportal.accounts.queries import By, Person
from opsportal.bugs import attachments, priorities, rules, standing, texts
from opsportal.bugs.changing import Change, changing
from opsportal.bugs.errors import BadTicket, Stale
from opsportal.bugs.models import FoundBy, Priority, Stage, Ticket

#: What is said of a bug and may be said better. Its priority and its people are changed by actions of their own.
EDITED: Final = frozenset({*texts.TICKET_FIELDS, "environment", "found_by", "user_facing"})
#: Longest old and new value that a change is told with.
_TOLD = 500


def report(
    *,
    by: Person,
    title: str,
    happens: str,
    should: str,
    priority: str,
    steps: str = "",
    environment: str = "",
    found_by: str = FoundBy.TEAM,
    user_facing: bool = True,
    evidence: Mapping[str, object] | None = None,
    breaks: str = "",
    for_whom: str = "",
    since: str = "",
    files: Sequence[tuple[str, bytes]] = (),
) -> Ticket:
    """A new ticket with a priority at once (product.md, Bug tickets). Raises Refused or BadTicket.

    Critical by a product owner counts at once; by anybody else it is proposed (``breaks``, ``for_whom`` and ``since``
    are needed then) and the ticket is High until a product owner consents. ``files``: (name, content) each.
    """
    standing.require(by, "report")
    values = _checked(
        {
            "title": title, "happens": happens, "should": should, "steps": steps, "environment": environment,
            "found_by": found_by, "priority": priority,
        }
    )  # fmt: skip
    proposes = priority == rules.CRITICAL and not priorities.is_product_owner(by)
    proposal = {"breaks": breaks, "for_whom": for_whom, "since": since}
    proposal = texts.clean(
        proposal, texts.PROPOSAL_FIELDS if proposes else texts.optional(texts.PROPOSAL_FIELDS)
    )
    looked_at = attachments.look_at_all(files)
    with transaction.atomic():
        ticket = Ticket.objects.create(
            **{**values, "priority": rules.UNTIL_CONSENT if proposes else priority},
            user_facing=user_facing, evidence=texts.evidence(evidence), reporter=by, version=0,
        )  # fmt: skip
        change = Change(ticket, by, "report", now=ticket.reported_at)
        change.details = {"title": ticket.title, "priority": priority, "environment": ticket.environment}
        change.reach(Stage.REPORTED)
        change.event("reported", {"priority": ticket.priority})
        for each in looked_at:
            attachments.put(change, by, each)
        if proposes:
            priorities.put_proposal(change, proposal)
        else:
            change.reach(Stage.TRIAGED)
        if ticket.priority == Priority.CRITICAL:
            priorities.put_consented(change, proposal)
        change.keep()
    return ticket


def edit(*, ticket: Ticket, by: By, version: int, **fields: object) -> Ticket:
    """Say it better: any of title, happens, should, steps, environment, found_by, user_facing. Raises Refused, BadTicket.

    ``version``: the ticket's when the form was opened. Stale when somebody has edited it since; what else happened to
    it (a comment, a review) takes nobody's words away.
    """
    if unknown := fields.keys() - EDITED:
        raise TypeError(f"No {', '.join(sorted(unknown))} can be edited.")
    with changing(ticket, by, "edit") as change:
        _fresh(change.ticket, version)
        wanted = _checked(fields)
        if "user_facing" in fields:
            wanted["user_facing"] = bool(fields["user_facing"])
        before = {name: getattr(change.ticket, name) for name in wanted}
        differ = {name: value for name, value in wanted.items() if value != before[name]}
        change.nothing = not differ
        for name, value in differ.items():
            setattr(change.ticket, name, value)
        was = {name: [_short(before[name]), _short(value)] for name, value in differ.items()}
        change.event("edited", {"fields": was})
        change.details = {"fields": was}
        _still_allowed(change.ticket, differ)
    return change.ticket


def _checked(given: Mapping[str, object]) -> dict[str, object]:
    """The fields of a ticket that are given, fit to be kept. Raises BadTicket naming every one that is not."""
    wrong: dict[str, str] = {}
    kept: dict[str, object] = {}
    try:
        kept.update(texts.clean(given, texts.TICKET_FIELDS))
    except BadTicket as bad:
        wrong.update(bad.fields)
    if "environment" in given:
        try:
            kept["environment"] = texts.environment(str(given["environment"] or ""))
        except BadTicket as bad:
            wrong.update(bad.fields)
    for name, values in (("found_by", FoundBy.values), ("priority", list(rules.PRIORITIES))):
        if name in given:
            kept[name] = given[name]
            if given[name] not in values:
                wrong[name] = "Choose one."
    if wrong:
        raise BadTicket(wrong)
    return kept


def _fresh(ticket: Ticket, version: int) -> None:
    if version == ticket.version:
        return
    since = ticket.events.filter(kind="edited", details__version__gt=version).order_by("-at", "-id")
    changed = list(since)
    if changed or version > ticket.version:
        who = changed[0].actor_name if changed else "Somebody"
        raise Stale(who, tuple(sorted({name for each in changed for name in each.details.get("fields", {})})))


def _still_allowed(ticket: Ticket, differ: Mapping[str, object]) -> None:
    """A designer reviews only what users see: that cannot be taken away under their feet."""
    if "user_facing" not in differ or ticket.user_facing:
        return
    for each in standing.facts(ticket).reviewers:
        if not each.person.role_names & rules.ENGINEERS:
            raise BadTicket(
                {"user_facing": f"{each.person} reviews it as a designer; assign another reviewer first."}
            )


def _short(value: object) -> object:
    if not isinstance(value, str):
        return value
    return value if len(value) <= _TOLD else value[: _TOLD - 1] + "…"
