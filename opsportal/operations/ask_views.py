"""Asking for any kind of operation: what it will do, what it cannot undo, the rules, the button."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from opsportal.accounts.gates import permitted, person_of
from opsportal.accounts.rules import Permission
from opsportal.environments import holds
from opsportal.environments.models import Environment
from opsportal.operations import actions, ask_forms, outlook, queries, registry, saved_commands
from opsportal.operations.ask_forms import CONFIRMED, PASSES, REASON, SAVED, AskForm, beginnings, say_refused
from opsportal.operations.registry import BadParameter, Confirm, Kind

REFUSED, BAD = 409, 422
#: For so long a click can be undone before anything begins (issue: "one click with ten seconds to undo").
UNDO_SECONDS = 10


@permitted(Permission.SEE_ENVIRONMENTS)
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest, name: str, kind_name: str) -> HttpResponse:
    """GET shows what it would do; POST asks for it and goes on to its operation."""
    environment = Environment.objects.select_related("owner").filter(name=name).first()
    kind = registry.kind(kind_name)
    if environment is None or kind is None:
        raise Http404("There is no such environment, or no such operation.")
    if kind.name == "deploy":
        return redirect("operations:deploy", environment.name)
    if request.method == "POST" and request.headers.get("HX-Target") == "outlook":
        # A look at what would happen comes as a POST too: what is typed stands in no address and no log.
        return _show(request, environment, kind, _form(request, kind, environment, request.POST))
    if request.method == "POST":
        return _ask(request, environment, kind)
    known = {name: str(value) for name, value in request.GET.items() if kind.has_parameter(name)}
    known = known or _as_before(request, kind, environment)
    form = _form(
        request, kind, environment, data={**beginnings(kind, environment), **known} if known else None
    )
    return _show(request, environment, kind, form)


def _as_before(request: HttpRequest, kind: Kind, environment: Environment) -> dict[str, str]:
    """What was asked of an earlier operation (``?again=``), as it is typed; what it was told stands in no address."""
    try:
        earlier = environment.operations.filter(pk=request.GET.get("again", ""), kind=kind.name).first()
    except ValidationError:  # no identifier
        earlier = None
    return ask_forms.as_typed(kind, earlier.params) if earlier else {}


def _form(
    request: HttpRequest, kind: Kind, environment: Environment, data: Mapping[str, Any] | None
) -> AskForm:
    hold = holds.active(environment)
    held = hold is not None and holds.may_pass(hold, person_of(request))
    return AskForm(kind, environment, data, held=held, label_suffix="")


def _ask(request: HttpRequest, environment: Environment, kind: Kind) -> HttpResponse:
    form = _form(request, kind, environment, request.POST)
    if not form.is_valid():
        return _show(request, environment, kind, form, status=BAD)
    said = form.cleaned_data
    try:
        operation = actions.request(
            kind=kind.name,
            environment=environment.name,
            given=form.given(),
            by=person_of(request),
            reason=said.get(REASON, ""),
            confirmed=said.get(CONFIRMED, ""),
            passes_hold=bool(said.get(PASSES)),
            undo_seconds=UNDO_SECONDS if kind.confirm == Confirm.UNDO else 0,
        )
    except BadParameter as bad:
        form.add_error(bad.field if bad.field in form.fields else None, str(bad))
        return _show(request, environment, kind, form, status=BAD)
    except actions.Refused as refusal:
        say_refused(form, refusal.findings)
        return _show(request, environment, kind, form, status=REFUSED)
    return redirect("operations:operation", operation.id)


def _show(
    request: HttpRequest, environment: Environment, kind: Kind, form: AskForm, status: int = 200
) -> HttpResponse:
    person, hold = person_of(request), holds.active(environment)
    context: dict[str, Any] = {
        "environment": environment,
        "kind": kind,
        "title": kind.title_at(environment.name),
        "form": form,
        "queue": queries.queue_of(environment),
        "hold": hold,
        "hold_words": holds.words(hold) if hold else "",
        "typed": kind.confirm == Confirm.TYPED,
        "undo_seconds": UNDO_SECONDS if kind.confirm == Confirm.UNDO else 0,
        "saved": saved_commands.offered(environment, person) if kind.name == "run_task" else [],
        **outlook.of(
            kind, environment, _typed(kind, form, environment), person, passes_hold=PASSES in form.fields
        ),
    }
    part = "#outlook" if request.headers.get("HX-Target") == "outlook" else ""
    return render(request, f"operations/ask.html{part}", context, status=status)


def _typed(kind: Kind, form: AskForm, environment: Environment) -> dict[str, str]:
    if form.is_bound and form.is_valid():
        return form.given()
    if form.is_bound:
        names = {each.name for each in kind.form_parameters} | {SAVED}
        return {name: str(value) for name, value in form.data.items() if name in names and value}
    return {name: value for name, value in beginnings(kind, environment).items() if value}
