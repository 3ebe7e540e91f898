"""Regular expressions of people, matched where a hostile one harms nobody: in a child that is ended when it is late.

Python's ``re`` may take for ever and holds its whole process meanwhile; a time limit inside the process cannot act.
docs/decisions/0009 has the choice.
"""

import json
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

_CHILD = Path(__file__).with_name("match_child.py")
_START_SECONDS = 5.0
#: Children one process has at a time; characters of one entry that are looked at; the longest pattern.
MOST_CHILDREN, LOOKED_AT, LONGEST_PATTERN = 6, 20_000, 300

_places = threading.BoundedSemaphore(MOST_CHILDREN)


#: Letters that also match characters beyond ASCII when case does not matter (the Kelvin sign, the long s, dotless i).
_NOT_ONLY_THEMSELVES = frozenset("kKsSiI")
_SHORTEST_TEXT = 3


def required_text(pattern: str) -> str:
    """The longest text that every match of a pattern surely holds, in any case; empty when none is plain to see.

    A database finds it faster than a pattern is matched. Whatever is not understood here counts as no text.
    """
    if any(each in pattern for each in "|([") or not pattern.isascii():
        return ""
    runs, at = [""], 0
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            if pattern[at + 1 : at + 2].isalnum() and pattern[at + 1] not in "dDwWsSbBAZ":
                return ""
            runs.append("")
            at += 1
        elif character in "?*{":
            runs[-1] = runs[-1][:-1]
            runs.append("")
            at = pattern.find("}", at) if character == "{" and "}" in pattern[at:] else at
        elif character in "+.^$)]}" or character in _NOT_ONLY_THEMSELVES or not character.isprintable():
            runs.append("")
        else:
            runs[-1] += character
        at += 1
    longest = max(runs, key=len)
    return longest if len(longest) >= _SHORTEST_TEXT else ""


class BadPattern(ValueError):
    """It is no regular expression; the text says why."""


class TooSlow(Exception):
    """The pattern takes too long, or too many people search by one right now."""


class Matcher:
    """One pattern, for a while. Use as a context manager: the child ends with the block.

    ``seconds`` bounds the processor time of all matching together.
    """

    def __init__(self, pattern: str, seconds: float) -> None:
        if len(pattern) > LONGEST_PATTERN:
            raise BadPattern(f"it is longer than {LONGEST_PATTERN} characters")
        self._pattern, self._seconds = pattern, seconds
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if not _places.acquire(timeout=1.0):
            raise TooSlow("Many people search by regular expressions right now. Try again in a moment.")
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_CHILD)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={},
            )  # fmt: skip
            said = self._ask([self._pattern, max(1, round(self._seconds))], _START_SECONDS)
            if "problem" in said:
                raise BadPattern(said["problem"])
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def matches(self, texts: Sequence[str], seconds: float) -> list[int]:
        """The indexes of the texts that match, within ``seconds``. Raises :class:`TooSlow`, and then it is over."""
        found = self._ask([text[:LOOKED_AT] for text in texts], seconds)
        return [int(number) for number in found]

    def _ask(self, question: object, seconds: float) -> Any:
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise TooSlow("The search by this pattern has ended.")
        # The child reads all of a question before it answers, so writing cannot wait for ever.
        late = threading.Timer(max(0.01, seconds), child.kill)
        late.start()
        try:
            child.stdin.write(json.dumps(question).encode() + b"\n")
            child.stdin.flush()
            line = _line_of(child.stdout, seconds)
        except OSError:
            line = b""
        finally:
            late.cancel()
        if not line.endswith(b"\n"):
            raise TooSlow("This pattern takes too long. Make it simpler, or the time range shorter.")
        return json.loads(line)

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    _close(pipe)
            child.wait()
        _places.release()


def _line_of(pipe: IO[bytes], seconds: float) -> bytes:
    """One line, or what there is of it when the time is over."""
    until, parts = time.monotonic() + seconds + 0.5, list[bytes]()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0 and selector.select(left):
            part = pipe.read1(1 << 20)  # type: ignore[attr-defined]
            parts.append(part)
            if not part or part.endswith(b"\n"):
                break
    return b"".join(parts)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:
        return
