"""The application "accounts": people, roles, sign-in."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, roles, "may they; if not why, and who can"."""

    name = "opsportal.accounts"
    verbose_name = "People"
