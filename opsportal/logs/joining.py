"""Lines become entries: a traceback, chained ones included, is one entry; sources never mix. Pure.

An entry is bounded in lines, size and time, so that no program can make one without end: what is beyond a bound goes
on in a further entry, and nothing is lost.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from opsportal.logs import levels
from opsportal.logs.levels import TRACEBACK, Level
from opsportal.logs.lines import SECOND, Line, is_program

#: An entry's most lines and characters; the longest pause inside one; how long one may last, in nanoseconds.
MOST_LINES, MOST_CHARACTERS = 500, 200_000
PAUSE, LONGEST = 1 * SECOND, 10 * SECOND

_CHAIN: Final = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
_GROUP = "Exception Group Traceback (most recent call last):"
#: What databases and the interpreter print below an exception's own line.
_POSTSCRIPT = re.compile(r"(?:LINE \d+|DETAIL|HINT|CONTEXT|QUERY|Caused by|SQL):|\^+$|\[SQL")
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]{0,40}-----")
_KEY_ENDS = re.compile(r"-----END [A-Z ]{0,40}-----")


class _Mode(Enum):
    """What an entry is in the midst of."""

    TEXT = "text"
    FRAMES = "frames of a traceback"
    RAISED = "behind an exception's own line"
    CHAINED = "a sentence announced another traceback"
    KEY = "inside a key or certificate"


@dataclass
class Entry:
    """Lines of one source that belong together. ``complete``: no further line can belong to it."""

    lines: list[Line]
    complete: bool = False
    size: int = 0
    mode: _Mode = field(default=_Mode.TEXT, repr=False)

    @property
    def at_ns(self) -> int:
        """The moment of its first line."""
        return self.lines[0].at_ns

    @property
    def last_ns(self) -> int:
        """The moment of its last line."""
        return self.lines[-1].at_ns

    @property
    def text(self) -> str:
        """Its lines, as they were printed."""
        return "\n".join(line.text for line in self.lines)

    def has_room(self, line: Line) -> bool:
        """Whether a further line keeps it within its bounds."""
        return (
            len(self.lines) < MOST_LINES
            and self.size + len(line.text) <= MOST_CHARACTERS
            and line.at_ns - self.at_ns <= LONGEST
        )

    def add(self, line: Line) -> None:
        """Take a line in."""
        self.lines.append(line)
        self.size += len(line.text) + 1


def join(lines: Iterable[Line]) -> list[Entry]:
    """Entries of lines that are in order of time; entries come in the order of their first lines."""
    entries: list[Entry] = []
    last: dict[tuple[str, str, str], Entry] = {}
    for line in lines:
        before = last.get(line.source)
        mode = _mode_with(before, line) if before is not None else None
        if before is not None and mode is not None and before.has_room(line):
            before.add(line)
            before.mode = mode
            continue
        if before is not None:
            before.complete = True
        entry = Entry([line], size=len(line.text), mode=mode or _mode_of_first(line.text))
        entry.complete = not _may_go_on(line)
        entries.append(entry)
        last[line.source] = entry
    return entries


def settled(entries: Sequence[Entry], upto_ns: int) -> tuple[list[Entry], list[Entry]]:
    """Entries that are certain by the moment ``upto_ns``, and those that a line yet to come may belong to."""
    certain = [each for each in entries if each.complete or each.last_ns <= upto_ns - PAUSE]
    waiting = [each for each in entries if not (each.complete or each.last_ns <= upto_ns - PAUSE)]
    return certain, waiting


def _may_go_on(line: Line) -> bool:
    if not (is_program(line.layer) or line.layer == "STG"):
        return False
    return not (line.text.startswith("{") and line.text.endswith("}"))


def _mode_of_first(text: str) -> _Mode:
    if _starts_traceback(text):
        return _Mode.FRAMES
    return _Mode.KEY if _KEY_BEGINS.search(text) and not _KEY_ENDS.search(text) else _Mode.TEXT


def _mode_with(entry: Entry, line: Line) -> _Mode | None:
    """What the entry would be in the midst of with this line; None when the line begins a new entry."""
    if entry.complete or line.at_ns - entry.last_ns > PAUSE:
        return None
    text = line.text
    if entry.mode is _Mode.KEY:
        return _Mode.TEXT if _KEY_ENDS.search(text) else _Mode.KEY
    if not text.strip():
        return entry.mode
    follow = {
        _Mode.TEXT: _after_text, _Mode.FRAMES: _after_frames,
        _Mode.RAISED: _after_raised, _Mode.CHAINED: _after_chain,
    }  # fmt: skip
    return follow[entry.mode](entry, line)


def _after_text(entry: Entry, line: Line) -> _Mode | None:
    """A traceback belongs to the message above it; so do indented lines, but for a buildpack's."""
    head = entry.lines[0].text
    if _starts_traceback(line.text):
        return _Mode.FRAMES if levels.of_head(head) >= Level.WARNING else None
    return _Mode.TEXT if _is_indented(line.text) and is_program(line.layer) else None


def _after_frames(entry: Entry, line: Line) -> _Mode | None:
    if _is_indented(line.text):
        return _Mode.FRAMES
    return None if levels.is_head(line.text) or _starts_traceback(line.text) else _Mode.RAISED


def _after_raised(entry: Entry, line: Line) -> _Mode | None:
    if line.text.strip() in _CHAIN:
        return _Mode.CHAINED
    return _Mode.RAISED if _is_indented(line.text) or _POSTSCRIPT.match(line.text) else None


def _after_chain(entry: Entry, line: Line) -> _Mode | None:
    return _Mode.FRAMES if _starts_traceback(line.text) else None


def _starts_traceback(text: str) -> bool:
    return text.startswith(TRACEBACK) or text.strip(" +|").startswith(_GROUP)


def _is_indented(text: str) -> bool:
    return text[:1] in {" ", "\t"}
