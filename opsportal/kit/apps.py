"""Makes the template tags of this package known to Django."""

from django.apps import AppConfig


class KitConfig(AppConfig):
    """No models: only words, tags and small helpers that know nothing of the domain."""

    name = "opsportal.kit"
    label = "kit"
