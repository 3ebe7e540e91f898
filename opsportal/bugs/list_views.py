"""The tickets as a list and as a board, and the searches that people keep."""

from dataclasses import dataclass, replace
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_POST

from opsportal.accounts.gates import permitted, person_of
from opsportal.accounts.queries import Person
from opsportal.accounts.rules import Permission
from opsportal.bugs import forms, presenting_list, queries, saved_views
from opsportal.bugs.errors import BadTicket
from opsportal.bugs.filters import Filters
from opsportal.bugs.models import SavedView

BAD = 422
BOARD: Final = "board"

see = permitted(Permission.SEE_ENVIRONMENTS)


@dataclass(frozen=True)
class Quick:
    """A search that is one click away."""

    label: str
    address: str
    current: bool


@see
@require_GET
def tickets(request: HttpRequest) -> HttpResponse:
    """Every ticket that is asked for; the whole question stands in the address. ``?view=board``: by stage."""
    return _page(request, forms.ViewForm(initial={"query": request.GET.urlencode()}, label_suffix=""))


def _page(request: HttpRequest, keeping: forms.ViewForm, status: int = 200) -> HttpResponse:
    filters, person = Filters.read(request.GET), person_of(request)
    board = request.GET.get("view") == BOARD
    context: dict[str, Any] = {
        "form": _form(filters),
        "filters": filters,
        "at": BOARD if board else "list",
        "quick": _quick(filters, person, board),
        "views": [_kept(each, person) for each in saved_views.offered_to(person)],
        "keeping": keeping,
        "list_address": _address(filters, False),
        "board_address": _address(filters, True),
        "report_url": _report_url(),
        "github": queries.github_trouble(),
        **(_columns(filters) if board else _rows(filters)),
    }
    response = render(request, f"bugs/{'board' if board else 'list'}.html", context, status=status)
    if request.htmx:  # type: ignore[attr-defined]
        response["HX-Push-Url"] = _address(filters, board)
    return response


def _report_url() -> str:
    """Where bugs are reported: a page of many packages, which this one does not know."""
    try:
        return reverse("dashboard:report")
    except NoReverseMatch:
        return ""


def _form(filters: Filters) -> forms.FilterForm:
    people, environments = presenting_list.choices(filters)
    initial = {name: getattr(filters, name) for name in forms.FilterForm.base_fields}
    return forms.FilterForm(
        initial=initial, people=people, environments=environments, auto_id="find-%s", label_suffix=""
    )


def _rows(filters: Filters) -> dict[str, Any]:
    page = queries.tickets(filters)
    numbers = page.paginator.get_elided_page_range(page.number)
    return {"page": page, "page_range": numbers, "total": page.paginator.count}


def _columns(filters: Filters) -> dict[str, Any]:
    columns = queries.board(filters)
    return {
        "columns": [(each, _address(replace(filters, stage=each.stage), False)) for each in columns],
        "total": sum(each.total for each in columns),
    }


def _address(filters: Filters, board: bool) -> str:
    query = filters.query_string(page=1)
    parts = [part for part in ("view=board" if board else "", query) if part]
    return reverse("bugs:tickets") + ("?" + "&".join(parts) if parts else "")


def _quick(filters: Filters, person: Person, board: bool) -> list[Quick]:
    """The searches that most people come for."""
    wanted = {
        "All open": Filters(),
        "Critical": Filters(priority="critical"),
        "Mine": Filters(engineer=person.username),
        "I review": Filters(reviewer=person.username),
        "I reported": Filters(reporter=person.username),
        "Closed": Filters(stage="closed", sort="changed"),
    }
    now = replace(filters, page=1)
    return [Quick(label, _address(each, board), each == now) for label, each in wanted.items()]


def _kept(view: SavedView, person: Person) -> dict[str, Any]:
    address = reverse("bugs:tickets") + "?" + view.query
    return {"row": view, "address": address, "own": view.person_id == person.pk}


@see
@require_POST
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep the search that was looked at under a name."""
    form = forms.ViewForm(request.POST, label_suffix="")
    if form.is_valid():
        said = form.cleaned_data
        try:
            view = saved_views.save(by=person_of(request), **said)
        except BadTicket as bad:
            for name, words in bad.fields.items():
                form.add_error(name if name in form.fields else None, words)
        else:
            messages.success(request, f"Kept: {view.name}.")
            return redirect(reverse("bugs:tickets") + "?" + view.query)
    request.GET = _query_of(request)  # type: ignore[assignment]
    return _page(request, form, status=BAD)


def _query_of(request: HttpRequest) -> QueryDict:
    """The search that the form came from, as if it had been asked for."""
    return QueryDict(request.POST.get("query", "")[: saved_views.LONGEST_QUERY])


@see
@require_POST
def remove_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a search."""
    view = get_object_or_404(SavedView.objects.select_related("person"), pk=pk)
    saved_views.remove(by=person_of(request), view=view)
    messages.success(request, f"Removed: {view.name}.")
    return redirect("bugs:tickets")
