"""What people type about operations."""

from collections.abc import Mapping
from typing import Any

from django import forms

from opsportal.operations import registry
from opsportal.operations.models import State

LONGEST_REF = 300


class DeployForm(forms.Form):
    """What to deploy. ``seen`` is the commit the page showed: a branch that moved meanwhile is looked at again."""

    ref = forms.CharField(label="Branch, tag or commit", max_length=LONGEST_REF)
    ref_kind = forms.CharField(required=False, max_length=10)
    seen = forms.CharField(required=False, max_length=40)
    migrate = forms.BooleanField(
        required=False, label="Migrate the database afterwards", help_text="Safe to repeat; not undone later."
    )

    def given(self) -> dict[str, str]:
        """The parameters as the action takes them."""
        said = self.cleaned_data
        migrate = "yes" if said["migrate"] else "no"
        return {"ref": said["ref"], "ref_kind": said["ref_kind"], "migrate": migrate}

    def moved(self, params: Mapping[str, Any]) -> str:
        """Words for a branch that points elsewhere than the page showed; empty when it does not."""
        seen, now = self.cleaned_data["seen"], str(params["commit"])
        if not seen or seen == now:
            return ""
        return (
            f"{params['ref']} moved from {seen[:8]} to {now[:8]} since you looked. Look again, then deploy."
        )


class HistoryFilter(forms.Form):
    """The filters of the history; all of them stand in the address."""

    q = forms.CharField(label="Search", required=False, max_length=200)
    environment = forms.CharField(required=False, max_length=63)
    kind = forms.ChoiceField(label="Operation", required=False)
    state = forms.ChoiceField(required=False, choices=[("", "Any"), *State.choices])
    by = forms.CharField(label="By", required=False, max_length=150)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(each.name, each.title) for each in registry.kinds()]
        self.fields["kind"].choices = [("", "Any"), *kinds]  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, str]:
        """The filters that are set and make sense."""
        self.full_clean()
        return {name: value for name, value in self.cleaned_data.items() if value}


class AnswerForm(forms.Form):
    """A person's answer to what a step asks."""

    choice = forms.CharField(max_length=60)


class SettleForm(forms.Form):
    """What a person found on the platform, when the portal could not tell."""

    note = forms.CharField(
        label="What you found",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the trail.",
    )
