"""The app that keeps what the environments' applications print."""

from django.apps import AppConfig


class LogsConfig(AppConfig):
    """Logs of an environment."""

    name = "opsportal.logs"
    verbose_name = "Logs"
