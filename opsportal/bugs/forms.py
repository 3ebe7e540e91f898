"""What people type about a ticket. The rules are asked by the actions; here stand labels, hints and first checks."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from opsportal.bugs import rules
from opsportal.bugs.filters import SORTS
from opsportal.bugs.models import FoundBy, Priority, Stage

LONGEST_TITLE, LONGEST_NAME = 200, 150


class Text(forms.CharField):
    """Several lines, kept as typed but for the line ends, which browsers send as two characters."""

    def __init__(self, *, rows: int = 4, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), strip=True, **options)

    def to_python(self, value: Any) -> str:
        """The text with plain line ends."""
        return str(super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n")


class ManyFiles(forms.ClearableFileInput):
    """A file field that takes several at once."""

    allow_multiple_selected = True


class Files(forms.FileField):
    """Several files; cleaned to a list, empty when none was chosen."""

    def __init__(self, **options: Any) -> None:
        attrs = {"data-paste": "", "accept": "image/png,image/jpeg,image/gif,image/webp,text/plain"}
        super().__init__(widget=ManyFiles(attrs=attrs), **options)

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Each file by itself."""
        given: Sequence[UploadedFile[Any] | None] = data if isinstance(data, list | tuple) else [data]
        cleaned = [forms.FileField.clean(self, each, initial) for each in given if each]
        if not cleaned and self.required:
            raise forms.ValidationError("Choose a file.", code="required")
        return cleaned


class TicketForm(forms.Form):
    """A ticket's own words, changed. ``version`` is the one that the form was opened with."""

    title = forms.CharField(max_length=LONGEST_TITLE)
    happens = Text(label="What happens")
    should = Text(label="What should happen")
    steps = Text(required=False, label="Steps", help_text="One a line: how to make it happen.")
    environment = forms.CharField(
        required=False, max_length=63, help_text="Its name; empty when it is not one alone."
    )
    found_by = forms.ChoiceField(label="Who found it", choices=FoundBy.choices, widget=forms.RadioSelect)
    user_facing = forms.BooleanField(
        required=False, label="User-facing", help_text="Users see it; a designer may then review the fix."
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class PriorityForm(forms.Form):
    """Another priority, and why. ``critical``: whether the person may set that too."""

    priority = forms.ChoiceField(choices=Priority.choices, widget=forms.RadioSelect)
    reason = Text(rows=2, label="Why", help_text="Kept with the ticket.")

    def __init__(self, *args: Any, critical: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = [
            (value, f"{label}: {rules.MEANINGS[value]}")
            for value, label in Priority.choices
            if critical or value != Priority.CRITICAL
        ]
        self.fields["priority"].choices = words  # type: ignore[attr-defined]


class ProposeForm(forms.Form):
    """What a product owner needs to decide on Critical."""

    breaks = Text(rows=3, label="What breaks")
    for_whom = forms.CharField(label="For whom", max_length=300)
    since = forms.CharField(label="Since when", max_length=300)


class DecideForm(forms.Form):
    """A product owner's word. Consent needs no reason; declining needs one, and another priority."""

    reason = Text(rows=2, required=False, label="Reason", help_text="Needed to decline.")
    priority = forms.ChoiceField(
        label="Priority when declined",
        required=False,
        choices=[each for each in Priority.choices if each[0] != Priority.CRITICAL],
        initial=Priority.HIGH,
    )


class Names(forms.MultipleChoiceField):
    """Several user names; whether there are such people is asked later."""

    def valid_value(self, value: Any) -> bool:
        """Any name of a name's length."""
        return len(str(value)) <= LONGEST_NAME and "\0" not in str(value)


class AssignForm(forms.Form):
    """One engineer and two reviewers, by user name. Who may be chosen is the rules' answer, not the form's."""

    engineer = forms.CharField(max_length=150, error_messages={"required": "Choose an engineer."})
    reviewers = Names(error_messages={"required": "Choose two reviewers."})


class CommentForm(forms.Form):
    """Something said, with files or without."""

    body = Text(
        required=False,
        label="Comment",
        help_text="Markdown. @name tells that person; a screenshot can be pasted.",
    )
    file = Files(required=False, label="Files", help_text="PNG, JPEG, GIF, WebP or plain text.")

    def clean(self) -> dict[str, Any]:
        """Words or a file, else there is nothing to keep."""
        cleaned = super().clean() or {}
        if not self.errors and not cleaned.get("body") and not cleaned.get("file"):
            self.add_error("body", "Say something, or choose a file.")
        return cleaned


class AttachForm(forms.Form):
    """Files for a ticket."""

    file = Files(label="Files", help_text="PNG, JPEG, GIF, WebP or plain text.")


class BodyForm(forms.Form):
    """A comment, said better."""

    body = Text(label="Comment")


class CloseForm(forms.Form):
    """Why nothing more is to be done; of a duplicate, the ticket that goes on."""

    reason = Text(rows=2, label="Why", required=False, help_text="Not needed for a duplicate.")
    duplicate_of = forms.CharField(
        required=False, max_length=20, label="Duplicate of", help_text="Its number or key: 12."
    )

    def clean(self) -> dict[str, Any]:
        """A reason, or the ticket it repeats."""
        cleaned = super().clean() or {}
        if not self.errors and not cleaned.get("reason") and not cleaned.get("duplicate_of"):
            self.add_error("reason", "Say why nothing more is to be done, or which ticket it repeats.")
        return cleaned


class ReasonForm(forms.Form):
    """Why."""

    reason = Text(rows=2, label="Why", help_text="Kept with the ticket.")


class NothingForm(forms.Form):
    """Nothing to say: the click is all."""


class ViewForm(forms.Form):
    """A search to keep under a name."""

    name = forms.CharField(max_length=60, label="Keep this search as")
    shared = forms.BooleanField(required=False, label="Offer it to everybody")
    query = forms.CharField(required=False, max_length=1000, widget=forms.HiddenInput)


class FilterForm(forms.Form):
    """The filters of a list, named as :class:`~opsportal.bugs.filters.Filters` reads them from the address."""

    text = forms.CharField(label="Search", required=False, max_length=200)
    priority = forms.ChoiceField(required=False, choices=[("", "Any"), *Priority.choices])
    stage = forms.ChoiceField(
        required=False,
        choices=[("open", "Open"), *Stage.choices, ("all", "Open and closed")],
    )
    engineer = forms.ChoiceField(required=False)
    reviewer = forms.ChoiceField(required=False)
    reporter = forms.ChoiceField(label="Reported by", required=False)
    environment = forms.ChoiceField(required=False)
    sort = forms.ChoiceField(label="Order", required=False, choices=list(SORTS.items()))

    def __init__(
        self, *args: Any, people: Sequence[tuple[str, str]], environments: Sequence[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        choices: list[tuple[str, str]] = [("", "Anybody"), *people]
        for name in ("engineer", "reviewer", "reporter"):
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        places = [("", "Any"), *((each, each) for each in environments)]
        self.fields["environment"].choices = places  # type: ignore[attr-defined]
