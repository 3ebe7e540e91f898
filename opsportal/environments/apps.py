"""The application's name for Django."""

from django.apps import AppConfig


class EnvironmentsConfig(AppConfig):
    """Environments: what exists and what is really there."""

    name = "opsportal.environments"
