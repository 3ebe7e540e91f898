"""The deploy form: what will change, before the button (pages.md, Deploy)."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from opsportal.accounts.gates import permitted, person_of
from opsportal.accounts.models import Person
from opsportal.accounts.rules import Permission
from opsportal.environments import actions as environments
from opsportal.environments.models import Environment
from opsportal.kit import wording
from opsportal.operations import actions, equal_lines, queries, ref_search, report
from opsportal.operations.forms import DeployForm
from opsportal.operations.registry import BadParameter, Kind

REFUSED, BAD = 409, 422


@permitted(Permission.SEE_ENVIRONMENTS)
@require_http_methods(["GET", "POST"])
def deploy(request: HttpRequest, name: str) -> HttpResponse:
    """GET shows what would change; POST asks for the deploy and goes on to its operation."""
    environment = Environment.objects.select_related("owner").filter(name=name).first()
    if environment is None:
        raise Http404("There is no such environment.")
    if request.method == "POST":
        return _ask(request, environment)
    return _show(request, environment, DeployForm(request.GET if "ref" in request.GET else None))


def _ask(request: HttpRequest, environment: Environment) -> HttpResponse:
    form = DeployForm(request.POST)
    if not form.is_valid():
        return _show(request, environment, form, status=BAD)
    try:
        if moved := form.moved(actions.kind_named("deploy").clean(environment, form.given())):
            form.add_error(None, moved)
            return _show(request, environment, form, status=REFUSED)
        operation = actions.request(
            kind="deploy", environment=environment.name, given=form.given(), by=person_of(request)
        )
    except BadParameter as bad:
        form.add_error(bad.field if bad.field in form.fields else None, str(bad))
        return _show(request, environment, form, status=BAD)
    except actions.Refused as refusal:
        form.add_error(None, str(refusal))
        return _show(request, environment, form, status=REFUSED)
    return redirect("operations:operation", operation.id)


def _show(
    request: HttpRequest, environment: Environment, form: DeployForm, status: int = 200
) -> HttpResponse:
    person, search = person_of(request), request.GET.get("q", "").strip()[:200]
    context: dict[str, Any] = {
        "environment": environment,
        "form": form,
        "q": search,
        "refs": ref_search.search(search, person),
        "queue": queries.queue_of(environment),
        "chosen": _chosen(environment, form, person),
    }
    part = {"refs": "#refs", "chosen": "#chosen"}.get(request.headers.get("HX-Target", ""), "")
    return render(request, f"operations/deploy.html{part}", context, status=status)


def _chosen(environment: Environment, form: DeployForm, person: Person) -> dict[str, Any] | None:
    """What the chosen ref would change; None before anything is chosen, a problem when it cannot be used."""
    if not form.is_bound or not form.is_valid():
        return None
    kind = actions.kind_named("deploy")
    try:
        params = kind.clean(environment, form.given())
    except BadParameter as bad:
        return {"problem": str(bad)}
    return _what_changes(kind, environment, params, person)


def _what_changes(
    kind: Kind, environment: Environment, params: Mapping[str, Any], person: Person
) -> dict[str, Any]:
    base = environment.app_commit or environment.platform_commit or environment.deployed_commit
    head = str(params["commit"] or params["ref"])
    findings = queries.findings_for(kind=kind, environment=environment, params=params, by=person)
    comparison = environments.compare(base=base, head=head, environment=environment)
    usual = report.usual_total(kind.name, dict(params))
    closed = [each for each in findings if not each.ok]
    return {
        "params": params,
        "commit": comparison.resolved_head or params["commit"],
        "base": base,
        "comparison": comparison,
        "findings": findings,
        "closed": closed,
        "may": not closed and not comparison.problem,
        "usual": wording.duration(usual) if usual else "",
        "lines": "\n".join(equal_lines.deploy(environment, params)),
    }
