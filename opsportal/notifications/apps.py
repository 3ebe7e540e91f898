"""The application's name for Django."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Notifications: the outbox."""

    name = "opsportal.notifications"
