"""Everything the page of one ticket shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms as django_forms
from django.urls import NoReverseMatch, reverse

from opsportal.accounts import queries as accounts
from opsportal.accounts.grants import ROLES
from opsportal.accounts.queries import Person
from opsportal.accounts.rules import Permission
from opsportal.bugs import presenting, queries, rules, standing
from opsportal.bugs.models import Attachment, Stage, Ticket
from opsportal.bugs.presenting_offers import offers
from opsportal.bugs.presenting_timeline import Entry, entries
from opsportal.kit import wording

__all__ = ["assigning", "page"]

#: Tickets that repeat this one, as many as its page names.
MOST_DUPLICATES = 20


@dataclass(frozen=True)
class Station:
    """One stage of the path. ``at``: when it was reached, ``who``: by whom, or who told it."""

    label: str
    look: str
    here: bool
    at: datetime | None
    who: str


@dataclass(frozen=True)
class File:
    """An attachment, without what is in it."""

    name: str
    url: str
    size: str
    by: str
    at: datetime
    is_picture: bool


@dataclass(frozen=True)
class Choice:
    """A person who may be named, or why not."""

    username: str
    name: str
    about: str
    chosen: bool
    why: str


@dataclass(frozen=True)
class Part:
    """One half of the assignment form."""

    name: str
    label: str
    hint: str
    control: str
    #: The design system's class for such a control.
    look: str
    possible: Sequence[Choice]
    impossible: Sequence[Choice]


def page(ticket: Ticket, person: Person, tried: Mapping[str, django_forms.Form]) -> dict[str, Any]:
    """The context of the page. ``tried``: forms that came back with errors, by the deed's name."""
    pulls, story = list(ticket.pull_requests.all()), entries(ticket, person)
    offered = offers(ticket, person, pulls, tried)
    first = offered.made.get(offered.first) if offered.first not in {"comment", "review"} else None
    return {
        "ticket": ticket,
        "move": presenting.whose_move(ticket, pulls),
        "meaning": rules.MEANINGS[ticket.priority],
        "reviewers": standing.facts(ticket).reviewers,
        "asked": standing.facts(ticket).waiting,
        "environment_url": _environment_url(ticket.environment),
        "happens": presenting.markdown(ticket.happens),
        "should": presenting.markdown(ticket.should),
        "steps": presenting.markdown(ticket.steps),
        "duplicates": list(ticket.duplicates.only("pk").order_by("pk")[:MOST_DUPLICATES]),
        "files": _files(ticket),
        "evidence": _evidence(ticket),
        "path": _path(ticket, _names(story)),
        "entries": story,
        "clocks": queries.clocks(ticket),
        "pulls": pulls,
        "open_pull": presenting.open_pull(pulls),
        "offers": offered,
        "first": first,
        "deciding": offered.made.get("decline" if "decline" in tried else "consent"),
        "assigning": _assigning_now(ticket, person, offered.made, tried),
        "may_edit": queries.may(person, "edit", ticket),
    }


def _environment_url(name: str) -> str:
    try:
        return reverse("dashboard:environment", args=[name]) if name else ""
    except NoReverseMatch:
        return ""


def _files(ticket: Ticket) -> list[File]:
    rows = Attachment.objects.filter(ticket=ticket).defer("data").select_related("by")
    return [
        File(
            each.name,
            reverse("bugs:file", args=[ticket.pk, each.pk]),
            wording.size(each.size),
            str(each.by),
            each.at,
            each.content_type.startswith("image/"),
        )
        for each in rows
    ]


def _names(story: Sequence[Entry]) -> dict[str, str]:
    """User name → name, of those in the timeline. A review's is the reviewer's, who told it is GitHub."""
    told = (each.item for each in story if each.item.kind != "review")
    return {each.actor: each.actor_name for each in told}


def _evidence(ticket: Ticket) -> list[dict[str, Any]]:
    """The log entries that came with it; of a traceback the last line says what went wrong, of all else the first."""
    rows = ticket.evidence.get("entries") or []
    return [{**each, "headline": _headline(str(each.get("text", "")))} for each in rows]


