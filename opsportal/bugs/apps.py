"""The bugs application."""

from django.apps import AppConfig


class BugsConfig(AppConfig):
    """Bug tickets."""

    name = "opsportal.bugs"
    label = "bugs"
    default_auto_field = "django.db.models.BigAutoField"
