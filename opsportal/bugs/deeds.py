"""What may be done to a ticket from its page: each with its words, its form and the action it comes down to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms as django_forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest

from opsportal.accounts import queries as accounts
from opsportal.accounts.queries import Person
from opsportal.accounts.rules import Permission
from opsportal.bugs import actions, forms, queries, rules
from opsportal.bugs.errors import BadTicket
from opsportal.bugs.models import Ticket

Said = Mapping[str, Any]


@dataclass(frozen=True)
class Deed:
    """One thing to do. ``what``: the action's name, as ``queries.may`` knows it. ``done``: what is said afterwards."""

    what: str
    label: str
    button: str
    form: type[django_forms.Form]
    do: Callable[[Ticket, Person, Said], object]
    done: str

    def bound(self, request: HttpRequest, slug: str, ticket: Ticket) -> django_forms.Form:
        """The form with what was sent."""
        options = form_options(self.form, ticket, request.user)
        return self.form(request.POST, request.FILES, auto_id=f"{slug}-%s", label_suffix="", **options)

    def empty(self, slug: str, ticket: Ticket, person: Person) -> django_forms.Form:
        """The form as it is offered."""
        options = form_options(self.form, ticket, person)
        return self.form(auto_id=f"{slug}-%s", label_suffix="", **options)


def form_options(form: type[django_forms.Form], ticket: Ticket, person: Any) -> dict[str, Any]:
    """What a form needs to know beside what was typed."""
    if form is forms.PriorityForm:
        critical = bool(accounts.may(person, Permission.CONSENT_TO_CRITICAL))
        return {"critical": critical, "initial": {"priority": ticket.priority}}
    return {}


def attach_all(ticket: Ticket, by: Person, files: "list[UploadedFile[Any]]") -> None:
    """Keep each file."""
    for each in files:
        actions.attach(ticket=ticket, by=by, name=each.name or "file", content=each.read())


def _comment(ticket: Ticket, by: Person, said: Said) -> None:
    """Words and files together, or nothing of them."""
    with transaction.atomic():
        attach_all(ticket, by, said["file"])
        if said["body"]:
            actions.comment(ticket=ticket, by=by, body=said["body"])


def _assign(ticket: Ticket, by: Person, said: Said) -> None:
    engineer = accounts.person_named(said["engineer"])
    reviewers = [accounts.person_named(each) for each in said["reviewers"]]
    found = [each for each in reviewers if each is not None]
    if engineer is None:
        raise BadTicket({"engineer": f"There is nobody called {said['engineer']}."})
    if len(found) < len(reviewers):
        raise BadTicket({"reviewers": "One of them is nobody the portal knows."})
    actions.assign(ticket=ticket, by=by, engineer=engineer, reviewers=found)


def _close(ticket: Ticket, by: Person, said: Said) -> None:
    original = _named(said["duplicate_of"])
    reason = said["reason"] or (f"Repeats {original.key}." if original else "")
    actions.close(ticket=ticket, by=by, reason=reason, duplicate_of=original)


def _named(key: str) -> Ticket | None:
    """The ticket of a number or key as people type one. Raises BadTicket."""
    if not key:
        return None
    digits = key.strip().lstrip("#")
    numbers = [int(digits)] if digits.isascii() and digits.isdigit() and len(digits) < 10 else _keys(key)
    found = queries.ticket(numbers[0]) if len(numbers) == 1 else None
    if found is None:
        raise BadTicket({"duplicate_of": f"There is no ticket “{key}”."})
    return found


def _keys(text: str) -> list[int]:
    return rules.keys_in([text], settings.TICKET_PREFIX)


#: The last part of an address → the deed.
DEEDS: Final[Mapping[str, Deed]] = {
    "consent": Deed(
        "consent", "Consent to Critical", "Consent", forms.DecideForm,
        lambda ticket, by, said: actions.consent(ticket=ticket, by=by, reason=said["reason"]),
        "You consented: it is Critical now.",
    ),
    "decline": Deed(
        "decline", "Decline Critical", "Decline", forms.DecideForm,
        lambda ticket, by, said: actions.decline(
            ticket=ticket, by=by, reason=said["reason"], priority=said["priority"]
        ),
        "You declined; whoever proposed it is told why.",
    ),
    "withdraw": Deed(
        "withdraw", "Take the proposal back", "Take the proposal back", forms.NothingForm,
        lambda ticket, by, said: actions.withdraw(ticket=ticket, by=by),
        "The proposal is taken back.",
    ),
    "assign": Deed(
        "assign", "Assign", "Assign", forms.AssignForm, _assign, "Assigned; those who are new to it are told.",
    ),
    "take": Deed(
        "take", "I take it", "I take it", forms.NothingForm,
        lambda ticket, by, said: actions.take(ticket=ticket, by=by),
        "It is yours.",
    ),
    "take-review": Deed(
        "take_review", "I review it", "I review it", forms.NothingForm,
        lambda ticket, by, said: actions.take_review(ticket=ticket, by=by),
        "You review it.",
    ),
    "refine": Deed(
        "refine", "Mark as refined", "Mark as refined", forms.NothingForm,
        lambda ticket, by, said: actions.refine(ticket=ticket, by=by),
        "It is refined and can be assigned.",
    ),
    "priority": Deed(
        "set_priority", "Change the priority", "Change the priority", forms.PriorityForm,
        lambda ticket, by, said: actions.set_priority(
            ticket=ticket, by=by, priority=said["priority"], reason=said["reason"]
        ),
        "The priority is changed.",
    ),
    "propose": Deed(
        "propose_critical", "Propose Critical", "Propose Critical", forms.ProposeForm,
        lambda ticket, by, said: actions.propose_critical(ticket=ticket, by=by, **said),
        "Critical is proposed; the product owners are asked. Until one consents it counts as High.",
    ),
    "comment": Deed("comment", "Comment", "Comment", forms.CommentForm, _comment, ""),
    "attach": Deed(
        "attach", "Attach files", "Attach", forms.AttachForm,
        lambda ticket, by, said: attach_all(ticket, by, said["file"]),
        "Attached.",
    ),
    "close": Deed("close", "Close", "Close the ticket", forms.CloseForm, _close, "Closed."),
    "reopen": Deed(
        "reopen", "Reopen", "Reopen the ticket", forms.ReasonForm,
        lambda ticket, by, said: actions.reopen(ticket=ticket, by=by, reason=said["reason"]),
        "Open again.",
    ),
}  # fmt: skip
