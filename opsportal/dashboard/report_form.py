"""What somebody types who reports a bug: product.md's fields, in the order in which one can answer them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings

from opsportal.bugs import rules
from opsportal.bugs.forms import Files, Text
from opsportal.kit import wording

#: The three questions that a product owner decides by.
QUESTIONS = ("breaks", "for_whom", "since")
NOWHERE = "Not on one environment alone"
FOUND_BY = {"team": "Somebody of the team", "end_user": "An end user"}
LONGEST_TEXT, LONGEST_LINE, LONGEST_TITLE = 10_000, 300, 200


class FilesNotTooLarge(Files):
    """Several files; one that is too large is refused before it is read."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Each file by itself; an empty list for none."""
        given = super().clean(data, initial)
        for each in given:
            if each.size > settings.ATTACHMENT_MB * 1_000_000:
                words = f"{each.name} has {wording.size(each.size)}; a file may have {settings.ATTACHMENT_MB:g} MB."
                raise forms.ValidationError(words)
        return given


class ReportForm(forms.Form):
    """A new ticket. ``decides``: whether who reports is a product owner, whose Critical needs no consent."""

    title = forms.CharField(
        max_length=LONGEST_TITLE, help_text="One line by which everybody recognises it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    happens = Text(label="What happens", max_length=LONGEST_TEXT, rows=3)
    should = Text(label="What should happen", max_length=LONGEST_TEXT, rows=2)
    steps = Text(label="Steps to see it", required=False, max_length=LONGEST_TEXT, rows=3)
    environment = forms.ChoiceField(label="Where", required=False)
    found_by = forms.ChoiceField(
        label="Who found it", choices=list(FOUND_BY.items()), initial="team", widget=forms.RadioSelect
    )
    user_facing = forms.BooleanField(
        label="End users can see it", required=False, initial=True,
        help_text="If so, one of the two reviewers may be a designer.",
    )  # fmt: skip
    priority = forms.ChoiceField(
        label="How soon should it be fixed?", choices=[(each, each.capitalize()) for each in rules.PRIORITIES]
    )
    breaks = Text(label="What breaks", required=False, max_length=LONGEST_TEXT, rows=2)
    for_whom = forms.CharField(label="For whom", required=False, max_length=LONGEST_LINE)
    since = forms.CharField(label="Since when", required=False, max_length=LONGEST_LINE)
    attach_evidence = forms.BooleanField(
        label="Attach what stands here to the ticket", required=False, initial=True
    )
    entry = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)
    operation = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    once = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, environments: Sequence[str], decides: bool, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.decides = decides
        choices = [("", NOWHERE), *((each, each) for each in environments)]
        # A form keeps what was uploaded as its attribute of that name, so this field is not declared above.
        self.fields["files"] = FilesNotTooLarge(
            label="Screenshots and files",
            required=False,
            help_text="Paste a picture anywhere on this page, or choose files: pictures and plain text.",
        )
        self.fields["environment"] = forms.ChoiceField(label="Where", required=False, choices=choices)

    def clean(self) -> dict[str, Any]:
        """Who only proposes Critical answers the three questions: a product owner decides by them."""
        said = super().clean() or {}
        if said.get("priority") == rules.CRITICAL and not self.decides:
            for name in QUESTIONS:
                if name not in self.errors and not said.get(name):
                    self.add_error(name, "A product owner decides by this: say it in a few words.")
        return said

    @property
    def priorities(self) -> list[tuple[str, str, str, bool]]:
        """Each priority as ``(value, its name, what it means, chosen)``."""
        chosen = self["priority"].value()
        return [(each, each.capitalize(), rules.MEANINGS[each], each == chosen) for each in rules.PRIORITIES]

    @property
    def questions(self) -> list[forms.BoundField]:
        """The fields that belong to a proposal of Critical."""
        return [self[name] for name in QUESTIONS]

    def given(self) -> dict[str, Any]:
        """What the action takes, but for who reports, evidence and files."""
        names = ("title", "happens", "should", "steps", "environment", "found_by", "user_facing", "priority")
        wanted = (*names, *QUESTIONS) if self.asks_for_consent else names
        return {name: self.cleaned_data[name] for name in wanted}

    @property
    def asks_for_consent(self) -> bool:
        """Whether the ticket begins with a proposal that a product owner decides."""
        return self.cleaned_data.get("priority") == rules.CRITICAL and not self.decides

    def say(self, refused: Mapping[str, str]) -> None:
        """Put what the rules said into the form: at its field where there is one, else above."""
        for name, words in refused.items():
            self.add_error(name if name in self.fields else None, words)
