"""What pages show: the newest messages, how many stand where, and every message with example values."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count

from opsportal.notifications import render
from opsportal.notifications.models import Message, State
from opsportal.notifications.words import EVENTS, SUBJECTS, words_of

SHOWN = 100


def newest(state: str = "") -> list[Message]:
    """The newest messages, of one state if that is asked for."""
    rows = Message.objects.select_related("person")
    return list((rows.filter(state=state) if state in State.values else rows)[:SHOWN])


def counts() -> dict[str, int]:
    """How many messages stand in each state that needs somebody's eye, or is under way."""
    shown = (State.WAITING, State.SENDING, State.UNKNOWN, State.GIVEN_UP)
    found = (
        Message.objects.filter(state__in=shown).order_by().values_list("state").annotate(number=Count("id"))
    )
    return dict(found)


@dataclass(frozen=True)
class Preview:
    """One event's message, as it looks with example values."""

    name: str
    about: str
    subject: str
    title: str
    lines: tuple[str, ...]
    button: str
    seen: bool
    email_subject: str
    email_text: str


def previews() -> list[Preview]:
    """Every message that the portal may send."""
    return [_preview(name) for name in EVENTS]


def _preview(name: str) -> Preview:
    event = EVENTS[name]
    words = words_of(name, event.example)
    base = settings.PUBLIC_URL.rstrip("/")
    payload: dict[str, Any] = {
        "title": words.title,
        "lines": words.lines,
        "button": event.button,
        "url": f"{base}/…",
    }
    return Preview(
        name,
        event.about,
        SUBJECTS[event.subject],
        words.title,
        words.lines,
        event.button,
        event.seen,
        render.email_subject(payload),
        render.email_text(payload, f"{base}/notifications/"),
    )
