"""Approvals: a product owner decides in one minute, on a phone (pages.md). Everybody may read what was decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods

from opsportal.accounts import queries as accounts
from opsportal.accounts.gates import permitted, person_of
from opsportal.accounts.queries import Person
from opsportal.accounts.rules import Permission
from opsportal.bugs import actions, queries
from opsportal.bugs.errors import BadTicket, NotNow
from opsportal.bugs.forms import DecideForm
from opsportal.bugs.models import Consent

BAD = 422
SHOWN = 20


@dataclass(frozen=True)
class Card:
    """One decision that waits, with the form in which it is taken."""

    consent: Consent
    form: DecideForm


@permitted(Permission.REPORT_BUGS)
@require_http_methods(["GET", "POST"])
def approvals(request: HttpRequest) -> HttpResponse:
    """What waits for a product owner, one card each; a POST decides. ``?since=``: what happened meanwhile."""
    if request.htmx and request.method == "GET":  # type: ignore[attr-defined]
        return render(request, "bugs/approvals.html#meanwhile", _meanwhile(request))
    if request.method == "POST":
        return _decide(request)
    return _page(request)


def _page(request: HttpRequest, refused: DecideForm | None = None, ticket: int = 0) -> HttpResponse:
    cards = [
        _card(each, refused if each.ticket_id == ticket else None) for each in queries.waiting_consents()
    ]
    # A refusal about a card that is gone (decided meanwhile) has nowhere else to stand.
    shown = {card.consent.ticket_id for card in cards}
    context = {
        "cards": cards,
        "may": accounts.may(person_of(request), Permission.CONSENT_TO_CRITICAL),
        "decided": _decided()[:SHOWN],
        "refused": refused if refused is not None and ticket not in shown else None,
        "now": timezone.now().isoformat(),
    }
    return render(request, "bugs/approvals.html", context, status=BAD if refused else 200)


def _card(consent: Consent, form: DecideForm | None) -> Card:
    return Card(consent, form or DecideForm(auto_id=f"id_{consent.ticket_id}_%s", label_suffix=""))


def _decided() -> QuerySet[Consent]:
    related = Consent.objects.select_related("ticket", "proposed_by", "decided_by")
    return related.exclude(decision=Consent.Decision.WAITING).order_by("-decided_at", "-id")


def _meanwhile(request: HttpRequest) -> dict[str, Any]:
    """What was decided and what was asked for since the page was opened, by others."""
    since = _moment(request.GET.get("since", ""))
    asked = [each for each in queries.waiting_consents() if each.proposed_at > since]
    decided = _decided().filter(decided_at__gt=since).exclude(decided_by=person_of(request))
    return {"asked": asked, "meanwhile": decided[:SHOWN], "now": since.isoformat()}


def _moment(said: str) -> datetime:
    try:
        found = parse_datetime(said)
    except ValueError:
        found = None
    return found if found is not None and timezone.is_aware(found) else timezone.now()


def _decide(request: HttpRequest) -> HttpResponse:
    number = request.POST.get("ticket", "")
    ticket = (
        queries.ticket(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
    )
    if ticket is None:
        messages.error(request, "There is no such ticket.")
        return redirect("bugs:approvals")
    form = DecideForm(request.POST, auto_id=f"id_{ticket.pk}_%s", label_suffix="")
    if form.is_valid():
        try:
            words = _carry_out(
                request.POST.get("decision", ""), ticket, person_of(request), form.cleaned_data
            )
        except NotNow as late:  # its card is gone from the page: say whose answer it is
            _say(form, {"": f"{ticket.key}: {late}"})
        except BadTicket as bad:
            _say(form, bad.fields)
        else:
            messages.success(request, words)
            return redirect("bugs:approvals")
    return _page(request, form, ticket.pk)


def _carry_out(decision: str, ticket: Any, person: Person, said: Mapping[str, str]) -> str:
    """The decision, and what became of it in words. Raises BadTicket when it does not count."""
    if decision == "consent":
        actions.consent(ticket=ticket, by=person, reason=said["reason"])
        return f"{ticket.key} is Critical. Those who work on it are told."
    if decision == "decline":
        actions.decline(ticket=ticket, by=person, reason=said["reason"], priority=said["priority"])
        return f"Critical is declined; {ticket.key} is {said['priority'].capitalize()}."
    raise BadTicket({"decision": "Say whether you consent or decline."})


def _say(form: DecideForm, refused: Mapping[str, str]) -> None:
    for name, words in refused.items():
        form.add_error(name if name in form.fields else None, words)
