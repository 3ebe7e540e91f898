"""A ticket's page, what is done to it, and its files: authorise, parse, one action, render."""

from collections.abc import Mapping
from typing import Any, Final

from django import forms as django_forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from opsportal.accounts.gates import Refused, permitted, person_of
from opsportal.accounts.rules import Permission
from opsportal.bugs import actions, forms, presenting, presenting_page, queries, standing
from opsportal.bugs.deeds import DEEDS
from opsportal.bugs.errors import BadTicket, NotNow, Stale
from opsportal.bugs.models import Attachment, Comment, Ticket

CHANGED, BAD = 409, 422

see = permitted(Permission.SEE_ENVIRONMENTS)


def found(number: int) -> Ticket:
    """The ticket of that number. Raises Http404."""
    ticket = queries.ticket(number)
    if ticket is None:
        raise Http404("There is no such ticket.")
    return ticket


@see
@require_GET
def ticket(request: HttpRequest, number: int) -> HttpResponse:
    """What it is, whose move it is, what happened (pages.md, Ticket)."""
    return _page(request, found(number))


def _page(
    request: HttpRequest,
    row: Ticket,
    tried: Mapping[str, django_forms.Form] | None = None,
    problem: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    tried = tried or {}
    context = presenting_page.page(row, person_of(request), tried)
    unseen = [form for slug, form in tried.items() if slug not in context["offers"].made]
    words = [str(words) for form in unseen for errors in form.errors.values() for words in errors]
    context |= {"problem": problem or " ".join(words), "typed": typed or {}}
    return render(request, "bugs/ticket.html", context, status=status)


@see
@require_POST
def act(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """Do one thing to a ticket. Whoever may not is refused before anything typed is looked at."""
    deed = DEEDS.get(what)
    if deed is None:
        raise Http404("Nothing like that is done to a ticket.")
    row, by = found(number), person_of(request)
    verdict = standing.permitted(by, deed.what, row)
    if not verdict:
        actions.refuse(row, by, deed.what, verdict)
    form = deed.bound(request, what, row)
    if not form.is_valid():
        return _page(request, row, {what: form}, status=BAD)
    try:
        deed.do(row, by, form.cleaned_data)
    except NotNow as late:
        return _page(request, found(number), problem=str(late), typed=_texts(form), status=CHANGED)
    except BadTicket as bad:
        _add_errors(form, bad)
        return _page(request, found(number), {what: form}, status=BAD)
    if deed.done:
        messages.success(request, deed.done)
    return _back(number, "#newest" if what == "comment" else "")


def _back(number: int, anchor: str = "") -> HttpResponse:
    response = redirect("bugs:ticket", number)
    response["Location"] += anchor
    return response


def _add_errors(form: django_forms.Form, bad: BadTicket) -> None:
    """The action's words at their fields; what belongs to no field of the form, above all."""
    for name, words in bad.fields.items():
        place = {"files": "file"}.get(name, name)
        form.add_error(place if place in form.fields else None, words)


def _texts(form: django_forms.Form) -> dict[str, str]:
    """What was typed at length, so that nothing of it is lost when the form is gone."""
    areas = {name for name, field in form.fields.items() if isinstance(field, forms.Text)}
    return {
        str(form.fields[name].label): value
        for name, value in form.cleaned_data.items()
        if name in areas and value
    }


# --- a ticket's own words -----------------------------------------------------------------------------------


EDITED: Final = ("title", "happens", "should", "steps", "environment", "found_by", "user_facing")


@see
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, number: int) -> HttpResponse:
    """Change what a ticket says. What was changed meanwhile stands beside what was typed; nothing typed is lost."""
    row, by = found(number), person_of(request)
    verdict = standing.permitted(by, "edit", row)
    if not verdict:
        raise Refused(verdict)
    now = {name: getattr(row, name) for name in EDITED} | {"version": row.version}
    form = forms.TicketForm(
        request.POST if request.method == "POST" else None, initial=now, auto_id="edit-%s", label_suffix=""
    )
    context: dict[str, Any] = {"ticket": row, "form": form}
    if request.method == "GET":
        why = standing.not_now(by, "edit", row)
        return render(request, "bugs/edit.html", context | {"why_not": why})
    if not form.is_valid():
        return render(request, "bugs/edit.html", context, status=BAD)
    said = dict(form.cleaned_data)
    try:
        actions.edit(ticket=row, by=by, version=said.pop("version"), **said)
    except Stale as stale:
        return render(request, "bugs/edit.html", context | _beside(number, form, stale), status=CHANGED)
    except BadTicket as bad:
        _add_errors(form, bad)
        return render(request, "bugs/edit.html", context, status=BAD)
    messages.success(request, "Changed.")
    return _back(number)


def _beside(number: int, form: forms.TicketForm, stale: Stale) -> dict[str, Any]:
    """What was typed, beside what the ticket says now; saving again then counts from that."""
    row = found(number)
    differing = [
        (form[name].label, presenting.shown(getattr(row, name)), presenting.shown(form.cleaned_data[name]))
        for name in EDITED
        if getattr(row, name) != form.cleaned_data[name]
    ]
    form.data = {**form.data.dict(), "version": str(row.version)}  # type: ignore[attr-defined]
    return {"ticket": row, "stale": str(stale), "differing": differing}


@see
@require_http_methods(["GET", "POST"])
def edit_comment(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """Say a comment better: its author's alone."""
    comment = get_object_or_404(Comment.objects.select_related("author"), ticket_id=number, pk=pk)
    by, row = person_of(request), found(number)
    verdict = queries.may_edit_comment(by, comment)
    if not verdict:
        raise Refused(verdict)
    data = request.POST if request.method == "POST" else None
    form = forms.BodyForm(data, initial={"body": comment.body}, label_suffix="")
    context = {"ticket": row, "comment": comment, "form": form}
    if request.method == "GET" or not form.is_valid():
        status = BAD if request.method == "POST" else 200
        return render(request, "bugs/comment.html", context, status=status)
    try:
        actions.edit_comment(comment=comment, by=by, body=form.cleaned_data["body"])
    except BadTicket as bad:
        _add_errors(form, bad)
        return render(request, "bugs/comment.html", context, status=BAD)
    return _back(number, f"#comment-{pk}")


# --- assignment, while it is being chosen -------------------------------------------------------------------


@see
@require_GET
def choices(request: HttpRequest, number: int) -> HttpResponse:
    """Who can still be chosen beside what is chosen so far: the form's own part, asked for at each choice."""
    row = found(number)
    chosen = (request.GET.get("engineer", ""), request.GET.getlist("reviewers"))
    context = {"ticket": row, "assigning": presenting_page.assigning(row, person_of(request), *chosen)}
    return render(request, "bugs/choices.html", context)


# --- files --------------------------------------------------------------------------------------------------


@see
@require_GET
def file(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """A file as it was attached, always as a download: a browser never shows it as a page of ours."""
    kept = get_object_or_404(Attachment, ticket_id=number, pk=pk)
    response = HttpResponse(bytes(kept.data), content_type=kept.content_type)
    response["Content-Disposition"] = content_disposition_header(True, kept.name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
