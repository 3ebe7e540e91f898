"""Reporting a bug in under a minute: what is known is filled in, likely duplicates show while one types."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from opsportal.accounts import queries as accounts
from opsportal.accounts.gates import permitted, person_of
from opsportal.accounts.queries import Person
from opsportal.accounts.rules import Permission
from opsportal.bugs import actions as bugs
from opsportal.bugs import queries as tickets
from opsportal.bugs.errors import BadTicket
from opsportal.dashboard import report_evidence
from opsportal.dashboard.report_form import ReportForm
from opsportal.environments import queries as environments
from opsportal.environments.queries import Environment

BAD = 422
ALIKE, SHORTEST, TEXT = 5, 8, 2_000
#: A form that is sent twice (a double click, a reload) makes one ticket: for this long its number is remembered.
ONCE_SECONDS = 3600

report_bugs = permitted(Permission.REPORT_BUGS)


@report_bugs
@require_http_methods(["GET", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """The form, prefilled from ``?environment=``, ``?entry=`` (a log entry) or ``?operation=``; a POST reports.

    ``look`` among what is posted only looks again: for duplicates and evidence, where no script does.
    """
    person = person_of(request)
    if request.method == "GET":
        return _page(request, _prefilled(request, person), person)
    form = _form(person, request.POST, request.FILES)
    if "look" in request.POST:
        return _page(request, _form(person, initial=_typed(request)), person)
    if not form.is_valid():
        return _page(request, form, person, status=BAD)
    once = f"report:{person.pk}:{form.cleaned_data['once'] or uuid4()}"
    if not cache.add(once, 0, ONCE_SECONDS):
        return _already(request, form, person, cache.get(once))
    try:
        ticket = bugs.report(by=person, **form.given(), **_attached(form))
    except BadTicket as bad:
        cache.delete(once)
        form.say(bad.fields)
        return _page(request, form, person, status=BAD)
    except Exception:
        cache.delete(once)
        raise
    cache.set(once, ticket.pk, ONCE_SECONDS)
    messages.success(request, _said(ticket.key, form, person))
    return _to_ticket(request, ticket.pk)


@report_bugs
@require_POST
def alike(request: HttpRequest) -> HttpResponse:
    """The fragment with tickets that are likely the same bug. Posted: what is typed stands in no address."""
    found = _alike(request.POST.get("title", ""), request.POST.get("happens", ""), request.POST)
    return render(request, "dashboard/report.html#alike", {"alike": found})


@report_bugs
@require_POST
def evidence(request: HttpRequest) -> HttpResponse:
    """The fragment with what would be attached for the environment that is chosen now."""
    form = _form(person_of(request), initial=_typed(request))
    return render(request, "dashboard/report.html#evidence", _evidence_context(form))


def _form(person: Person, *said: Any, **more: Any) -> ReportForm:
    names = list(Environment.objects.order_by("name").values_list("name", flat=True))
    decides = bool(accounts.may(person, Permission.CONSENT_TO_CRITICAL))
    return ReportForm(*said, environments=names, decides=decides, **more)


def _typed(request: HttpRequest) -> dict[str, Any]:
    """What stands in the form, not judged yet; a box that is not ticked is not sent."""
    ticked = {name: name in request.POST for name in ("user_facing", "attach_evidence")}
    return request.POST.dict() | ticked


def _prefilled(request: HttpRequest, person: Person) -> ReportForm:
    said = {name: request.GET.get(name, "")[:100] for name in ("environment", "entry", "operation")}
    environment = environments.find(said["environment"])
    source = report_evidence.source_of(environment, said["entry"], said["operation"])
    known = {"title": source.title, "happens": source.happens, "once": uuid4()}
    return _form(person, initial=said | known)


def _page(request: HttpRequest, form: ReportForm, person: Person, status: int = 200) -> HttpResponse:
    title, happens = (str(form[name].value() or "") for name in ("title", "happens"))
    verdict = accounts.may(person, Permission.CONSENT_TO_CRITICAL)
    is_part = bool(request.htmx)  # type: ignore[attr-defined]
    context = {
        "form": form,
        "alike": _alike(title, happens, {"environment": form["environment"].value() or ""}),
        "decides": form.decides,
        "who_decides": verdict.people,
        "lost_files": "" if is_part else _lost(form),
        **_evidence_context(form),
    }
    if is_part:  # the form alone, in its place: files that were chosen stay chosen. htmx shows no 4xx
        return render(request, "dashboard/report.html#form", context)
    return render(request, "dashboard/report.html", context, status=status)


def _to_ticket(request: HttpRequest, number: int) -> HttpResponse:
    answer = redirect("bugs:ticket", number)
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(status=204, headers={"HX-Redirect": answer["Location"]})
    return answer


def _evidence_context(form: ReportForm) -> dict[str, Any]:
    environment = environments.find(str(form["environment"].value() or ""))
    found = _evidence(environment, form) if environment else None
    return {"form": form, "environment": environment, "evidence": found}


def _evidence(environment: Environment, form: ReportForm) -> dict[str, Any]:
    entry, operation = (str(form[name].value() or "") for name in ("entry", "operation"))
    return report_evidence.gather(environment, report_evidence.source_of(environment, entry, operation))


def _alike(title: str, happens: str, said: Any) -> Sequence[Any]:
    """By all that is said, and by the title alone: a traceback that was filled in must not drown a good title."""
    environment = str(said.get("environment", ""))[:63]
    found: dict[int, Any] = {}
    for text in dict.fromkeys(each[:TEXT].strip() for each in (f"{title} {happens}", title)):
        if len(text) >= SHORTEST:
            for each in tickets.duplicates(text, environment, limit=ALIKE):
                found.setdefault(each.ticket.pk, each)
    return list(found.values())[:ALIKE]


def _lost(form: ReportForm) -> str:
    """What must be chosen again when a whole page answers: a browser fills no file in by itself."""
    names = [each.name or "a file" for each in form.files.getlist("files")] if form.files else []
    return (
        f"A browser does not send the same files again by itself. They were: {', '.join(names)}."
        if names
        else ""
    )


def _attached(form: ReportForm) -> dict[str, Any]:
    """Evidence and files as the action takes them. The evidence is gathered when the ticket is made."""
    said = form.cleaned_data
    environment = environments.find(said["environment"]) if said["attach_evidence"] else None
    return {
        "evidence": _evidence(environment, form) if environment else None,
        "files": [(each.name, each.read()) for each in said["files"]],
    }


def _said(key: str, form: ReportForm, person: Person) -> str:
    if not form.asks_for_consent:
        return f"{key} is reported."
    who = accounts.may(person, Permission.CONSENT_TO_CRITICAL).people or "a product owner"
    return (
        f"{key} is reported. Critical is proposed: it counts when {who} consents, and until then it is High."
    )


def _already(request: HttpRequest, form: ReportForm, person: Person, number: int | None) -> HttpResponse:
    """The second sending of one form: to the ticket that the first one made."""
    if number:
        return _to_ticket(request, number)
    form.add_error(None, "This report is being saved already. Look at the list of tickets in a moment.")
    return _page(request, form, person, status=BAD)
