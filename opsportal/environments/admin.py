"""Environments in Django's admin: who owns a sandbox. What the worker reads is shown and never edited here."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from opsportal.accounts.gates import person_of
from opsportal.environments import actions
from opsportal.environments.models import Environment

if TYPE_CHECKING:
    _EnvironmentAdmin = admin.ModelAdmin[Environment]
else:
    _EnvironmentAdmin = admin.ModelAdmin


@admin.register(Environment)
class EnvironmentAdmin(_EnvironmentAdmin):
    """Environments come and go with their manifests in the repository; only a sandbox's owner is set by hand."""

    list_display = ("name", "kind", "owner", "health", "in_repository", "refreshed_at")
    list_filter = ("kind", "health", "in_repository")
    search_fields = ("name", "owner__username", "owner__name")
    fields = ("name", "kind", "owner", "app_name", "space_name", "in_repository", "manifest_problem")
    readonly_fields = ("name", "kind", "app_name", "space_name", "in_repository", "manifest_problem")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A manifest makes an environment, not a form."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Environment | None = None) -> bool:
        """Its history hangs on it."""
        return False

    def save_model(self, request: HttpRequest, obj: Environment, form: Any, change: Any) -> None:
        """Through the action, so that it lands in the audit trail."""
        if "owner" in form.changed_data:
            actions.set_owner(environment=obj, owner=obj.owner, by=person_of(request).username)
