"""Views: authorise, read, render. Nothing here talks to the platform or to Git."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from opsportal.accounts.gates import signed_in
from opsportal.dashboard import gallery


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """What is where, and what needs me (pages.md, Home)."""
    return render(request, "dashboard/components.html", gallery.examples(timezone.now()))


@signed_in
def components(request: HttpRequest) -> HttpResponse:
    """Every piece of the pages in every state."""
    return render(request, "dashboard/components.html", gallery.examples(timezone.now()))
