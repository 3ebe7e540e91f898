"""One operation and the history of all: authorise, parse, one action, render."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from opsportal.accounts.gates import permitted, person_of
from opsportal.accounts.rules import Permission
from opsportal.operations import actions, output, report, streams
from opsportal.operations.forms import AnswerForm, HistoryFilter, SettleForm
from opsportal.operations.models import Operation
from opsportal.operations.registry import BadParameter

PER_PAGE = 50

see = permitted(Permission.SEE_ENVIRONMENTS)


def _operation(operation_id: UUID) -> Operation:
    rows = Operation.objects.select_related("environment__owner", "requested_by")
    found = rows.filter(id=operation_id).first()
    if found is None:
        raise Http404("There is no such operation.")
    return found


def _number(request: HttpRequest, name: str, default: int = 0) -> int:
    """A number of the address; whatever is not one counts as the default."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


@see
@require_GET
def operation(request: HttpRequest, operation_id: UUID) -> HttpResponse:
    """How far it is, what it is doing, what went wrong (pages.md, Operation). The fragment is its live part."""
    row = _operation(operation_id)
    context = report.page(row, person_of(request))
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "operations/operation.html#live", context)
    context["output"] = report.output_view(
        row, _number(request, "line"), request.GET.get("search", "").strip()
    )
    return render(request, "operations/operation.html", context)


@see
@require_GET
def stream(request: HttpRequest, operation_id: UUID) -> HttpResponseBase:
    """Server-sent events of one operation, resumed after ``Last-Event-ID``; 204 when there is no room."""
    _operation(operation_id)
    resumed = request.headers.get("Last-Event-ID", "")
    after = int(resumed) if resumed.isascii() and resumed.isdigit() else _number(request, "after")
    return streams.follow_operation(operation_id, after, _number(request, "version"))


@see
@require_GET
def everything(request: HttpRequest) -> HttpResponseBase:
    """Server-sent events that say when any operation changed; 204 when there is no room."""
    return streams.follow_everything()


@see
@require_GET
def output_lines(request: HttpRequest, operation_id: UUID) -> JsonResponse:
    """Lines as JSON: ``?after=N&limit=M`` → ``{lines, last, total}``; ``?search=text`` → ``{hits, total}``."""
    row = _operation(operation_id)
    if text := request.GET.get("search", "").strip():
        hits, total = output.search(operation_id, text[:200])
        return JsonResponse({"hits": hits, "total": total})
    lines = output.lines_after(
        operation_id, _number(request, "after"), _number(request, "limit", output.CHUNK)
    )
    return JsonResponse({"lines": lines, "last": row.output_count, "total": row.output_count})


@see
@require_GET
def download(request: HttpRequest, operation_id: UUID) -> StreamingHttpResponse:
    """The whole output as a text file."""
    row = _operation(operation_id)
    response = StreamingHttpResponse(output.as_text(row), content_type="text/plain; charset=utf-8")
    name = f"{row.environment.name}-{row.kind}-{row.short_id}.txt"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _do(
    request: HttpRequest, operation_id: UUID, what: Callable[[], Operation], done: str = ""
) -> HttpResponseRedirect:
    """Carry out one action and go back to the operation; what was refused is said there, in words.

    ``done``: a notice that stays true; what the page's own live headline says needs none.
    """
    _operation(operation_id)
    try:
        what()
        if done:
            messages.success(request, done)
    except (actions.Refused, actions.TooLate, BadParameter) as refusal:
        messages.error(request, str(refusal))
    return redirect("operations:operation", operation_id)


@see
@require_POST
def cancel(request: HttpRequest, operation_id: UUID) -> HttpResponseRedirect:
    """Stop it."""
    by = person_of(request)
    stop = lambda: actions.cancel(operation=operation_id, by=by)  # noqa: E731
    return _do(request, operation_id, stop)


@see
@require_POST
def retry(request: HttpRequest, operation_id: UUID) -> HttpResponseRedirect:
    """Go on from the step that failed."""
    by = person_of(request)
    again = lambda: actions.retry(operation=operation_id, by=by)  # noqa: E731
    return _do(request, operation_id, again)


@see
@require_POST
def answer(request: HttpRequest, operation_id: UUID) -> HttpResponseRedirect:
    """Answer what a step asks; the first answer wins."""
    by, form = person_of(request), AnswerForm(request.POST)
    choice = form.cleaned_data["choice"] if form.is_valid() else ""
    say = lambda: actions.answer(operation=operation_id, by=by, choice=choice)  # noqa: E731
    return _do(request, operation_id, say, f"Answered: {choice}.")


@see
@require_POST
def settle(request: HttpRequest, operation_id: UUID) -> HttpResponseRedirect:
    """End an operation whose outcome nobody could tell, with what a person found."""
    by, form = person_of(request), SettleForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    end = lambda: actions.settle(operation=operation_id, by=by, note=note)  # noqa: E731
    return _do(request, operation_id, end, "Settled; the environment is free again.")


@see
@require_GET
def history(request: HttpRequest) -> HttpResponse:
    """Every operation, newest first; every filter stands in the address."""
    form = HistoryFilter(request.GET)
    chosen = form.chosen()
    page = Paginator(_filtered(chosen), PER_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "form": form,
        "chosen": chosen,
        "page": page,
        "rows": [(each, report.took(each)) for each in page.object_list],
        "page_range": page.paginator.get_elided_page_range(page.number),
    }
    part = "#results" if request.htmx else ""  # type: ignore[attr-defined]
    return render(request, f"operations/history.html{part}", context)


def _filtered(chosen: dict[str, str]) -> QuerySet[Operation]:
    rows = Operation.objects.select_related("environment", "requested_by").order_by("-created_at")
    exact = {"environment": "environment__name", "kind": "kind", "state": "state"}
    rows = rows.filter(**{exact[name]: value for name, value in chosen.items() if name in exact})
    if who := chosen.get("by"):
        rows = rows.filter(Q(requester__iexact=who) | Q(requested_by__name__icontains=who))
    if text := chosen.get("q"):
        rows = rows.filter(
            Q(headline__icontains=text) | Q(id__istartswith=text) | Q(environment__name__icontains=text)
        )
    return rows
