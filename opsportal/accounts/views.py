"""Sign in, sign out, and the answer to too many attempts."""

import logging
from typing import Any
from urllib.parse import urlsplit

from axes.helpers import get_cool_off, get_failure_limit
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from opsportal.accounts.forms import SignInForm
from opsportal.accounts.gates import allow_anonymous, person_of
from opsportal.accounts.queries import names_of_admins, person_named
from opsportal.audit import actions as audit

log = logging.getLogger(__name__)


class SignIn(LoginView):
    """Local sign-in: throttled by name and address, a new session, and on to ``next`` if that is ours."""

    authentication_form = SignInForm
    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        """``next`` when it is an address of ours and not the sign-in page itself, else empty."""
        wanted = super().get_redirect_url()
        return "" if urlsplit(wanted).path == reverse("accounts:sign_in") else wanted

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in and say so in the trail."""
        response = super().form_valid(form)
        person = person_of(self.request)
        audit.record(
            actor=person.username, action="person.sign_in", target=person.username, target_kind="person"
        )
        return response


class SignOut(LogoutView):
    """Ends the session. POST only, so that no link or image of another site can."""

    next_page = "accounts:sign_in"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say so in the trail, then sign out."""
        if request.user.is_authenticated:
            username = person_of(request).username
            audit.record(actor=username, action="person.sign_out", target=username, target_kind="person")
        return super().post(request, *args, **kwargs)


sign_in = allow_anonymous("this is where people sign in")(SignIn.as_view())
sign_out = allow_anonymous("it only ends the session of whoever asks")(SignOut.as_view())


def locked_out(
    request: HttpRequest, response: HttpResponseBase | None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """429 with when to try again. Called in place of the sign-in page once a name was tried too often from
    here.

    The moment of locking goes into the trail when the name is somebody's; a name nobody has may be a
    password typed into the wrong field, and is not kept.
    """
    cool_off = get_cool_off(request)
    until = timezone.now() + cool_off if cool_off else None
    person = person_named(str((credentials or {}).get("username") or ""))
    just_now = getattr(request, "axes_failures_since_start", None) == get_failure_limit(request, credentials)
    if person is not None and just_now:
        audit.record(
            actor=person.username,
            action="person.lock_out",
            target=person.username,
            target_kind="person",
            reason="A wrong password was given too often.",
            result="refused",
        )
    answer = render(
        request, "accounts/locked_out.html", {"until": until, "admins": names_of_admins()}, status=429
    )
    if cool_off:
        answer["Retry-After"] = str(int(cool_off.total_seconds()))
    return answer
