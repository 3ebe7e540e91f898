"""Every change of a message's state, in one place. A sender's writes carry its claim's number: after a lost lease none.

No transaction is held across a call to Slack or a mail server.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from opsportal.notifications.models import Message, State, Thread, Way

#: Seconds a claim holds. Longer than any call to Slack or a mail server may take.
LEASE_SECONDS = 60
UNDER_WAY = (State.WAITING, State.SENDING)
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 600.0


def claimable() -> Q:
    """What may be claimed now: what is due, and what a sender left behind."""
    now = timezone.now()
    return Q(state=State.WAITING, due_at__lte=now) | Q(state=State.SENDING, lease_until__lte=now)


def due(limit: int) -> list[Message]:
    """What is to be sent now, oldest first. In one thread the later ones wait for the earlier."""
    earlier = Message.objects.filter(
        topic=OuterRef("topic"),
        destination=OuterRef("destination"),
        state__in=UNDER_WAY,
        created_at__lt=OuterRef("created_at"),
    ).exclude(topic="")
    rows = Message.objects.filter(claimable()).filter(~Exists(earlier)).select_related("person")
    return list(rows.order_by("created_at")[:limit])


def claim(message: Message) -> bool:
    """Take a message for this sender by one conditional UPDATE; False when somebody else has it."""
    mine = Message.objects.filter(claimable(), pk=message.pk, fence=message.fence)
    taken = mine.update(
        state=State.SENDING,
        fence=F("fence") + 1,
        attempts=F("attempts") + 1,
        lease_until=timezone.now() + timedelta(seconds=LEASE_SECONDS),
    )
    if taken:
        message.fence, message.attempts, message.state = (
            message.fence + 1,
            message.attempts + 1,
            State.SENDING,
        )
    return bool(taken)


def intend(message: Message, *, place: str, thread: str = "") -> bool:
    """Written before the request: from here on it may have gone out. False when the claim was lost."""
    message.intent_at, message.place, message.thread = timezone.now(), place, thread
    return _write(message, intent_at=message.intent_at, place=place, thread=thread)


def sent(message: Message, *, place: str, ts: str = "") -> None:
    """It arrived. The first message of a topic begins its thread."""
    with transaction.atomic():
        told = _write(
            message, state=State.SENT, sent_at=timezone.now(), lease_until=None, place=place, ts=ts, error=""
        )
        if told and ts and message.topic and not message.thread:
            Thread.objects.get_or_create(topic=message.topic, place=place, defaults={"ts": ts})


def put_off(message: Message, words: str, *, seconds: float = 0.0, perhaps: bool = False) -> None:
    """Try again later, in ``seconds`` or as the attempts say; given up when its time is over.

    ``perhaps``: it may have arrived, so that it is looked for before it goes again.
    """
    now = timezone.now()
    kept = {"error": words[:500], "lease_until": None, "intent_at": message.intent_at if perhaps else None}
    if now >= _expires(message):
        ended = State.UNKNOWN if perhaps else State.GIVEN_UP
        _write(message, state=ended, **kept)
        return
    _write(
        message,
        state=State.WAITING,
        due_at=now + timedelta(seconds=seconds or pause(message.attempts)),
        **kept,
    )


def pause(attempts: int, longest: float = _LONGEST_PAUSE) -> float:
    """Seconds until the next attempt: growing, with an end."""
    return float(min(_FIRST_PAUSE * 2 ** min(max(attempts - 1, 0), 20), longest))


def give_up(message: Message, words: str) -> None:
    """It will never go. Admins see why."""
    _write(message, state=State.GIVEN_UP, error=words[:500], lease_until=None, intent_at=None)


def leave_unknown(message: Message, words: str) -> None:
    """Whether it arrived cannot be told, so it is not sent again."""
    _write(message, state=State.UNKNOWN, error=words[:500], lease_until=None)


def hold_back(rows: QuerySet[Message], seconds: float) -> None:
    """What is due sooner waits for ``seconds``."""
    until = timezone.now() + timedelta(seconds=seconds)
    rows.filter(state=State.WAITING, due_at__lt=until).update(due_at=until)


def begin_again(message: Message) -> bool:
    """Send what was given up or may not have arrived; a person asked for it. False when it stands otherwise by now."""
    ended = Message.objects.filter(pk=message.pk, state__in=(State.GIVEN_UP, State.UNKNOWN))
    looked_for = {} if message.way == Way.SLACK else {"intent_at": None}
    now = timezone.now()
    again = timedelta(hours=settings.NOTIFY_GIVE_UP_HOURS)
    return bool(
        ended.update(
            state=State.WAITING, due_at=now, attempts=0, error="", expires_at=now + again, **looked_for
        )
    )


def _expires(message: Message) -> Any:
    return message.expires_at or message.created_at + timedelta(hours=settings.NOTIFY_GIVE_UP_HOURS)


def _write(message: Message, **values: Any) -> bool:
    mine = Message.objects.filter(pk=message.pk, fence=message.fence, state=State.SENDING)
    return bool(mine.update(**values))
