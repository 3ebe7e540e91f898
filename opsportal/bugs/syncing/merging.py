"""Title and state in two places, changed in either: which way each goes. Pure.

Three-way: what both showed when they were last in step tells who has changed since. A side that did not change never
overwrites one that did; where both did, the portal's title stays.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Ours:
    """The ticket: its title without key, whether it is open; what of it only goes out, as text and its hash."""

    title: str
    is_open: bool
    priority: str
    body: str

    def kept(self) -> dict[str, object]:
        """As it is remembered."""
        return {"title": self.title, "open": self.is_open, "priority": self.priority, "body": self.body}


@dataclass(frozen=True)
class Theirs:
    """The issue as GitHub shows it."""

    title: str
    is_open: bool


@dataclass(frozen=True)
class Base:
    """What both showed when they were last in step. A field that was not remembered is None: it counts as changed here."""

    theirs_title: str | None
    theirs_open: bool | None
    title: str | None
    is_open: bool | None
    priority: str | None
    body: str | None

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        """From ``Ticket.github_mirrored``."""
        ours = kept.get("ours") or {}
        state = kept.get("state")
        return cls(
            kept.get("title"), None if state is None else state == "open",
            ours.get("title"), ours.get("open"), ours.get("priority"), ours.get("body"),
        )  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What to do. ``take_…``: the ticket follows; ``send_…``: the issue does; ``both_titles``: both were changed."""

    take_title: bool = False
    take_state: bool = False
    send_title: bool = False
    send_state: bool = False
    send_body: bool = False
    send_priority: bool = False
    both_titles: bool = False

    @property
    def sends(self) -> bool:
        """Whether GitHub is told anything."""
        return self.send_title or self.send_state or self.send_body or self.send_priority


def plan(base: Base, ours: Ours, theirs: Theirs, key: str) -> Plan:
    """Which way each goes."""
    title = without_key(theirs.title, key)
    we_renamed, they_renamed = ours.title != base.title, theirs.title != base.theirs_title
    differ = title != ours.title
    states_differ = ours.is_open != theirs.is_open
    we_moved = ours.is_open != base.is_open
    they_moved = base.theirs_open is not None and theirs.is_open != base.theirs_open
    take_title = differ and they_renamed and not we_renamed and bool(title)
    take_state = states_differ and they_moved
    return Plan(
        take_title=take_title,
        take_state=take_state,
        send_title=differ and we_renamed,
        send_state=states_differ and we_moved and not take_state,
        send_body=ours.body != base.body,
        send_priority=ours.priority != base.priority,
        both_titles=differ and we_renamed and they_renamed and base.theirs_title is not None,
    )


def without_key(title: str, key: str) -> str:
    """An issue's title without the ticket's own key before it: “BUG-12: It fails” is “It fails”."""
    return re.sub(rf"(?i)\A\s*{re.escape(key)}(?![\w-])[\s:.–-]*", "", title).strip()
