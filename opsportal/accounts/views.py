"""Sign in, sign out, one's own account, and the answer to too many attempts."""

import logging
from typing import Any
from urllib.parse import urlsplit

from axes.helpers import get_cool_off, get_failure_limit
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from opsportal.accounts import actions, lockouts
from opsportal.accounts.client_address import client_address
from opsportal.accounts.forms import GitHubLoginForm, OwnPasswordForm, SignInForm, TimeZoneForm
from opsportal.accounts.gates import allow_anonymous, person_of, signed_in
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


class Account(PasswordChangeView):
    """One's own account: another password, throttled as signing in is; and the zone in which one reads times."""

    form_class = OwnPasswordForm
    template_name = "accounts/account.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        """With the request, by which wrong passwords are counted."""
        return {**super().get_form_kwargs(), "request": self.request, "label_suffix": ""}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the forms of the time zone and of the GitHub login."""
        chosen = {"time_zone": person_of(self.request).time_zone}
        known = {"github_login": person_of(self.request).github_login}
        forms = {
            "zone_form": TimeZoneForm(initial=chosen, label_suffix=""),
            "github_form": GitHubLoginForm(initial=known, label_suffix=""),
        }
        return super().get_context_data(**{**forms, **kwargs})

    def form_valid(self, form: Any) -> HttpResponse:
        """Change it; this session goes on, every other one ends."""
        person = person_of(self.request)
        actions.change_own_password(password=form.cleaned_data["new_password1"], by=person)
        update_session_auth_hash(self.request, person)
        lockouts.forget(person, client_address(self.request))
        messages.success(
            self.request, "Your password is changed. Wherever else you were signed in you are not any more."
        )
        return redirect("accounts:account")

    def form_invalid(self, form: Any) -> HttpResponse:
        """The form again, with what was wrong."""
        return self.render_to_response(self.get_context_data(form=form), status=422)


@signed_in
@require_POST
def time_zone(request: HttpRequest) -> HttpResponseRedirect:
    """Read times in another zone."""
    form = TimeZoneForm(request.POST)
    if form.is_valid():
        actions.change_own_time_zone(time_zone=form.cleaned_data["time_zone"], by=person_of(request))
        messages.success(request, f"Times are those of {person_of(request).time_zone or 'the team'} now.")
    else:
        messages.error(request, "There is no such time zone.")
    return redirect("accounts:account")


@signed_in
@require_POST
def github_login(request: HttpRequest) -> HttpResponseRedirect:
    """Say who one is on GitHub."""
    person, form = person_of(request), GitHubLoginForm(request.POST)
    try:
        given = form.cleaned_data["github_login"] if form.is_valid() else "@"
        actions.change_own_github_login(github_login=given, by=person)
    except ValidationError as wrong:
        messages.error(request, " ".join(wrong.messages))
    else:
        messages.success(request, f"On GitHub you are {person.github_login or person.username}.")
    return redirect("accounts:account")


account = signed_in(Account.as_view())
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
