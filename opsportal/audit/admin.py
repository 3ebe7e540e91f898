"""The trail in Django's admin: to be read, searched and linked to; nothing there changes it."""

import re
from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import Truncator

from opsportal.audit.models import Entry
from opsportal.kit.wording import exact

_NO_BREAK = "\N{NO-BREAK SPACE}"
_LONG_IDENTIFIER = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_REASON_LENGTH = 60

if TYPE_CHECKING:
    _EntryAdmin = admin.ModelAdmin[Entry]
else:  # Django's own class takes no type at run time.
    _EntryAdmin = admin.ModelAdmin


@admin.register(Entry)
class EntryAdmin(_EntryAdmin):
    """Entries, newest first."""

    list_display = ("number", "moment", "actor", "action", "short_target", "result", "origin", "short_reason")
    list_filter = ("action", "target_kind", "result")
    search_fields = ("actor", "action", "target", "reason")
    date_hierarchy = "at"
    list_per_page = 50
    actions = None
    readonly_fields = ("moment",)
    fields = (
        *("number", "moment", "actor", "actor_kind", "action", "target", "target_kind", "reason", "result"),
        *("origin", "details", "previous_hash", "hash"),
    )

    @admin.display(description="at", ordering="at")
    def moment(self, entry: Entry) -> str:
        """In the viewer's zone, which is named; in one piece, so that the column does not wrap it."""
        return exact(entry.at, timezone.get_current_timezone()).replace(" ", _NO_BREAK)

    @admin.display(description="target", ordering="target")
    def short_target(self, entry: Entry) -> str:
        """What it was done to; of a long identifier the first part, as pages show it. The entry has all of it."""
        return _LONG_IDENTIFIER.sub(r"\1", entry.target)

    @admin.display(description="reason")
    def short_reason(self, entry: Entry) -> str:
        """The beginning of the reason. The entry has all of it."""
        return Truncator(entry.reason).chars(_REASON_LENGTH)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False
