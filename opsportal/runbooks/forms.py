"""What a person chooses on the pages of runbooks."""

from collections.abc import Iterable
from typing import Any

from django import forms


class EnvironmentForm(forms.Form):
    """Which environment's names are filled in. ``names``: those there are."""

    environment = forms.ChoiceField(
        required=False,
        label="Fill in for",
        error_messages={"invalid_choice": "There is no environment “%(value)s”."},
    )

    def __init__(self, *args: Any, names: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "No environment"), *((name, name) for name in names)]
        self.fields["environment"].choices = choices  # type: ignore[attr-defined]

    def chosen(self) -> str:
        """The environment's name; empty when none, or none that there is, was chosen."""
        return self.cleaned_data["environment"] if self.is_valid() else ""


class SearchForm(EnvironmentForm):
    """Words that a runbook must hold, all of them."""

    q = forms.CharField(required=False, max_length=200, label="Find a runbook by word")
    field_order = ("q", "environment")
