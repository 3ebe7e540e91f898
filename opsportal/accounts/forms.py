"""The sign-in form, and what people change about themselves."""

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest

_NO_MATCH = "User name and password do not belong together. Check both; the password minds capitals."


class SignInForm(AuthenticationForm):
    """User name and password. One message for a wrong name, a wrong password and a closed account."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _NO_MATCH,
        "inactive": _NO_MATCH,
    }

    def clean_username(self) -> str:
        """User names are small letters; capitals are forgiven, and count as the same name when throttled."""
        return str(self.cleaned_data["username"]).strip().lower()


class OwnPasswordForm(PasswordChangeForm):
    """The old password once and the new one twice. A wrong old one counts as a wrong one at sign-in does."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        """The old password, asked of those who judge a sign-in: too many wrong ones and they do not listen."""
        given = str(self.cleaned_data["old_password"])
        username = self.user.get_username()
        if authenticate(self.request, username=username, password=given) is None:
            raise forms.ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return given


class GitHubLoginForm(forms.Form):
    """Who somebody is on GitHub; empty for the user name. What cannot be is refused by the action."""

    github_login = forms.CharField(label="GitHub login", required=False, max_length=100)


class TimeZoneForm(forms.Form):
    """In which zone somebody reads times; empty for the team's."""

    time_zone = forms.ChoiceField(label="Time zone", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = sorted(name for name in zoneinfo.available_timezones() if "/" in name or name == "UTC")
        team = ("", f"The team's ({settings.TIME_ZONE})")
        self.fields["time_zone"].choices = [team, *((each, each) for each in names)]  # type: ignore[attr-defined]
