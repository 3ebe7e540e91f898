"""What this Slack holds: channels, members, messages. Kept in the cloud's store."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..context import Cloud
    from ..store import Document

CHANNEL, MEMBER, MESSAGE = "slack_channel", "slack_member", "slack_message"
BOT = {"user_id": "U0OPSPORTAL", "bot_id": "B0OPSPORTAL", "user": "opsportal"}
TEAM = {"team": "Local team", "team_id": "T0LOCALTEAM"}
_FIRST = (
    ("dev", True, False),
    ("product", True, False),
    ("admins", True, False),
    ("general", True, False),
    ("elsewhere", False, False),
    ("attic", True, True),
)


def identifier(kind: str, name: str) -> str:
    """An ID as Slack's look, always the same for a name: ``C0…``, ``U0…``, ``D0…``."""
    return f"{kind}0{hashlib.sha256(f'{kind} {name}'.encode()).hexdigest()[:9].upper()}"


def channels(cloud: Cloud) -> list[Document]:
    """The channels, those that are there from the beginning included."""
    with cloud.store.lock:
        if not cloud.store.count(CHANNEL, is_im=False):
            for name, member, archived in _FIRST:
                document = {"name": name, "is_member": member, "is_archived": archived, "is_im": False}
                cloud.store.create(CHANNEL, {"guid": identifier("C", name), **document})
    return cloud.store.find(CHANNEL, is_im=False)


def channel(cloud: Cloud, name: str) -> Document | None:
    """A channel by its ID or name; for a member's ID the direct messages with them."""
    if name.startswith(("U", "W")) and (member := cloud.store.get(MEMBER, name)) is not None:
        return direct(cloud, member)
    found = cloud.store.get(CHANNEL, name)
    return found or next((each for each in channels(cloud) if each["name"] == name.lstrip("#")), None)


def direct(cloud: Cloud, member: Document) -> Document:
    """The direct messages with a member, begun when they are first asked for."""
    guid = identifier("D", member["guid"])
    with cloud.store.lock:
        document = {"name": member["name"], "is_member": True, "is_archived": False, "is_im": True}
        return cloud.store.get(CHANNEL, guid) or cloud.store.create(CHANNEL, {"guid": guid, **document})


def member_by_email(cloud: Cloud, email: str) -> Document | None:
    """The member with an e-mail address; None for none, and for addresses that begin with ``nobody``."""
    address = email.strip().lower()
    if "@" not in address or address.startswith("nobody"):
        return None
    guid = identifier("U", address)
    with cloud.store.lock:
        document = {"guid": guid, "name": address.partition("@")[0], "email": address}
        return cloud.store.get(MEMBER, guid) or cloud.store.create(MEMBER, document)


def post(cloud: Cloud, place: Document, content: dict[str, Any]) -> Document:
    """Keep a message; its ``ts`` is later than every other's of the channel."""
    with cloud.store.lock:
        now = round(cloud.now().timestamp() * 1_000_000)
        last = max((one["micros"] for one in messages(cloud, place)), default=0)
        micros = max(now, last + 1)
        ts = f"{micros // 1_000_000}.{micros % 1_000_000:06d}"
        return cloud.store.create(
            MESSAGE, {**content, "channel_guid": place["guid"], "micros": micros, "ts": ts}
        )


def messages(cloud: Cloud, place: Document) -> list[Document]:
    """The messages of a channel, replies included, oldest first."""
    return cloud.store.find(MESSAGE, channel_guid=place["guid"])
