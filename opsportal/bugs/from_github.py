"""What came from a ticket's issue on GitHub, done to the ticket: as any change, in timeline and trail.

GitHub has judged who may do it there; a person whose login is known does it here too when they may, else it is GitHub's.
"""

from opsportal.accounts.queries import Person
from opsportal.accounts.rules import Refused
from opsportal.bugs import path, texts
from opsportal.bugs.changing import changing
from opsportal.bugs.errors import BadTicket
from opsportal.bugs.models import Ticket
from opsportal.kit.text import safe_text


def renamed(*, ticket: int, was: str, title: str) -> Ticket:
    """The issue has another title: the ticket's too, if it is still ``was`` (else whoever changed it meanwhile wins)."""
    title = _fit(title)
    with changing(ticket, path.actor("github"), "edit", free=True) as change:
        here = change.ticket
        change.nothing = not title or here.title != was or title == was
        if not change.nothing:
            here.title = title
            change.event("edited", {"fields": {"title": [was, title]}})
            change.details = {"fields": {"title": [was, title]}}
    return change.ticket


def closed(*, ticket: Ticket, login: str, by: Person | None, as_what: str = "") -> Ticket:
    """The issue was closed. ``as_what``: GitHub's reason (completed, not_planned, duplicate)."""
    who = f" by {safe_text(login, 100)}" if login else ""
    words = {"not_planned": ", not planned", "duplicate": ", as a duplicate"}.get(as_what, "")
    reason = f"Closed on GitHub{who}{words}."
    if by is not None:
        try:
            return path.close(ticket=ticket, by=by, reason=reason)
        except (Refused, BadTicket):
            pass  # then it is GitHub's, if it is to be closed at all
    with changing(ticket, path.actor("github"), "close", free=True) as change:
        change.nothing = not change.ticket.is_open
        if change.ticket.is_open:
            path.put_closed(change, reason)
    return change.ticket


def reopened(*, ticket: Ticket) -> Ticket:
    """The issue was opened again."""
    with changing(ticket, path.actor("github"), "reopen", free=True) as change:
        change.nothing = change.ticket.is_open
        if not change.ticket.is_open:
            path.put_reopened(change, "Opened again on GitHub.")
    return change.ticket


def both_renamed(*, ticket: int, theirs: str) -> None:
    """Title and issue's title were changed at the same time: the portal's stays, and the timeline says so."""
    with changing(ticket, path.actor("github"), "mirror", free=True) as change:
        change.event("title_kept", {"theirs": safe_text(theirs, 300)})
        change.details = {"kept": change.ticket.title, "theirs": safe_text(theirs, 300)}


def refused(*, ticket: int, why: str) -> None:
    """GitHub does not take what it was told of the ticket: the timeline says why, once for the same reason."""
    why = safe_text(why, 500)
    with changing(ticket, path.actor("github"), "mirror", free=True) as change:
        last = change.ticket.events.filter(kind__in=("mirror_refused", "mirrored")).last()
        change.nothing = (
            last is not None and last.kind == "mirror_refused" and last.details.get("reason") == why
        )
        if not change.nothing:
            change.event("mirror_refused", {"reason": why})
            change.reason = why
    Ticket.objects.filter(pk=change.ticket.pk).update(github_version=change.ticket.version)


def _fit(title: str) -> str:
    """Somebody else's title as it can be kept; empty when nothing of it can."""
    title = " ".join(title.split())
    if len(title) > texts.TITLE:
        title = title[: texts.TITLE - 1] + "…"
    try:
        return texts.one("title", title, texts.TICKET_FIELDS["title"])
    except BadTicket:
        shown = safe_text(title, texts.TITLE).strip()
        return shown if any(each.isalnum() for each in shown) else ""
