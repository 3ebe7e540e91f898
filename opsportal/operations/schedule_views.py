"""Schedules: what runs by itself, when next, how it went last, and a switch."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from opsportal.accounts.gates import permitted, person_of
from opsportal.accounts.models import Person
from opsportal.accounts.rules import Permission
from opsportal.environments.models import Environment
from opsportal.operations import actions, calendar, registry, schedules
from opsportal.operations.ask_forms import SAVED, AskForm
from opsportal.operations.ask_views import BAD, REFUSED
from opsportal.operations.models import Schedule
from opsportal.operations.registry import BadParameter, Kind

see = permitted(Permission.SEE_ENVIRONMENTS)
_TURNS = {"on": True, "off": False}


class ScheduleForm(AskForm):
    """A kind's own form, and when."""

    weekdays = forms.MultipleChoiceField(
        label="Days", choices=[(str(number), name) for number, name in enumerate(calendar.WEEKDAYS)],
        widget=forms.CheckboxSelectMultiple, initial=[str(number) for number in range(5)],
    )  # fmt: skip
    times = forms.CharField(label="At", max_length=200, initial="06:00")


@see
@require_GET
def everything(request: HttpRequest) -> HttpResponse:
    """Every schedule, with its next run, its last result and its switch."""
    person = person_of(request)
    rows = Schedule.objects.select_related("environment__owner", "owner", "last_operation")
    context = {"rows": [_row(each, person) for each in rows], "zone": settings.TIME_ZONE}
    return render(request, "operations/schedules.html", context)


def _row(schedule: Schedule, person: Person) -> dict[str, Any]:
    kind = registry.kind(schedule.kind)
    return {
        "schedule": schedule,
        "title": kind.title if kind else schedule.kind,
        "about": _told(kind, schedule.given) if kind else "",
        "when": calendar.in_words(schedule.weekdays, schedule.times),
        "may": schedules.may_change(schedule.environment, schedule.kind, person) if kind else None,
    }


def _told(kind: Kind, given: Mapping[str, str]) -> str:
    """What it is told, in words: the line of a task, else each parameter by its title."""
    if command := given.get("command"):
        return f"{given[SAVED]}: {command}" if given.get(SAVED) else command
    named = {each.name: each.title for each in kind.parameters}
    return ", ".join(f"{named.get(name, name)}: {value.replace('_', ' ')}" for name, value in given.items())


@see
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """First what and where, then its parameters and when."""
    wanted = request.POST if request.method == "POST" else request.GET
    environment = (
        Environment.objects.select_related("owner").filter(name=wanted.get("environment", "")).first()
    )
    kind = registry.kind(wanted.get("kind", ""))
    if environment is None or kind is None or environment.kind not in kind.allowed_on:
        return _choose(request, environment, kind)
    if request.method == "POST":
        return _save(request, environment, kind)
    return _show(request, environment, kind, ScheduleForm(kind, environment, label_suffix=""))


def begin(
    request: HttpRequest, environment: Environment, kind: Kind, given: Mapping[str, str]
) -> HttpResponse:
    """The form of a new schedule, filled in with what was chosen elsewhere."""
    return _show(request, environment, kind, ScheduleForm(kind, environment, initial=given, label_suffix=""))


def _choose(request: HttpRequest, environment: Environment | None, kind: Kind | None) -> HttpResponse:
    """First where, then what: of the kinds there are on such an environment, those this person may schedule."""
    person = person_of(request)
    there = [each for each in registry.kinds() if environment and environment.kind in each.allowed_on]
    verdicts = [(each, schedules.may_change(environment, each.name, person)) for each in there if environment]
    context = {
        "environments": Environment.objects.order_by("name"),
        "kinds": [each for each, may in verdicts if may],
        "refused": [(each, may) for each, may in verdicts if not may],
        "environment": environment,
        "kind": kind,
        "clash": environment is not None and kind is not None,
    }
    return render(request, "operations/schedule_choose.html", context)


def _save(request: HttpRequest, environment: Environment, kind: Kind) -> HttpResponse:
    form = ScheduleForm(kind, environment, request.POST, label_suffix="")
    if not form.is_valid():
        return _show(request, environment, kind, form, BAD)
    said = form.cleaned_data
    try:
        schedules.save(
            kind=kind.name, environment=environment, given=form.given(), by=person_of(request),
            weekdays=[int(each) for each in said["weekdays"]], times=said["times"],
            reason=said.get("reason", ""), confirmed=said.get("confirmed", ""),
        )  # fmt: skip
    except BadParameter as bad:
        form.add_error(bad.field if bad.field in form.fields else None, str(bad))
        return _show(request, environment, kind, form, BAD)
    except actions.Refused as refusal:
        form.add_error(None, str(refusal))
        return _show(request, environment, kind, form, REFUSED)
    messages.success(request, f"{kind.title} on {environment.name} is scheduled.")
    return redirect("operations:schedules")


def _show(
    request: HttpRequest, environment: Environment, kind: Kind, form: ScheduleForm, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "environment": environment,
        "kind": kind,
        "title": kind.title_at(environment.name),
        "zone": settings.TIME_ZONE,
        "may": schedules.may_change(environment, kind.name, person_of(request)),
    }
    return render(request, "operations/schedule_new.html", context, status=status)


@see
@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponseRedirect:
    """Switch a schedule on or off."""
    schedule = get_object_or_404(Schedule.objects.select_related("environment__owner"), pk=pk)
    turn = _TURNS.get(request.POST.get("turn", ""))
    if turn is not None:
        schedules.switch(schedule=schedule, on=turn, by=person_of(request))
        messages.success(request, f"{schedule.environment.name}: switched {'on' if turn else 'off'}.")
    return redirect("operations:schedules")


@see
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponseRedirect:
    """Forget a schedule."""
    schedule = get_object_or_404(Schedule.objects.select_related("environment__owner"), pk=pk)
    schedules.remove(schedule=schedule, by=person_of(request))
    messages.success(request, f"{schedule.environment.name}: the schedule is removed.")
    return redirect("operations:schedules")
