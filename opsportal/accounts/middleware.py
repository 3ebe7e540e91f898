"""Where a request meets the rules: it says where it comes from, and a refusal becomes a page that helps."""

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from opsportal.accounts.client_address import client_address
from opsportal.accounts.models import Person
from opsportal.accounts.rules import Refused
from opsportal.audit import origin


class RefusalMiddleware:
    """Answers :class:`Refused` with 403, its reason and who can (product.md, Always).

    It also tells the audit trail the client's address and puts times into the viewer's zone.
    Stands after Django's AuthenticationMiddleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with origin.told(client_address(request)), timezone.override(_zone_of(request)):
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The 403 page, or JSON for who asked for that; None for every other exception."""
        if not isinstance(exception, Refused):
            return None
        verdict = exception.verdict
        if request.accepts("text/html") or not request.accepts("application/json"):
            return render(request, "403.html", {"verdict": verdict}, status=403)
        answer = {"reason": verdict.reason, "who_can": verdict.who_can, "people": verdict.people}
        return JsonResponse(answer, status=403)


def _zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    """The person's own time zone; None for the team's. Nobody is looked up who has no session."""
    if not request.session.session_key or not isinstance(request.user, Person) or not request.user.time_zone:
        return None
    return zoneinfo.ZoneInfo(request.user.time_zone)
