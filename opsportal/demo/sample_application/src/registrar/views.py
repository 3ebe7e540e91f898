"""The pages of getgov, and the addresses by which its operators know it."""

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from registrar.models import Domain


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The domains, or what to do when the database has no tables yet."""
    try:
        domains, migrated = list(Domain.objects.select_related("agency")), True
    except DatabaseError:
        domains, migrated = [], False
    return render(request, "registrar/home.html", {"domains": domains, "migrated": migrated, **_release()})


@require_safe
def domain(request: HttpRequest, name: str) -> HttpResponse:
    """One domain."""
    found = get_object_or_404(Domain.objects.select_related("agency"), name=name)
    return render(request, "registrar/domain.html", {"domain": found, **_release()})


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Alive; asks nothing of the database, which may be down while we are well."""
    return HttpResponse("OK", content_type="text/plain")


@require_safe
def version(request: HttpRequest) -> JsonResponse:
    """Which code this really is."""
    return JsonResponse(_release())


@require_safe
def raise_error(request: HttpRequest) -> HttpResponse:
    """Fails on purpose, so that error reports and logs can be tried."""
    raise RuntimeError(
        "This page fails on purpose, so that you can see what a failure looks like in the logs."
    )


def _release() -> dict[str, str]:
    return {
        "commit": settings.GIT_COMMIT_SHA,
        "tag": settings.GIT_TAG,
        "branch": settings.GIT_BRANCH,
        "environment": settings.ENVIRONMENT,
    }
