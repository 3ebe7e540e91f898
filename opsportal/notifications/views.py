"""Pages: how I am told; for admins channels, every message's words, and what became of those that were sent."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from opsportal.accounts import queries as accounts
from opsportal.accounts.gates import permitted, person_of, signed_in
from opsportal.accounts.rules import Permission
from opsportal.notifications import managing, places, queries
from opsportal.notifications.forms import ChannelsForm, MineForm
from opsportal.notifications.models import Message, Preference, State
from opsportal.notifications.words import GROUPS

BAD = 422
managed = permitted(Permission.MANAGE_NOTIFICATIONS)


@signed_in
@require_http_methods(["GET", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    """How the person who is signed in wants to be told."""
    person = person_of(request)
    kept = Preference.objects.filter(pk=person.pk).first()
    form = MineForm(
        request.POST if request.method == "POST" else None,
        chosen=places.choices_of(person),
        member_id=kept.member_id if kept else "",
    )
    if request.method == "POST" and form.is_valid():
        managing.choose(by=person, ways=form.ways(), member_id=form.cleaned_data["member_id"])
        messages.success(request, "Kept how you are told.")
        return redirect("notifications:mine")
    context = {
        "form": form,
        "slack": places.slack_is_configured(),
        "email": places.email_is_configured(),
        "address": person.email,
        "may_manage": bool(accounts.may(person, Permission.MANAGE_NOTIFICATIONS)),
        "latest": Message.objects.filter(person=person)[:10],
    }
    return render(request, "notifications/mine.html", context, status=BAD if form.errors else 200)


@signed_in
@require_POST
def test_myself(request: HttpRequest) -> HttpResponse:
    """Send a test to oneself."""
    _say(request, managing.test_myself(by=person_of(request)), "You have chosen no way that can be used now.")
    return redirect("notifications:mine")


def _say(request: HttpRequest, written: bool, otherwise: str) -> None:
    if written:
        messages.success(request, "A test is on its way. What becomes of it stands below.")
    else:
        messages.error(request, f"No test was sent. {otherwise}")


@managed
@require_http_methods(["GET", "POST"])
def manage(request: HttpRequest) -> HttpResponse:
    """Which channel each group has."""
    form = ChannelsForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            managing.set_channels(by=person_of(request), names=form.cleaned_data)
        except ValidationError as bad:
            form.add_error(None, bad)
        else:
            messages.success(request, "Kept the channels.")
            return redirect("notifications:manage")
    context = {
        "form": form,
        "groups": {group: GROUPS[group] for group in GROUPS},
        "slack": places.slack_is_configured(),
        "email": places.email_is_configured(),
        **_outbox_context(""),
    }
    return render(request, "notifications/manage.html", context, status=BAD if form.errors else 200)


@managed
@require_POST
def test_channel(request: HttpRequest) -> HttpResponse:
    """Send a test to a group's channel."""
    group = request.POST.get("group", "")
    written = group in GROUPS and managing.test_channel(by=person_of(request), group=group)
    _say(request, written, "No channel is set for it, or Slack is not configured.")
    return redirect("notifications:manage")


@managed
@require_GET
def outbox(request: HttpRequest) -> HttpResponse:
    """The newest messages and what became of them; ``?state=`` shows those alone."""
    state = request.GET.get("state", "")
    return render(request, "notifications/outbox.html", _outbox_context(state))


def _outbox_context(state: str) -> dict[str, object]:
    counts = queries.counts()
    return {
        "rows": queries.newest(state),
        "state": state,
        "states": [(value, label, counts.get(value, 0)) for value, label in State.choices],
        "troubled": counts.get(State.GIVEN_UP, 0) + counts.get(State.UNKNOWN, 0),
    }


@managed
@require_POST
def again(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send once more what was given up."""
    if managing.again(by=person_of(request), message=get_object_or_404(Message, pk=pk)):
        messages.success(request, "It is sent again.")
    else:
        messages.error(request, "It is not given up any more.")
    back = request.POST.get("back", "")
    inside = url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return redirect(back if inside and back.startswith("/") else "notifications:outbox")


@managed
@require_GET
def preview(request: HttpRequest) -> HttpResponse:
    """Every message that the portal may send, as Slack and e-mail show it."""
    return render(request, "notifications/preview.html", {"previews": queries.previews()})
