"""How grave an entry is: read from the text, for the formats that Django applications really use. Pure.

A program's stderr is no sign: Python logs everything there. What says nothing of its level has none.
"""

import re
from enum import IntEnum

from opsportal.logs.lines import GAP_LAYER, is_program
from opsportal.logs.records import Record


class Level(IntEnum):
    """The levels of Python's logging; ``NONE`` for text that does not say."""

    NONE = 0
    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


_NAMES = {
    "TRACE": Level.DEBUG,
    "DEBUG": Level.DEBUG,
    "INFO": Level.INFO,
    "INFORMATION": Level.INFO,
    "NOTICE": Level.INFO,
    "WARN": Level.WARNING,
    "WARNING": Level.WARNING,
    "ERR": Level.ERROR,
    "ERROR": Level.ERROR,
    "SEVERE": Level.ERROR,
    "EXCEPTION": Level.ERROR,
    "CRITICAL": Level.CRITICAL,
    "FATAL": Level.CRITICAL,
    "ALERT": Level.CRITICAL,
    "EMERGENCY": Level.CRITICAL,
    "PANIC": Level.CRITICAL,
}
_UPPER = "|".join(sorted(_NAMES, key=len, reverse=True))
#: ``ERROR:root:…``, ``ERROR [name] …``, ``[ERROR] …``, ``**ERROR** …`` at the very beginning.
_FIRST = re.compile(rf"\W{{0,2}}({_UPPER})(?=[\s:\]|*>-]|$)")
#: A line that begins with a moment, a process number or the like …
_STAMPED = re.compile(r"\[[^\]\n]{1,60}\]|\d{4}-\d\d-\d\d[T ]|\d\d[:/]\d\d[:/]\d\d")
#: … says its level as a word of its own soon after.
_LATER = re.compile(rf"(?<![\w./=-])({_UPPER})(?![\w./=-])")
_LOGFMT = re.compile(r"(?:^|\s)level=\"?(\w{2,12})")
_SERVED = re.compile(r"\"[A-Z]{3,8} \S{1,4000} HTTP/[\d.]{1,3}\" (\d{3})(?:\s|$)")
_RAISED = re.compile(r"[A-Za-z_][\w.]{0,150}(?:Error|Exception|Interrupt|Warning|Exit)(?::\s|$)")
_EXITED = re.compile(r"Exit status (\d{1,3})\b")
_TROUBLE = re.compile(
    r"crash|unhealthy|out of memory|failed|failure|error|never passed|timed out|refused", re.IGNORECASE
)
_HEAD_CHARACTERS = 160
#: 128 + SIGTERM: how a process ends that was asked to.
_ENDED_AS_ASKED = {0, 143}
TRACEBACK = "Traceback (most recent call last):"


def named(word: str) -> Level:
    """The level of a word (``warn``, ``ERROR``) or of Python's and pino's numbers; NONE for anything else."""
    text = word.strip().upper()
    if text in _NAMES:
        return _NAMES[text]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    return max((each for each in Level if each <= number), default=Level.NONE) if number <= 60 else Level.NONE


def of_head(line: str) -> Level:
    """The level that the head of a log line names; NONE when the line is no such head."""
    if first := _FIRST.match(line):
        return _NAMES[first[1]]
    if _STAMPED.match(line) and (later := _LATER.search(line, 0, _HEAD_CHARACTERS)):
        return _NAMES[later[1]]
    logfmt = _LOGFMT.search(line, 0, 400)
    return named(logfmt[1]) if logfmt else Level.NONE


def is_head(line: str) -> bool:
    """Whether a line begins a log message: it names a level, or begins with a moment or a JSON object."""
    return line.startswith("{") or _STAMPED.match(line) is not None or of_head(line) is not Level.NONE


def of_entry(layer: str, text: str, record: Record | None = None, status: int | None = None) -> Level:
    """The level of an entry.

    ``record``: what a JSON line says; ``status``: the HTTP status of a router's line. A client's mistake (4xx) is
    no trouble of the application's.
    """
    if layer == GAP_LAYER:
        return Level.WARNING
    if layer == "RTR":
        return Level.ERROR if (status or 0) >= 500 else Level.INFO
    if record is not None:
        said = named(record.level)
        return said or (Level.ERROR if record.exception else Level.NONE)
    return _of_text(text) if is_program(layer) or layer == "STG" else _of_platform(text)


def _of_text(text: str) -> Level:
    head = text.partition("\n")[0]
    if said := of_head(head):
        return said
    if TRACEBACK in text or _RAISED.match(head):
        return Level.ERROR
    if exited := _EXITED.match(head):
        return Level.INFO if int(exited[1]) in _ENDED_AS_ASKED else Level.ERROR
    if served := _SERVED.search(head):
        return Level.ERROR if int(served[1]) >= 500 else Level.INFO
    return Level.NONE


def _of_platform(text: str) -> Level:
    """What the API, a cell or its ssh daemon tells: trouble, or the normal course of things."""
    if exited := _EXITED.search(text):
        return Level.INFO if int(exited[1]) in _ENDED_AS_ASKED else Level.ERROR
    return Level.ERROR if _TROUBLE.search(text) else Level.INFO
