"""What people do with notifications: choose how they are told, set channels, send tests, send again. Audited."""

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from opsportal.accounts import queries as accounts
from opsportal.accounts.models import Person
from opsportal.accounts.rules import Permission
from opsportal.audit import actions as audit
from opsportal.notifications import bell, places, store
from opsportal.notifications.actions import tell
from opsportal.notifications.models import CHANNEL_NAME, Channel, Message, Preference
from opsportal.notifications.words import GROUPS, SUBJECTS

TEST_PATH = "/notifications/"


def choose(*, by: Person, ways: Mapping[str, str], member_id: str) -> None:
    """Keep how a person wants to be told themselves. ``ways``: subject → slack, email, both or none.

    Raises ValidationError for what is not offered, and for what is no Slack member ID.
    """
    if unknown := set(ways) - SUBJECTS.keys() or set(ways.values()) - places.CHOICES.keys():
        raise ValidationError(f"There is no {', '.join(sorted(unknown))}.")
    with transaction.atomic():
        kept, _ = Preference.objects.select_for_update().get_or_create(person=by)
        if kept.member_id != member_id:
            kept.direct = ""
        kept.member_id, kept.ways = member_id, dict(ways)
        kept.full_clean(exclude=["person"])
        kept.save()
        _record(by, "notifications.choose", by.username, "person", {"ways": dict(ways), "member": member_id})


def set_channels(*, by: Person, names: Mapping[str, str]) -> None:
    """Set the channel of each group given; "" for none. Raises Refused, or ValidationError for what is no channel."""
    accounts.require(by, Permission.MANAGE_NOTIFICATIONS)
    if unknown := names.keys() - GROUPS.keys():
        raise ValidationError(f"There is no {', '.join(sorted(unknown))}.")
    before = places.channels()
    changed = {group: name.strip() for group, name in names.items() if name.strip() != before[group]}
    for name in filter(None, changed.values()):
        CHANNEL_NAME(name)
    if not changed:
        return
    with transaction.atomic():
        for group, name in changed.items():
            Channel.objects.update_or_create(group=group, defaults={"name": name})
        details = {group: [before[group], name] for group, name in changed.items()}
        _record(by, "notifications.set_channels", "channels", "setting", details)


def test_myself(*, by: Person) -> bool:
    """Send a test to oneself, by the ways chosen for tickets. False when no way is left."""
    return _test(by, to=by)


def test_channel(*, by: Person, group: str) -> bool:
    """Send a test to a group's channel. False when none is set. Raises Refused."""
    accounts.require(by, Permission.MANAGE_NOTIFICATIONS)
    return _test(by, group=group)


def _test(by: Person, *, to: Person | None = None, group: str = "") -> bool:
    where = f"person:{to.pk}" if to else f"channel:{group}"
    key = f"{where}:{by.pk}:{timezone.now().timestamp():.6f}"
    with transaction.atomic():
        tell(
            "test_message",
            topic="",
            key=key,
            values={"who": by.name or by.username},
            url=TEST_PATH,
            to=[to] if to else [],
            groups=[group] if group else [],
        )
        written = Message.objects.filter(key=f"test_message:{key}").exists()
        _record(by, "notifications.test", to.username if to else group, "person" if to else "channel", {})
    return written


def again(*, by: Person, message: Message) -> bool:
    """Send once more what was given up, or may not have arrived. False when it stands otherwise by now. Raises Refused."""
    accounts.require(by, Permission.MANAGE_NOTIFICATIONS)
    with transaction.atomic():
        begun = store.begin_again(message)
        if begun:
            _record(by, "notifications.again", str(message.pk), "message", {"event": message.event})
            bell.ring_on_commit()
    return begun


def _record(by: Person, action: str, target: str, kind: str, details: Mapping[str, object]) -> None:
    audit.record(actor=by.username, action=action, target=target, target_kind=kind, details=details)
