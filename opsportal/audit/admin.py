"""The trail in Django's admin: to be read, searched and linked to; nothing there changes it."""

import re
from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from opsportal.audit.models import Entry
from opsportal.kit.wording import exact

_NO_BREAK = "\N{NO-BREAK SPACE}"
_LONG_IDENTIFIER = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_WORDS_LENGTH = 160

if TYPE_CHECKING:
    _EntryAdmin = admin.ModelAdmin[Entry]
else:  # Django's own class takes no type at run time.
    _EntryAdmin = admin.ModelAdmin


@admin.register(Entry)
class EntryAdmin(_EntryAdmin):
    """Entries, newest first."""

    list_display = ("number", "moment", "who", "what", "where", "result", "origin")
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

    class Media:
        css = {"all": ["css/admin-lists.css"]}

    @admin.display(description="actor", ordering="actor")
    def who(self, entry: Entry) -> str:
        """The person; or whose schedule it was, where nobody clicked."""
        return f"schedule of {entry.actor}" if entry.actor_kind == "schedule" else entry.actor

    @admin.display(description="environment")
    def where(self, entry: Entry) -> str:
        """The environment it was done to, if any."""
        return (
            entry.target
            if entry.target_kind == "environment"
            else str(entry.details.get("environment") or "–")
        )

    @admin.display(description="what", ordering="action")
    def what(self, entry: Entry) -> SafeString:
        """What was done to what, with the beginning of the reason below. The entry has all of it.

        Of a long identifier the first part is shown, as on the pages, and what it stood for; an environment has a
        column of its own.
        """
        target = _LONG_IDENTIFIER.sub(r"\1", entry.target)
        told = [str(entry.details.get(each) or "") for each in ("headline", "role")]
        done = format_html("{} {}", entry.action, target)
        below = ". ".join(filter(None, [": ".join(filter(None, told)), entry.reason]))
        words = Truncator(below).chars(_WORDS_LENGTH)
        return format_html('{}<span class="quiet">{}</span>', done, words) if words else done

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False
