"""Views: authorise, read, render."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from opsportal.accounts.gates import permitted, person_of
from opsportal.accounts.rules import Permission
from opsportal.runbooks import library, queries
from opsportal.runbooks.forms import EnvironmentForm, SearchForm

#: Headings from which on a page begins with a list of them.
LONG = 4


@permitted(Permission.SEE_ENVIRONMENTS)
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Every runbook, with what each is for. ``?q=`` leaves those that hold the words; ``?environment=`` goes along."""
    form = SearchForm(request.GET, names=queries.environment_names(), label_suffix="")
    chosen = form.chosen()
    text = request.GET.get("q", "").strip()[:200]
    groups = library.search(text)
    environment = queries.environment_named(chosen)
    context = {
        "form": form,
        "chosen": chosen,
        "q": text,
        "all_url": queries.index_address(chosen),
        "count": sum(len(group.runbooks) for group in groups),
        "groups": [(group.title, queries.entries(group, environment)) for group in groups],
    }
    part = "#results" if request.headers.get("HX-Target") == "results" else ""
    return render(request, f"runbooks/index.html{part}", context)


@permitted(Permission.SEE_ENVIRONMENTS)
@require_GET
def runbook(request: HttpRequest, name: str) -> HttpResponse:
    """One runbook; with ``?environment=`` its names filled in and its buttons live."""
    found = library.find(name)
    if found is None:
        raise Http404("There is no such runbook.")
    form = EnvironmentForm(
        request.GET if "environment" in request.GET else None,
        names=queries.environment_names(),
        label_suffix="",
    )
    environment = queries.environment_named(form.chosen())
    rendered = queries.page(found, environment, person_of(request))
    context = {
        "form": form,
        "runbook": found,
        "environment": environment,
        "rendered": rendered,
        "contents": rendered.contents if len(rendered.contents) >= LONG else (),
        "index_url": queries.index_address(environment.name if environment else ""),
    }
    return render(request, "runbooks/runbook.html", context)


@permitted(Permission.SEE_ENVIRONMENTS)
@require_GET
def of_kind(request: HttpRequest, kind_name: str) -> HttpResponse:
    """The runbook of a kind of operation, by the kind's name: other pages need not know which file it is."""
    where = queries.address(kind_name, request.GET.get("environment", ""))
    if not where:
        raise Http404("There is no such operation, or it has no runbook.")
    return redirect(where)
