"""The sign-in form."""

from django.contrib.auth.forms import AuthenticationForm

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
