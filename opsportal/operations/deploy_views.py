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
from opsportal.environments.models import Comparison, Environment
from opsportal.kit import wording
from opsportal.operations import actions, equal_lines, queries, ref_search, report
from opsportal.operations.ask_forms import say_refused
from opsportal.operations.forms import DeployForm
from opsportal.operations.models import Step, StepState
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
        say_refused(form, refusal.findings)
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
        "somebody_elses": environment.is_sandbox and environment.owner not in {None, person},
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
    if params["ref_kind"] == "any":
        return {
            "problem": f"The repository has no branch, tag or commit “{params['ref']}”.",
            "remedy": "Check how it is written. What was pushed just now is seen within seconds: look again.",
        }
    return _what_changes(kind, environment, params, person)


def _why_migrate(environment: Environment, base: str, comparison: Comparison) -> str:
    """Why migrating is chosen beforehand, in words; empty where nothing speaks for it.

    A sandbox is asked (product.md, Deploy); what is asked should begin with what most need, also for who clicks
    before the commits between are known: migrating is safe to repeat, leaving it out is not.
    """
    if not base:
        return "Chosen because nothing runs there yet: its database has no tables."
    if comparison.answered_at is None:
        return "Chosen because it is not known yet whether migrations lie between."
    if migrations := comparison.migrations:
        return f"Chosen because {wording.count(len(migrations), 'migration lies', 'migrations lie')} between."
    tried = Step.objects.filter(operation__environment=environment, name="migrate", tidy=False)
    tried = tried.exclude(state__in=(StepState.PENDING, StepState.SKIPPED))
    last = tried.order_by("-operation__created_at").values_list("state", flat=True).first()
    return "Chosen because the last migration did not succeed." if last == StepState.FAILED else ""


def _what_changes(
    kind: Kind, environment: Environment, params: Mapping[str, Any], person: Person
) -> dict[str, Any]:
    base = environment.app_commit or environment.platform_commit or environment.deployed_commit
    head = str(params["commit"] or params["ref"])
    comparison = environments.compare(base=base, head=head, environment=environment)
    why_migrate = _why_migrate(environment, base, comparison) if environment.is_sandbox else ""
    params = {**params, "migrate": params["migrate"] or bool(why_migrate)}
    findings = queries.findings_for(kind=kind, environment=environment, params=params, by=person)
    usual = report.usual_total(kind.name, dict(params))
    closed = [each for each in findings if not each.ok]
    return {
        "params": params,
        "commit": comparison.resolved_head or params["commit"],
        "base": base,
        "why_migrate": why_migrate,
        "comparison": comparison,
        "findings": findings,
        "closed": closed,
        "may": not closed and not comparison.problem,
        "usual": wording.duration(usual) if usual else "",
        "lines": "\n".join(equal_lines.deploy(environment, params)),
    }
