"""The form in which any kind of operation is asked for, made from its parameters."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.html import format_html

from opsportal.environments.models import Environment
from opsportal.operations.registry import Confirm, Input, Kind, Parameter
from opsportal.operations.rules import Finding

LONGEST = 5000
#: The title of the saved command that a command was made of; kept with it, typed by nobody.
SAVED = "saved"
#: Names of the fields that every form has besides the kind's own parameters.
REASON, CONFIRMED, PASSES = "reason", "confirmed", "passes_hold"


class AskForm(forms.Form):
    """A kind's parameters, the reason where one is needed, and the confirmation that fits the harm.

    Values are left as typed: the kind's own ``clean`` judges them, the same for page, shell and schedule.
    """

    def __init__(
        self, kind: Kind, environment: Environment, *args: Any, held: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self.environment = kind, environment
        for each in kind.form_parameters:
            self.fields[each.name] = _field(each, environment)
        if kind.has_parameter(SAVED):
            self.fields[SAVED] = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
        if environment.kind in kind.reason_on:
            self.fields[REASON] = forms.CharField(
                label="Reason",
                max_length=LONGEST,
                help_text="Why it has to be done here. Kept in the audit trail.",
            )
        if held:
            self.fields[PASSES] = passing_field()
        if kind.confirm == Confirm.TYPED:
            self.fields[CONFIRMED] = forms.CharField(
                label=f"Type {environment.name} to confirm",
                max_length=63,
                widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            )

    @property
    def parameters(self) -> list[forms.BoundField]:
        """The fields of the kind's own parameters."""
        return [self[each.name] for each in self.kind.form_parameters]

    @property
    def has_parameters(self) -> bool:
        """Whether anything but the confirmation can be said."""
        return bool(self.kind.form_parameters)

    def given(self) -> dict[str, str]:
        """The parameters as the action takes them: strings, those that were filled in."""
        said = {}
        for each in self.kind.form_parameters:
            value = self.cleaned_data.get(each.name)
            text = ("yes" if value else "no") if isinstance(value, bool) else str(value or "")
            if text:
                said[each.name] = text
        if saved := self.cleaned_data.get(SAVED):
            said[SAVED] = saved
        return said


def passing_field() -> forms.BooleanField:
    """Where somebody whom the hold lets pass says that they do."""
    return forms.BooleanField(
        label="Pass the hold", required=False, help_text="That you did is kept in the audit trail."
    )


def say_refused(form: forms.Form, findings: Sequence[Finding]) -> None:
    """Put what the rules said against it into the form: at the field that settles it, else above, with its link."""
    for finding in findings:
        field = {"reason": REASON, "confirmed": CONFIRMED, "hold": PASSES}.get(finding.rule)
        if field in form.fields:
            form.add_error(field, finding.words)
        elif finding.url:
            link = format_html('<a class="usa-link" href="{}">{}</a>', finding.url, finding.link)
            form.add_error(None, format_html("{} {}", finding.words, link))
        else:
            form.add_error(None, finding.words)


def as_typed(kind: Kind, params: Mapping[str, Any]) -> dict[str, str]:
    """Stored parameters of an operation as somebody would type them again."""
    said = {each.name: params[each.name] for each in kind.parameters if params.get(each.name) is not None}
    return {
        name: ("yes" if value else "no") if isinstance(value, bool) else str(value)
        for name, value in said.items()
    }


def beginnings(kind: Kind, environment: Environment) -> dict[str, str]:
    """What the form holds before anybody types."""
    return {each.name: each.begins_with(environment) for each in kind.form_parameters}


def _field(parameter: Parameter, environment: Environment) -> forms.Field:
    common: dict[str, Any] = {
        "label": parameter.title,
        "help_text": parameter.help,
        "required": parameter.required,
    }
    begins = parameter.begins_with(environment)
    if parameter.input == Input.YES_NO:
        return forms.BooleanField(**{**common, "required": False}, initial=begins in {"yes", "true", "1"})
    if parameter.choices is not None:
        options = list(parameter.choices(environment))
        blank = [] if parameter.required and begins else [("", "Choose")]
        return forms.ChoiceField(choices=[*blank, *options], initial=begins, **common)
    if parameter.input == Input.LINES:
        return forms.CharField(
            widget=forms.Textarea(attrs={"rows": 3}), max_length=LONGEST, initial=begins, **common
        )
    widget = forms.TextInput(
        attrs={"inputmode": "numeric"} if parameter.input == Input.NUMBER else {"spellcheck": "false"}
    )
    return forms.CharField(max_length=LONGEST, initial=begins, widget=widget, **common)
