"""Asking for any kind of operation: what it will do, what it cannot undo, the rules, the button."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from opsportal.accounts.gates import permitted, person_of
from opsportal.accounts.rules import Permission
from opsportal.environments import holds
from opsportal.environments.models import Environment
from opsportal.kit import wording
from opsportal.operations import actions, equal_lines, queries, registry, report, saved_commands
from opsportal.operations.ask_forms import CONFIRMED, PASSES, REASON, AskForm, beginnings, say_refused
from opsportal.operations.registry import BadParameter, Confirm, Kind
from opsportal.operations.rules import Finding, deployed

REFUSED, BAD = 409, 422
#: For so long a click can be undone before anything begins (issue: "one click with ten seconds to undo").
UNDO_SECONDS = 10
#: Findings that the form itself settles: they are no reason to refuse the button beforehand.
SETTLED_HERE = frozenset({"reason", "confirmed"})
#: Findings that nothing typed into the form changes: the button says no at once, and why.
FIXED = frozenset({"permitted", "kind", "environment", "deployed", "queue", "hold", "choices"})


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
    known = {name: value for name, value in request.GET.items() if kind.has_parameter(name)}
    form = _form(
        request, kind, environment, data={**beginnings(kind, environment), **known} if known else None
    )
    return _show(request, environment, kind, form)


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
        **_what_happens(environment, kind, form, request),
    }
    part = "#outlook" if request.headers.get("HX-Target") == "outlook" else ""
    return render(request, f"operations/ask.html{part}", context, status=status)


def _what_happens(
    environment: Environment, kind: Kind, form: AskForm, request: HttpRequest
) -> dict[str, Any]:
    """What it would do with what stands in the form: findings, what is lost, how long, by hand."""
    given = _typed(kind, form, environment)
    if not queries.is_deployed(kind, environment) or kind.nothing_to_choose(environment):
        return _nothing_there(environment, kind)
    try:
        params = kind.clean(environment, given)
    except BadParameter as bad:
        return {"unclear": str(bad), "findings": [], "closed": [], "blocked": False, "params": None}
    found = queries.findings_for(kind=kind, environment=environment, params=params, by=person_of(request))
    shown = [each for each in found if each.rule not in SETTLED_HERE or each.ok]
    passable = PASSES in form.fields
    closed = [each for each in shown if not each.ok and not (passable and each.rule == "hold")]
    usual = report.usual_total(kind.name, dict(params))
    return {
        "params": params,
        "headline": kind.headline(environment, params),
        "findings": shown,
        "closed": closed,
        "blocked": any(each.rule in FIXED for each in closed),
        "loses": kind.loses(environment, params),
        "preview": kind.preview(environment, params),
        "usual": wording.duration(usual) if usual else "",
        "lines": "\n".join(equal_lines.for_operation(kind.name, environment, params)),
    }


def _nothing_there(environment: Environment, kind: Kind) -> dict[str, Any]:
    """Why it cannot be asked for whatever is typed: what it works on is not there, or nothing can be chosen."""
    if not queries.is_deployed(kind, environment):
        finding = deployed(environment.name, is_there=False)
    else:
        finding = Finding("choices", False, kind.nothing_to_choose(environment))
    return {"findings": [], "closed": [finding], "blocked": True, "params": None}


def _typed(kind: Kind, form: AskForm, environment: Environment) -> dict[str, str]:
    if form.is_bound and form.is_valid():
        return form.given()
    if form.is_bound:
        names = {each.name for each in kind.form_parameters}
        return {name: str(value) for name, value in form.data.items() if name in names and value}
    return {name: value for name, value in beginnings(kind, environment).items() if value}
