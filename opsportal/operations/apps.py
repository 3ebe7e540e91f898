"""The application's name for Django."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Operations: the engine and its kinds."""

    name = "opsportal.operations"
