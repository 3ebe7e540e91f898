"""Patterns in the manner of .gitignore, as tools outside Git read them: the last one that fits decides.

Other than in Git itself, a ``!`` pattern can bring back a file from a folder that is ignored.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_CLASS = re.compile(r"\[([!^]?)(\]?[^\]]*)\]")


@dataclass(frozen=True)
class _Pattern:
    expression: re.Pattern[str]
    brings_back: bool


class IgnorePatterns:
    """A list of patterns, one a line; blank lines and lines that begin with ``#`` mean nothing."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._patterns = [pattern for line in lines if (pattern := _compiled(line)) is not None]

    @property
    def brings_back(self) -> bool:
        """Whether something inside an ignored folder may still be wanted."""
        return any(pattern.brings_back for pattern in self._patterns)

    def ignores(self, path: str, *, is_folder: bool = False) -> bool:
        """Whether a path (with ``/``, from the top) is to be left out, by itself or with a folder above it."""
        text = path + "/" if is_folder else path
        for pattern in reversed(self._patterns):
            if pattern.expression.match(text):
                return not pattern.brings_back
        return False


def _compiled(line: str) -> _Pattern | None:
    text = line.rstrip("\r\n")
    text = re.sub(r"(?<!\\) +\Z", "", text)
    if not text or text.startswith("#"):
        return None
    brings_back = text.startswith("!")
    text = text.removeprefix("!") if brings_back else re.sub(r"\A\\([#!])", r"\1", text)
    folder_only = text.endswith("/")
    text = text.rstrip("/")
    anchored = "/" in text
    text = text.removeprefix("/")
    if not text:
        return None
    start = "" if anchored else r"(?:.*/)?"
    end = r"/.*" if folder_only else r"(?:/.*)?"
    return _Pattern(re.compile(f"{start}{_expression(text)}{end}\\Z", re.DOTALL), brings_back)


def _expression(text: str) -> str:
    """The regular expression of a pattern without its leading and trailing slashes."""
    parts: list[str] = []
    at = 0
    while at < len(text):
        if text.startswith("**/", at) and (at == 0 or text[at - 1] == "/"):
            parts.append("(?:.*/)?")
            at += 3
        elif text.startswith("/**", at) and at + 3 == len(text):
            parts.append("/.*")
            at += 3
        elif text[at] == "*":
            parts.append("[^/]*")
            while at < len(text) and text[at] == "*":
                at += 1
        elif text[at] == "?":
            parts.append("[^/]")
            at += 1
        elif text[at] == "[" and (found := _CLASS.match(text, at)) and found[2]:
            parts.append(_character_class(found[1], found[2]))
            at = found.end()
        elif text[at] == "\\" and at + 1 < len(text):
            parts.append(re.escape(text[at + 1]))
            at += 2
        else:
            parts.append(re.escape(text[at]))
            at += 1
    return "".join(parts)


def _character_class(negation: str, members: str) -> str:
    """``[a-z]`` or ``[!a-z]``; one that is written wrongly fits nothing."""
    inner = re.sub(r"([\\\[\]^&~|])", r"\\\1", members)
    expression = f"(?!/)[{'^' if negation else ''}{inner}]"
    try:
        re.compile(expression)
    except re.error:
        return r"(?!)"
    return expression
