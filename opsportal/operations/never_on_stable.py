"""The step's own refusal, one of four places that each alone keep stable's data safe (architecture.md). Pure.

It believes neither our row alone nor the platform alone: either calling it stable is enough to refuse, and the two not
fitting together is too.
"""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Named:
    """An environment as one side names it."""

    app: str
    space: str


@dataclass(frozen=True)
class Place:
    """What is about to lose data: our row (name, kind, names it should have), and what the platform says is there.

    ``stable``: the names stable's app and space have by the settings' patterns.
    """

    name: str
    kind: str
    expected: Named
    found: Named
    stable: Named


def refusal(place: Place) -> tuple[str, str] | None:
    """(error id, what) when nothing may be destroyed there; None when the place is what it should be, and not stable."""
    if place.kind == "stable" or place.name == "stable":
        return "guard:stable", f"{place.name} is the portal's stable environment."
    if place.stable.app in {place.found.app, place.expected.app}:
        return "guard:stable", f"Its app is “{place.found.app}”."
    if place.stable.space in {place.found.space, place.expected.space}:
        return "guard:stable", f"Its space is “{place.found.space}”."
    if place.found != place.expected:
        said = f"the app “{place.found.app}” in the space “{place.found.space}”"
        wanted = f"“{place.expected.app}” in “{place.expected.space}”"
        return "guard:mismatch", f"{place.name} should be {wanted}, but the platform has {said}."
    return None


#: Django commands that empty a database or overwrite what is in it, and words of SQL and of shells that do.
_COMMANDS = frozenset({"flush", "reset_db", "sqlflush", "loaddata", "load", "zero"})
_WORDS = re.compile(r"\b(dropdb|drop\s+(database|schema|table|owned)|truncate)\b", re.IGNORECASE)


def destroys(command: str, known: Iterable[str]) -> str:
    """The word by which a command destroys data, for a task on stable; empty when none is seen.

    ``known``: the commands of the kinds that destroy data. It keeps slips and pasted lines away from stable. It cannot
    see through a script, which is why a task there takes a lead or an admin and a reason as well.
    """
    if any(each and " ".join(each.split()) in " ".join(command.split()) for each in known):
        return command
    found = _WORDS.search(command)
    if found:
        return found.group(0)
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    managing = next(
        (index for index, each in enumerate(words) if each.endswith(("manage.py", "django-admin"))), None
    )
    if managing is None:
        return ""
    return next((each.rstrip(";") for each in words[managing + 1 :] if each.rstrip(";") in _COMMANDS), "")