def _headline(text: str) -> str:
    lines = text.strip().splitlines() or [""]
    return lines[-1 if "Traceback (most recent call last)" in text else 0]


def _path(ticket: Ticket, names: Mapping[str, str]) -> list[Station]:
    """Every stage in the order of the path. A hotfix is on stable before it is merged: what is skipped shows."""
    reached = {each.stage: each for each in ticket.reached.all()}
    made = []
    for stage in rules.PATH:
        here = stage == ticket.stage
        look = ("running" if here and ticket.is_open else "succeeded") if stage in reached else "pending"
        row = reached.get(stage)
        who = names.get(row.by, row.by) if row else ""
        made.append(Station(Stage(stage).label, look, here, row.at if row else None, who))
    return made


# --- assignment ---------------------------------------------------------------------------------------------


def _assigning_now(
    ticket: Ticket, person: Person, made: Mapping[str, Any], tried: Mapping[str, django_forms.Form]
) -> Sequence[Part]:
    if "assign" not in made or not made["assign"].allowed:
        return []
    if "assign" in tried:
        data: Any = tried["assign"].data
        return assigning(ticket, person, str(data.get("engineer", "")), data.getlist("reviewers"))
    engineer = ticket.engineer.username if ticket.engineer else ""
    return assigning(
        ticket, person, engineer, [each.person.username for each in standing.facts(ticket).reviewers]
    )


def assigning(ticket: Ticket, by: Person, engineer: str, reviewers: Sequence[str]) -> Sequence[Part]:
    """Who ``by`` can name beside those chosen so far, by user name, and why the others cannot be named."""
    people = [person for person, _ in queries.candidates_engineer(ticket)]
    known = {each.username: standing.candidate(each) for each in people}
    working = [
        _choice(each, each.username == engineer, rules.engineer_refusal(each) or _was_first(ticket, by, each))
        for each in known.values()
    ]
    fixing = known.get(engineer)
    chosen: list[rules.Candidate] = []
    for each in (known[name] for name in reviewers if name in known):
        if not _refusal(ticket, each, fixing, chosen):
            chosen.append(each)
    reading = [
        _choice(each, each in chosen, _refusal(ticket, each, fixing, [one for one in chosen if one != each]))
        for each in known.values()
    ]
    hint = "Two, neither of them the engineer."
    if names := " and ".join(str(each.person) for each in standing.facts(ticket).reviewers if stands_in(by)):
        hint += f" {names} took a review first and stays."
    if ticket.user_facing:
        hint += " One may be a designer: users see this bug."
    return [
        _part("engineer", "Engineer", "", "radio", working),
        _part("reviewers", "Reviewers", hint, "checkbox", reading),
    ]


def stands_in(by: Person) -> bool:
    """Whether they assign in the lead's place: they fill what is free and take nothing from volunteers."""
    return not accounts.may(by, Permission.ASSIGN_BUGS)


def _was_first(ticket: Ticket, by: Person, each: rules.Candidate) -> str:
    first = ticket.engineer
    if first is None or first.username == each.username or not stands_in(by):
        return ""
    return f"{each.name}: {first} took it first; only the engineering lead names somebody else."


def _refusal(
    ticket: Ticket, each: rules.Candidate, engineer: rules.Candidate | None, others: Sequence[rules.Candidate]
) -> str:
    why = rules.reviewer_refusal(each, engineer=engineer, others=others, user_facing=ticket.user_facing)
    if not why and len(others) >= rules.REVIEWERS:
        why = "two are chosen already; take one of them away first."
    return why if not why or why.startswith(each.name) else f"{each.name}: {why}"


def _choice(each: rules.Candidate, chosen: bool, why: str) -> Choice:
    about = ", ".join(words for role, words in ROLES.items() if role in each.roles)
    return Choice(each.username, each.name, about, chosen and not why, why)


_LOOKS = {"radio": "usa-radio", "checkbox": "usa-checkbox"}


def _part(name: str, label: str, hint: str, control: str, choices: Sequence[Choice]) -> Part:
    possible = [each for each in choices if not each.why]
    return Part(name, label, hint, control, _LOOKS[control], possible, [each for each in choices if each.why])
