"""Sending one message by Slack. What may have arrived is looked for before it goes again: never twice."""

from functools import lru_cache

from django.conf import settings
from django.core.cache import cache

from opsportal.adapters.slack import RateLimited, Refused, Slack, SlackError
from opsportal.notifications import places, render, store
from opsportal.notifications.models import Message, Preference, State, Thread, Way
from opsportal.notifications.words import EVENTS

#: Seconds after a lost answer before it is looked for: Slack may still be working on it.
LOOK_AFTER = 10.0
#: Seconds by which Slack's clock and ours may differ.
CLOCKS_DIFFER = 120.0
_LONGEST_AWAY = 60.0
_REMEMBERED_SECONDS = 3600


class Away(Exception):
    """Slack does not answer at all: the others need not be tried now."""


@lru_cache(maxsize=4)
def client(api_url: str, token: str) -> Slack:
    """One client, with its connections, for a token."""
    return Slack(api_url, token)


def slack() -> Slack:
    """The client that the settings describe."""
    return client(settings.SLACK_API_URL, settings.SLACK_TOKEN)


def send(message: Message) -> None:
    """Send a claimed message and keep how it went. Raises :class:`Away` when Slack does not answer."""
    posting = False
    try:
        if not places.slack_is_configured():
            raise Refused("Slack is not configured any more.", "Set SLACK_TOKEN.", code="not_configured")
        if message.intent_at is not None and _arrived(message):
            return
        place = _place(message)
        thread = Thread.objects.filter(topic=message.topic, place=place).first() if message.topic else None
        if store.intend(message, place=place, thread=thread.ts if thread else ""):
            posting = True
            _post(message)
    except SlackError as error:
        _failed(message, error, perhaps=error.maybe_done if posting else message.intent_at is not None)
    except ValueError:
        store.put_off(message, "SLACK_API_URL is not an address.")


def _arrived(message: Message) -> bool:
    """Look for what an earlier attempt may have posted."""
    assert message.intent_at is not None  # noqa: S101  the caller asked
    found = slack().find_message(
        message.place,
        str(message.id),
        oldest=message.intent_at.timestamp() - CLOCKS_DIFFER,
        thread_ts=message.thread,
    )
    if found is None:
        message.intent_at = None
        return False
    store.sent(message, place=found.channel, ts=found.ts)
    return True


def _post(message: Message) -> None:
    posted = slack().post_message(
        message.place,
        render.slack_text(message.payload),
        render.slack_blocks(message.payload),
        message_id=str(message.id),
        thread_ts=message.thread,
        reply_broadcast=bool(message.payload.get("seen", EVENTS[message.event].seen)),
    )
    store.sent(message, place=posted.channel, ts=posted.ts)


def _place(message: Message) -> str:
    """The ID of the channel, or of the direct messages with the person."""
    if message.person_id is not None:
        return _direct(message)
    place = places.channel_of(message.group)
    if place is None:
        raise Refused("No channel is set for it.", "Set one under Notifications.", code="no_channel")
    key = f"slack-channel:{settings.SLACK_API_URL}:{place.name}"
    known = cache.get(key)
    if known is None:
        known = place.name if _is_id(place.name) else slack().channel_named(place.name)
        cache.set(key, known, _REMEMBERED_SECONDS)
    return str(known)


def _is_id(name: str) -> bool:
    return len(name) >= 9 and name[0] in "CGD" and name.isalnum() and name.isupper()


def _direct(message: Message) -> str:
    person = message.person
    if person is None:
        raise Refused("The person is gone.", code="user_not_found")
    wanted, _ = Preference.objects.get_or_create(person=person)
    if wanted.direct:
        return wanted.direct
    email = person.email
    if not wanted.member_id and not email:
        raise Refused("Slack does not know the person.", "Give the Slack member ID.", code="users_not_found")
    member = wanted.member_id or slack().user_by_email(email)
    direct = slack().open_direct(member)
    Preference.objects.filter(pk=wanted.pk, member_id=wanted.member_id).update(direct=direct)
    return direct


def _failed(message: Message, error: SlackError, *, perhaps: bool) -> None:
    words = str(error)
    if isinstance(error, RateLimited):
        store.put_off(message, words, seconds=error.retry_after, perhaps=perhaps)
        others = Message.objects.filter(destination=message.destination)
        store.hold_back(others, error.retry_after)
    elif isinstance(error, Refused) and error.no_thread:
        Thread.objects.filter(topic=message.topic, place=message.place).delete()
        store.put_off(message, words, seconds=1.0)
    elif isinstance(error, Refused) and error.about_person and message.person_id is not None:
        Preference.objects.filter(pk=message.person_id).update(direct="")
        store.give_up(message, words)
        _by_email_instead(message)
    elif isinstance(error, Refused) and error.about_message:
        store.give_up(message, words)
    elif isinstance(error, Refused):
        _forget_place(message, error)
        store.put_off(message, words, perhaps=perhaps)
    else:
        away = max(LOOK_AFTER, store.pause(message.attempts, _LONGEST_AWAY))
        store.put_off(message, words, seconds=away, perhaps=perhaps)
        store.hold_back(Message.objects.filter(way=Way.SLACK), away)
        raise Away


def _forget_place(message: Message, error: Refused) -> None:
    """A channel that was renamed or made anew has another ID."""
    if error.code != "channel_not_found":
        return
    if message.person_id is not None:
        Preference.objects.filter(pk=message.person_id).update(direct="")
    elif place := places.channel_of(message.group):
        cache.delete(f"slack-channel:{settings.SLACK_API_URL}:{place.name}")


def _by_email_instead(message: Message) -> None:
    """Who cannot be reached in Slack is told by e-mail, once, where there is an address."""
    if places.email_is_configured() and message.person is not None and message.person.email:
        Message.objects.get_or_create(
            key=message.key,
            destination=f"{Way.EMAIL}:person:{message.person_id}",
            defaults={
                "event": message.event,
                "topic": message.topic,
                "way": Way.EMAIL,
                "person": message.person,
                "payload": message.payload,
                "state": State.WAITING,
            },
        )
