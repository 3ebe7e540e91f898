"""Refinement: the list for the meeting, worked through by keyboard; on a phone one ticket at a time."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from opsportal.accounts.gates import permitted, person_of
from opsportal.accounts.queries import Person
from opsportal.accounts.rules import Permission, Verdict
from opsportal.bugs import actions, queries, rules
from opsportal.bugs.errors import BadTicket
from opsportal.bugs.models import Priority, Ticket

BAD = 422
SHOWN = 50


class RefineForm(forms.Form):
    """What the meeting decides about one ticket. A reason is needed where the priority changes."""

    priority = forms.ChoiceField(choices=Priority.choices)
    reason = forms.CharField(
        required=False, max_length=2000, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


@dataclass(frozen=True)
class Row:
    """One ticket of the list. ``is_here``: the one that a phone shows and that has the focus."""

    ticket: Ticket
    form: RefineForm
    verdict: Verdict
    is_here: bool
    before: int
    after: int

    @property
    def priorities(self) -> list[tuple[int, str, str, str, bool]]:
        """Each priority as ``(its key on the keyboard, value, its name, what it means, chosen)``."""
        chosen = self.form["priority"].value()
        return [
            (key, value, label, rules.MEANINGS[value], value == chosen)
            for key, (value, label) in enumerate(Priority.choices, 1)
        ]


@permitted(Permission.REPORT_BUGS)
@require_http_methods(["GET", "POST"])
def refinement(request: HttpRequest) -> HttpResponse:
    """What waits for refinement; a POST sets a priority or says that a ticket is refined. ``?at=``: which is next."""
    if request.method == "POST":
        return _decide(request)
    return _page(request, _number(request.GET.get("at", "")))


def _page(request: HttpRequest, at: int, refused: RefineForm | None = None) -> HttpResponse:
    person = person_of(request)
    waiting = list(queries.for_refinement())
    tickets = waiting[:SHOWN]
    numbers = [each.pk for each in tickets]
    here = at if at in numbers else next(iter(numbers), 0)
    rows = [_row(tickets, place, here, person, refused) for place in range(len(tickets))]
    context: dict[str, Any] = {
        "rows": rows,
        "waiting": len(waiting),
        "more": len(waiting) - len(rows),
        "place": numbers.index(here) + 1 if here else 0,
        "focus": bool(at),
        "refused": refused if refused is not None and at not in numbers else None,
    }
    return render(request, "bugs/refinement.html", context, status=BAD if refused else 200)


def _row(tickets: list[Ticket], place: int, here: int, person: Person, refused: RefineForm | None) -> Row:
    ticket = tickets[place]
    is_here = ticket.pk == here
    form = refused if refused is not None and is_here else _form(ticket)
    return Row(
        ticket,
        form,
        queries.may(person, "refine", ticket),
        is_here,
        tickets[place - 1].pk if place else 0,
        tickets[place + 1].pk if place + 1 < len(tickets) else 0,
    )


def _form(ticket: Ticket, said: Any = None) -> RefineForm:
    return RefineForm(
        said, initial={"priority": ticket.priority}, auto_id=f"id_{ticket.pk}_%s", label_suffix=""
    )


def _decide(request: HttpRequest) -> HttpResponse:
    ticket = queries.ticket(_number(request.POST.get("ticket", "")))
    if ticket is None:
        messages.error(request, "There is no such ticket.")
        return redirect("bugs:refinement")
    form = _form(ticket, request.POST)
    refined = request.POST.get("do") == "refined"
    following = _after(ticket.pk) if refined else ticket.pk
    if not form.is_valid():
        return _page(request, ticket.pk, form)
    try:
        words = _carry_out(ticket, person_of(request), form.cleaned_data, refined=refined)
    except BadTicket as bad:
        for name, why in bad.fields.items():
            form.add_error(name if name in form.fields else None, why)
        return _page(request, ticket.pk, form)
    messages.success(request, words)
    return redirect(reverse("bugs:refinement") + (f"?at={following}" if following else ""))


def _carry_out(ticket: Ticket, person: Person, said: dict[str, str], *, refined: bool) -> str:
    """What the meeting decided, in words. A priority that was chosen counts whichever button was pressed."""
    wanted = said["priority"]
    changes = wanted != ticket.priority
    if changes or not refined:
        actions.set_priority(ticket=ticket, by=person, priority=wanted, reason=said["reason"])
    if not refined:
        return f"{ticket.key} is {wanted.capitalize()}."
    actions.refine(ticket=ticket, by=person)
    return f"{ticket.key} is refined" + (f" and {wanted.capitalize()}." if changes else ".")


def _after(number: int) -> int:
    """The ticket that follows in the list; 0 when it was the last."""
    numbers = [each.pk for each in queries.for_refinement()][:SHOWN]
    place = numbers.index(number) if number in numbers else -1
    return numbers[place + 1] if 0 <= place < len(numbers) - 1 else 0


def _number(said: str) -> int:
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0
