"""The application's name for Django."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Operations: the engine and its kinds."""

    name = "opsportal.operations"

    def ready(self) -> None:
        """Kinds register themselves; holds are listened to."""
        from opsportal.operations import kinds, telling  # noqa: PLC0415

        kinds.load()
        telling.listen()
