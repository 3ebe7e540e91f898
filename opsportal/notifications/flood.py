"""No flood: what is more than a channel or a person takes in a minute is gathered into one message."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from opsportal.notifications import store
from opsportal.notifications.models import Message, State, Way
from opsportal.notifications.words import EVENTS, words_of

WINDOW_SECONDS = 60
LISTED = 10
_ALONE = [name for name, event in EVENTS.items() if event.urgent or name == "digest"]


def gather() -> None:
    """For each destination in Slack with more than it takes: what is too much becomes a digest, or waits."""
    waiting = _waiting()
    for destination in set(waiting.order_by().values_list("destination", flat=True)):
        _gather(destination)


def _waiting() -> QuerySet[Message]:
    """What may be gathered: due, surely not sent yet, and nothing that must be told by itself."""
    rows = Message.objects.filter(way=Way.SLACK, state=State.WAITING, due_at__lte=timezone.now())
    return rows.filter(intent_at=None).exclude(event__in=_ALONE)


def _gather(destination: str) -> None:
    limit = max(1, settings.SLACK_MESSAGES_PER_MINUTE)
    since = timezone.now() - timedelta(seconds=WINDOW_SECONDS)
    there = Message.objects.filter(destination=destination)
    told = there.filter(state=State.SENT, sent_at__gt=since)
    room = limit - told.count() - there.filter(event="digest", state__in=store.UNDER_WAY).count()
    with transaction.atomic():
        rows = list(_waiting().filter(destination=destination).order_by("created_at").select_for_update())
        if room > 0 and len(rows) > room:
            _into_digest(rows[room - 1 :])
    first = told.order_by("sent_at").values_list("sent_at", flat=True).first()
    if room <= 0:
        passed = (timezone.now() - first).total_seconds() if first else 0.0
        store.hold_back(_waiting().filter(destination=destination), max(1.0, WINDOW_SECONDS - passed))


def _into_digest(rows: list[Message]) -> None:
    """One message for several; what must be seen stands first in it."""
    by_weight = sorted(rows, key=lambda row: not EVENTS[row.event].seen)
    titles = [str(row.payload["title"]) for row in by_weight]
    words = words_of("digest", {"count": len(rows), "titles": titles[:LISTED]})
    one_topic = len({row.topic for row in rows}) == 1
    first = rows[0]
    url = first.payload["url"] if one_topic else settings.PUBLIC_URL.rstrip("/") + "/"
    digest = Message.objects.create(
        event="digest",
        topic=first.topic if one_topic else "",
        key=f"digest:{first.pk}",
        way=first.way,
        destination=first.destination,
        group=first.group,
        person=first.person,
        payload={
            "title": words.title,
            "lines": list(words.lines),
            "button": EVENTS["digest"].button,
            "url": url,
            "seen": EVENTS[by_weight[0].event].seen,
        },
        created_at=first.created_at,
    )
    Message.objects.filter(pk__in=[row.pk for row in rows]).update(state=State.GATHERED, gathered_in=digest)
