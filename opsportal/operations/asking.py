"""Turning what was asked, as typed, into the stored values of an operation's parameters; the words of a refusal."""

from collections.abc import Mapping
from typing import Any

from opsportal.environments.models import Environment
from opsportal.operations.registry import BadParameter

_YES, _NO = {"yes", "true", "on", "1"}, {"no", "false", "off", "0", ""}
#: The platform takes at most this many characters of a task's command (platform API §6).
COMMAND_LENGTH = 4096


def nothing(environment: Environment, given: Mapping[str, str]) -> dict[str, Any]:
    """For kinds that are told nothing."""
    return {}


def yes_or_no(name: str, text: str) -> bool:
    """``yes`` or ``no`` in one of their spellings; empty is no. Raises BadParameter."""
    word = text.strip().lower()
    if word not in _YES | _NO:
        raise BadParameter(name, "Answer yes or no.")
    return word in _YES


def number(name: str, text: str, what: str, *, least: int, most: int) -> int | None:
    """A whole number within bounds; None for an empty text. Raises BadParameter."""
    word = text.strip()
    if not word:
        return None
    digits = word.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise BadParameter(name, f"{what}: give a whole number, such as {max(least, 1)}.")
    # A number of a thousand digits is too large too, and is not worth being read.
    if digits == word and len(word) < 12 and least <= int(word) <= most:
        return int(word)
    too = (
        f"too small: it is at least {least:,}"
        if digits != word or _is_less(word, least)
        else (f"too large: it is at most {most:,}")
    )
    raise BadParameter(name, f"{what}: {word[:20]}{'…' if len(word) > 20 else ''} is {too}.")


def _is_less(digits: str, least: int) -> bool:
    return len(digits) < 12 and int(digits) < least


def command(text: str) -> str:
    """One line for a shell. Raises BadParameter for none, several, or more than the platform takes."""
    line = text.strip()
    if not line:
        raise BadParameter("command", "Say which command to run.")
    if len(line) > COMMAND_LENGTH:
        raise BadParameter("command", f"A command has at most {COMMAND_LENGTH:,} characters.")
    if any(ord(each) < 32 or ord(each) == 127 or each in "\u2028\u2029\u0085" for each in line):
        raise BadParameter("command", "A command is one line, without control characters.")
    return line


def one_of(name: str, text: str, known: tuple[str, ...], default: str) -> str:
    """One of a few words; empty is the default. Raises BadParameter."""
    word = text.strip().lower().replace(" ", "_") or default
    if word not in known:
        raise BadParameter(name, f"It is one of: {', '.join(each.replace('_', ' ') for each in known)}.")
    return word
