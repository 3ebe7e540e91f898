"""Saved commands: the list that leads and admins keep, and using one on an environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from opsportal.accounts import queries as accounts
from opsportal.accounts.gates import permitted, person_of
from opsportal.accounts.grants import PLACES, ROLES
from opsportal.accounts.rules import Permission
from opsportal.environments import holds
from opsportal.environments.models import Environment
from opsportal.operations import actions, outlook, registry, saved_commands, schedule_views, schedules
from opsportal.operations.ask_forms import PASSES, REASON, SAVED, passing_field, say_refused
from opsportal.operations.ask_views import BAD, REFUSED, UNDO_SECONDS
from opsportal.operations.models import SavedCommand
from opsportal.operations.registry import BadParameter, Kind
from opsportal.operations.saved_commands import Asked


class CommandForm(forms.Form):
    """A saved command as leads and admins write it."""

    title = forms.CharField(max_length=80)
    what = forms.CharField(label="What it does", max_length=300, required=False)
    command = forms.CharField(
        max_length=2000, help_text="One line for the shell; {name} is replaced by a parameter, safely quoted."
    )
    parameters = forms.CharField(
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One a line: “name: type: title”. Types: text, number, date, email, yes_no, “choice one|two”. "
        "A ? after the name makes it optional.",
    )
    roles = forms.MultipleChoiceField(
        label="Offered to", required=False, choices=list(ROLES.items()), widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: everybody who may run a task.",
    )  # fmt: skip
    places = forms.MultipleChoiceField(
        label="Offered on", required=False, choices=[(each, each.capitalize()) for each in PLACES],
        widget=forms.CheckboxSelectMultiple, help_text="None chosen: everywhere.",
    )  # fmt: skip


class UseForm(forms.Form):
    """A saved command's parameters, and the reason where one is needed."""

    def __init__(
        self, asked: list[Asked], *args: Any, reason: bool, held: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for each in asked:
            self.fields[f"p_{each.name}"] = _field(each)
        if reason:
            self.fields[REASON] = forms.CharField(max_length=5000, help_text="Kept in the audit trail.")
        if held:
            self.fields[PASSES] = passing_field()

    @property
    def parameters(self) -> list[forms.BoundField]:
        """The fields of the command's own parameters."""
        return [self[name] for name in self.fields if name.startswith("p_")]

    def typed(self) -> dict[str, str]:
        """Parameter → what was typed."""
        said = {key[2:]: value for key, value in self.cleaned_data.items() if key.startswith("p_")}
        return {key: str(value) for key, value in said.items()}


def _field(asked: Asked) -> forms.Field:
    common: dict[str, Any] = {
        "label": asked.title,
        "required": asked.required,
        "help_text": "" if asked.choices else asked.help,
    }
    if asked.type in {"choice", "yes_no"}:
        options = [(each, each) for each in asked.choices] or [("yes", "Yes"), ("no", "No")]
        return forms.ChoiceField(choices=[("", "Choose"), *options], **common)
    return forms.CharField(max_length=saved_commands.LONGEST, **common)


@permitted(Permission.SEE_ENVIRONMENTS)
@require_GET
def everything(request: HttpRequest) -> HttpResponse:
    """All saved commands, for whoever wants to know what there is."""
    may_save = accounts.may(person_of(request), Permission.SAVE_COMMANDS)
    context = {"commands": SavedCommand.objects.all(), "may_save": may_save, "roles": ROLES}
    return render(request, "operations/commands.html", context)


@permitted(Permission.SAVE_COMMANDS)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int = 0) -> HttpResponse:
    """Write a new saved command, or change one."""
    saved = get_object_or_404(SavedCommand, pk=pk) if pk else None
    begins = {"parameters": saved_commands.as_text(saved), **_values(saved)} if saved else None
    form = CommandForm(request.POST if request.method == "POST" else None, initial=begins, label_suffix="")
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            kept = saved_commands.save(
                title=said["title"], what=said["what"], command=said["command"], asked=said["parameters"],
                roles=said["roles"], places=said["places"], by=person_of(request), saved=saved,
            )  # fmt: skip
        except BadParameter as bad:
            form.add_error(bad.field if bad.field in form.fields else None, str(bad))
        else:
            messages.success(request, f"Kept: {kept.title}.")
            return redirect("operations:commands")
    status = BAD if request.method == "POST" else 200
    return render(request, "operations/command_edit.html", {"form": form, "saved": saved}, status=status)


