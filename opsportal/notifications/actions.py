"""What other packages do with notifications: :func:`tell`."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from opsportal.accounts.models import Person
from opsportal.notifications import bell, places
from opsportal.notifications.models import Message, Way
from opsportal.notifications.safety import safe_path
from opsportal.notifications.words import EVENTS, words_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Fact:
    event: str
    topic: str
    key: str
    payload: dict[str, object]


def tell(
    event: str,
    *,
    topic: str,
    key: str,
    values: Mapping[str, object],
    url: str,
    to: Iterable[Person] = (),
    groups: Iterable[str] = (),
) -> None:
    """Write to the outbox what is to be told, in the caller's transaction; the worker sends it once that is kept.

    ``event``: a name of :data:`opsportal.notifications.words.EVENTS` (KeyError otherwise), ``values`` what its words are
    made of. ``topic`` ("ticket:BUG-12", "operation:<uuid>"): messages of one topic share a thread. ``key`` names the
    fact: telling it again changes nothing. ``url``: a path inside the portal. ``to``: people, by the way each chose;
    ``groups``: names such as "dev", by their channel. What is not configured is not told, and never an error.
    """
    payload = _payload(event, values, url)
    fact = _Fact(event, topic[:120], f"{event}:{key}"[:250], payload)
    rows = [*_to_groups(fact, groups), *_to_people(fact, to)]
    if not rows:
        return
    with transaction.atomic():
        Message.objects.bulk_create(rows, ignore_conflicts=True)
        bell.ring_on_commit()


def _payload(event: str, values: Mapping[str, object], url: str) -> dict[str, object]:
    kind, words = EVENTS[event], words_of(event, values)
    return {
        "title": words.title,
        "lines": list(words.lines),
        "button": kind.button,
        "url": settings.PUBLIC_URL.rstrip("/") + safe_path(url),
    }


def _to_groups(fact: _Fact, groups: Iterable[str]) -> Iterator[Message]:
    """One row for each channel: groups that share one are told once."""
    told = set()
    for group in groups:
        channel = places.channel_of(group)
        if channel and channel.name not in told:
            told.add(channel.name)
            yield _row(fact, Way.SLACK, f"channel:{channel.group}", group=channel.group)


def _to_people(fact: _Fact, people: Iterable[Person]) -> Iterator[Message]:
    wanted = {person.pk: person for person in people if person.is_active}
    subject = EVENTS[fact.event].subject
    for person, ways in places.ways_of(wanted.values(), subject):
        for way in ways:
            yield _row(fact, way, f"person:{person.pk}", person=person)


def _row(fact: _Fact, way: Way, to: str, *, group: str = "", person: Person | None = None) -> Message:
    return Message(
        event=fact.event,
        topic=fact.topic,
        key=fact.key,
        payload=fact.payload,
        way=way,
        destination=f"{way}:{to}",
        group=group,
        person=person,
    )
