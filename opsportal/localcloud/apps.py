"""The local cloud as a Django application, only so that ``manage.py localcloud`` exists."""

from django.apps import AppConfig


class LocalCloudConfig(AppConfig):
    """It has no models."""

    name = "opsportal.localcloud"
    verbose_name = "Local cloud"
