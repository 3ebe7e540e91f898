"""Fill an environment's names into the words of a runbook. Pure: text and names in, parts out.

Markdown is taken apart before anything is filled in (:mod:`opsportal.runbooks.rendering`), and every part is
escaped on its own. So a name can be anything at all and is still only a name.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

#: What a runbook may ask to have filled in, and what it stands for.
PLACEHOLDERS: Mapping[str, str] = {
    "environment": "the environment's name",
    "app": "its application on the platform",
    "space": "its space",
    "database": "its database service",
    "manifest": "its manifest's path in the repository",
    "route": "the application's address",
    "organization": "the organization that holds the spaces",
    "api": "the address of the platform's API",
}

#: ``{name}``, but neither a shell's ``${NAME}`` nor JSON; or ``[button: kind]``, ``[page: name]``.
_MARK = re.compile(
    r"(?<!\$)\{(?P<placeholder>[a-z_]+)\}|\[(?P<what>button|page): *(?P<name>[a-z][a-z0-9_-]*)\]"
)


class Sort(StrEnum):
    """What a part of a text is."""

    WORDS = "words"
    VALUE = "value"  # a placeholder, filled in
    BLANK = "blank"  # a placeholder without a value: no environment is chosen, or it has none
    UNKNOWN = "unknown"  # nobody knows that placeholder: shown as written
    BUTTON = "button"
    PAGE = "page"


@dataclass(frozen=True)
class Part:
    """A piece of a text. ``text``: what is shown; of a button or a page, its name."""

    sort: Sort
    text: str


def parts(text: str, names: Mapping[str, str]) -> Iterator[Part]:
    """``text`` in pieces, filled in from ``names`` (placeholder → value; an empty value is none).

    A value is never looked into again: one that reads like a placeholder stays as it is.
    """
    at = 0
    for mark in _MARK.finditer(text):
        if mark.start() > at:
            yield Part(Sort.WORDS, text[at : mark.start()])
        yield _marked(mark, names)
        at = mark.end()
    if at < len(text):
        yield Part(Sort.WORDS, text[at:])


def fill(text: str, names: Mapping[str, str]) -> str:
    """``text`` with its placeholders filled in; the others, and buttons, as written."""
    return _MARK.sub(lambda mark: _as_text(mark, names), text)


def fill_commands(text: str, names: Mapping[str, str]) -> str:
    """As :func:`fill`, each value quoted where a shell would not take it as one word."""
    return fill(text, {name: shlex.quote(value) if value else "" for name, value in names.items()})


def placeholders(text: str) -> set[str]:
    """The placeholders that a text asks for, known or not."""
    return {mark["placeholder"] for mark in _MARK.finditer(text) if mark["placeholder"]}


def buttons(text: str) -> set[str]:
    """The kinds of operation that a text has buttons for, known or not."""
    return {mark["name"] for mark in _MARK.finditer(text) if mark["what"] == Sort.BUTTON}


def pages(text: str) -> set[str]:
    """The pages of an environment that a text leads to, known or not."""
    return {mark["name"] for mark in _MARK.finditer(text) if mark["what"] == Sort.PAGE}


def _marked(mark: re.Match[str], names: Mapping[str, str]) -> Part:
    placeholder = mark["placeholder"]
    if placeholder is None:
        return Part(Sort(mark["what"]), mark["name"])
    if names.get(placeholder):
        return Part(Sort.VALUE, names[placeholder])
    return Part(Sort.BLANK if placeholder in PLACEHOLDERS else Sort.UNKNOWN, mark[0])


def _as_text(mark: re.Match[str], names: Mapping[str, str]) -> str:
    found = _marked(mark, names)
    return found.text if found.sort == Sort.VALUE else mark[0]
