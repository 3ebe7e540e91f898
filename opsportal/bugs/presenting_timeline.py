"""What happened to a ticket as its page shows it: the timeline's items with what they can be opened to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString

from opsportal.accounts.queries import Person
from opsportal.bugs import queries
from opsportal.bugs.models import Comment, FoundBy, Ticket
from opsportal.bugs.presenting import markdown, shown

_FIELDS: Final[Mapping[str, str]] = {
    "happens": "what happens",
    "should": "what should happen",
    "found_by": "who found it",
    "user_facing": "user-facing",
}


@dataclass(frozen=True)
class Entry:
    """One line. ``changes``: field, before, after. ``html``: what was said. ``href``: what it can be opened to."""

    item: queries.Item
    href: str = ""
    changes: tuple[tuple[str, str, str], ...] = ()
    html: SafeString | None = None
    may_edit: bool = False

    @property
    def comment(self) -> Comment | None:
        """The row of what was said, if it was said."""
        return self.item.comment

    @property
    def proposal(self) -> Mapping[str, Any] | None:
        """What breaks, for whom, since when: of a proposal of Critical."""
        return self.item.details if self.item.kind == "critical_proposed" else None


def entries(ticket: Ticket, person: Person) -> list[Entry]:
    """The timeline, the oldest first."""
    return [_entry(ticket, person, each) for each in queries.timeline(ticket)]


def _entry(ticket: Ticket, person: Person, item: queries.Item) -> Entry:
    if item.comment is not None:
        may_edit = bool(queries.may_edit_comment(person, item.comment))
        return Entry(item, html=markdown(item.comment.body), may_edit=may_edit)
    if item.pull_request is not None:
        return Entry(item, href=item.pull_request.url)
    if item.attachment is not None:
        return Entry(item, href=reverse("bugs:file", args=[ticket.pk, item.attachment.pk]))
    if item.kind == "mirrored" and settings.GITHUB_REPOSITORY:
        issues = f"{settings.GITHUB_WEB_URL}/{settings.GITHUB_REPOSITORY}/issues"
        return Entry(item, href=f"{issues}/{(item.details or {}).get('number')}")
    fields = (item.details or {}).get("fields") if item.kind == "edited" else None
    return Entry(item, changes=_changes(fields))


def _changes(fields: Any) -> tuple[tuple[str, str, str], ...]:
    pairs = fields.items() if isinstance(fields, Mapping) else ()
    return tuple(
        (_FIELDS.get(name, name), _valued(name, was), _valued(name, now)) for name, (was, now) in pairs
    )


def _valued(name: str, value: object) -> str:
    return str(dict(FoundBy.choices).get(str(value), value)) if name == "found_by" else shown(value)
