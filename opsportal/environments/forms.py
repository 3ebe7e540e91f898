"""What people type about environments."""

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone

from opsportal.environments.models import Hold

_LENGTHS = {
    "": "Until somebody releases it",
    "1": "1 hour",
    "4": "4 hours",
    "24": "1 day",
    "72": "3 days",
    "168": "1 week",
}


class HoldForm(forms.Form):
    """Why an environment is held, for how long, and who may pass."""

    reason = forms.CharField(max_length=2000, help_text="Everybody who meets the hold reads it.")
    hours = forms.ChoiceField(label="For how long", required=False, choices=list(_LENGTHS.items()))
    passes = forms.ChoiceField(
        label="Who may pass it", choices=Hold.Passes.choices, initial=Hold.Passes.LEAD,
        help_text="They still have to say that they do, each time.",
    )  # fmt: skip

    def ends_at(self) -> datetime | None:
        """The moment it ends by itself; None for never."""
        hours = self.cleaned_data["hours"]
        return timezone.now() + timedelta(hours=int(hours)) if hours else None
