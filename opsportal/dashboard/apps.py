"""Pages that show many packages at once."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """Home, environment page, the components page. It has no models (architecture.md)."""

    name = "opsportal.dashboard"
    label = "dashboard"