def _values(saved: SavedCommand) -> dict[str, Any]:
    return {name: getattr(saved, name) for name in ("title", "what", "command", "roles", "places")}


@permitted(Permission.SAVE_COMMANDS)
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a saved command. What was run with it stays in the history."""
    saved = get_object_or_404(SavedCommand, pk=pk)
    saved_commands.remove(saved=saved, by=person_of(request))
    messages.success(request, f"Removed: {saved.title}.")
    return redirect("operations:commands")


@permitted(Permission.SEE_ENVIRONMENTS)
@require_http_methods(["GET", "POST"])
def use(request: HttpRequest, name: str, pk: int) -> HttpResponse:
    """Fill in a saved command's parameters, see what will be run, and run it as a task or schedule it."""
    environment = Environment.objects.select_related("owner").filter(name=name).first()
    kind = registry.kind("run_task")
    offered = [] if environment is None else saved_commands.offered(environment, person_of(request))
    saved = next((each for each in offered if each.pk == pk), None)
    if environment is None or saved is None or kind is None:
        raise Http404("There is no such command, or it is not offered to you here.")
    chosen = _Chosen(environment, saved, kind)
    form = _use_form(request, chosen)
    if request.method != "POST" or request.headers.get("HX-Target") == "outlook":
        return _show(request, chosen, form)
    if not form.is_valid():
        return _show(request, chosen, form, BAD)
    try:
        given = chosen.given(form.typed())
        if "schedule" in request.POST:
            return schedule_views.begin(request, environment, kind, given)
        operation = actions.request(
            kind=kind.name, environment=name, given=given, by=person_of(request),
            reason=form.cleaned_data.get(REASON, ""), passes_hold=bool(form.cleaned_data.get(PASSES)),
            undo_seconds=UNDO_SECONDS,
        )  # fmt: skip
    except BadParameter as bad:
        form.add_error(f"p_{bad.field}" if f"p_{bad.field}" in form.fields else None, str(bad))
        return _show(request, chosen, form, BAD)
    except actions.Refused as refusal:
        say_refused(form, refusal.findings)
        return _show(request, chosen, form, REFUSED)
    return redirect("operations:operation", operation.id)


@dataclass(frozen=True)
class _Chosen:
    """A saved command on an environment."""

    environment: Environment
    saved: SavedCommand
    kind: Kind

    def given(self, typed: Mapping[str, str]) -> dict[str, str]:
        """What run task is told: the line, and whose it is. Raises BadParameter."""
        made = saved_commands.line(self.saved.command, saved_commands.parameters(self.saved), typed)
        return {"command": made} | ({SAVED: self.saved.title} if self.kind.has_parameter(SAVED) else {})


def _use_form(request: HttpRequest, chosen: _Chosen) -> UseForm:
    hold = holds.active(chosen.environment)
    return UseForm(
        saved_commands.parameters(chosen.saved),
        request.POST if request.method == "POST" else None,
        reason=chosen.environment.kind in chosen.kind.reason_on,
        held=hold is not None and holds.may_pass(hold, person_of(request)),
        label_suffix="",
    )


def _show(request: HttpRequest, chosen: _Chosen, form: UseForm, status: int = 200) -> HttpResponse:
    environment, person = chosen.environment, person_of(request)
    hold = holds.active(environment)
    typed = {key[2:]: str(value) for key, value in request.POST.items() if key.startswith("p_")}
    try:
        looked = outlook.of(
            chosen.kind, environment, chosen.given(typed), person, passes_hold=PASSES in form.fields
        )
    except BadParameter as bad:
        looked = outlook.unclear(str(bad))
    context = {
        "environment": environment,
        "saved": chosen.saved,
        "form": form,
        "undo_seconds": UNDO_SECONDS,
        "hold": hold,
        "hold_words": holds.words(hold) if hold else "",
        "may_schedule": schedules.may_change(environment, chosen.kind.name, person),
        **looked,
    }
    part = "operations/ask.html#outlook" if request.headers.get("HX-Target") == "outlook" else ""
    return render(request, part or "operations/command_use.html", context, status=status)
