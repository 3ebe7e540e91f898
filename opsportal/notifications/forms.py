"""The forms: how a person is told, and which channel a group has."""

from collections.abc import Mapping
from typing import Any

from django import forms

from opsportal.notifications import places
from opsportal.notifications.models import CHANNEL_NAME, MEMBER_ID
from opsportal.notifications.words import DEV, GROUPS, SUBJECTS


class MineForm(forms.Form):
    """One choice for each subject, and the Slack member ID."""

    def __init__(self, *args: Any, chosen: Mapping[str, str], member_id: str, **kwargs: Any) -> None:
        """``chosen``: what holds now, for each subject."""
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for subject, title in SUBJECTS.items():
            self.fields[subject] = forms.ChoiceField(
                label=title, choices=list(places.CHOICES.items()), initial=chosen[subject]
            )
        self.fields["member_id"] = forms.CharField(
            label="Slack member ID",
            required=False,
            initial=member_id,
            max_length=24,
            validators=[MEMBER_ID],
            help_text="Only if Slack does not know you by your e-mail address. In Slack: your profile, ⋮, Copy member ID.",
        )

    def subjects(self) -> list[forms.BoundField]:
        """The fields of the subjects."""
        return [self[name] for name in SUBJECTS]

    def ways(self) -> dict[str, str]:
        """Subject → way, as chosen."""
        return {name: str(self.cleaned_data[name]) for name in SUBJECTS}


class ChannelsForm(forms.Form):
    """A channel for each group."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin with the channels as they are set."""
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for group, name in places.channels().items():
            self.fields[group] = forms.CharField(
                label=GROUPS[group],
                required=False,
                initial=name,
                max_length=80,
                validators=[CHANNEL_NAME],
                help_text="Empty: nothing is told there."
                if group == DEV
                else "Empty: the developers' channel.",
            )
