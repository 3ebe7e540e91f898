"""Views: authorise, read, render. Nothing here talks to the platform or to Git."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from opsportal.accounts.gates import permitted, person_of, signed_in
from opsportal.accounts.rules import Permission
from opsportal.dashboard import environment_page, gallery, queries, wrong_page
from opsportal.environments import queries as environments

FILTERS = {"": "All", "mine": "Mine, or deployed by me", "drifted": "Drifted", "failed": "Failed or unwell"}


@permitted(Permission.SEE_ENVIRONMENTS)
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What is where, and what needs me (pages.md, Home). The fragment is its live part.

    ``?find=`` is the search of every page's head: an environment's name goes straight to its page.
    """
    if wanted := request.GET.get("find", "").strip()[:200]:
        name = environments.named(wanted)
        home_found = f"{reverse('dashboard:home')}?{urlencode({'q': wanted})}"
        return redirect("dashboard:environment", name) if name else redirect(home_found)
    text, only = request.GET.get("q", "").strip()[:200], request.GET.get("only", "")
    only = only if only in FILTERS else ""
    found = queries.home(person_of(request), text, only)
    context = {
        "home": found,
        "table": queries.table_html(found.sandboxes),
        "headline": queries.headline(found),
        "q": text,
        "only": only,
        "filters": [(name, label, found.counts[name]) for name, label in FILTERS.items()],
    }
    part = "#live" if request.htmx else ""  # type: ignore[attr-defined]
    return render(request, f"dashboard/home.html{part}", context)


@permitted(Permission.SEE_ENVIRONMENTS)
@require_GET
def environment(request: HttpRequest, name: str) -> HttpResponse:
    """Is it well, what runs, what can I do (pages.md, Environment). The fragment is its live part."""
    context = environment_page.context(name, person_of(request))
    if context is None:
        raise Http404("There is no such environment.")
    part = "#live" if request.htmx else ""  # type: ignore[attr-defined]
    return render(request, f"dashboard/environment.html{part}", context)


@permitted(Permission.SEE_ENVIRONMENTS)
@require_GET
def wrong(request: HttpRequest, name: str) -> HttpResponse:
    """“Something is wrong”: what an engineer looks at first, and the first remedy."""
    context = wrong_page.context(name, person_of(request))
    if context is None:
        raise Http404("There is no such environment.")
    part = "#live" if request.htmx else ""  # type: ignore[attr-defined]
    return render(request, f"dashboard/wrong.html{part}", context)


@signed_in
@require_GET
def components(request: HttpRequest) -> HttpResponse:
    """Every piece of the pages in every state."""
    return render(request, "dashboard/components.html", gallery.examples(timezone.now()))
