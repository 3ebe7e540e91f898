"""The trail in Django's admin: to be read, searched and linked to; nothing there changes it."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from opsportal.audit.models import Entry

if TYPE_CHECKING:
    _EntryAdmin = admin.ModelAdmin[Entry]
else:  # Django's own class takes no type at run time.
    _EntryAdmin = admin.ModelAdmin


@admin.register(Entry)
class EntryAdmin(_EntryAdmin):
    """Entries, newest first."""

    list_display = ("number", "at", "actor", "action", "target", "result", "origin", "reason")
    list_filter = ("action", "target_kind", "result")
    search_fields = ("actor", "action", "target", "reason")
    date_hierarchy = "at"
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False
