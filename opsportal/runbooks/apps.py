"""Runbooks: the files of ``docs/runbooks`` as pages."""

from django.apps import AppConfig


class RunbooksConfig(AppConfig):
    """The list of runbooks and the page of each. It has no models (architecture.md)."""

    name = "opsportal.runbooks"
    label = "runbooks"
