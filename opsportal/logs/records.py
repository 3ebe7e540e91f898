"""JSON lines read as records: level, message, exception, and every field by a dotted name. Pure."""

import json
from typing import Any, NamedTuple

#: A record's size, in what is read and shown of it.
MOST_CHARACTERS, MOST_FIELDS, DEEPEST = 120_000, 150, 5

_LEVEL = ("level", "levelname", "severity", "log.level", "loglevel", "lvl", "status_level")
_MESSAGE = ("message", "msg", "event", "text", "log.message")
_EXCEPTION = (
    "exception", "exc_info", "exc_text", "stack_info", "stack_trace", "stack", "traceback",
    "error.stack_trace", "exception.stacktrace",
)  # fmt: skip
_LOGGER = ("name", "logger", "logger_name", "log.logger")


class Record(NamedTuple):
    """One JSON line. ``fields`` holds everything, in its order; the rest are those that people look for first."""

    level: str
    message: str
    exception: str
    logger: str
    fields: dict[str, str]


def read(text: str) -> Record | None:
    """The record that a line of text is, or None when it is not one JSON object (or is too large to be read)."""
    stripped = text.strip()
    if not (stripped.startswith("{") and stripped.endswith("}")) or len(stripped) > MOST_CHARACTERS:
        return None
    try:
        said = json.loads(stripped)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    fields: dict[str, str] = {}
    _flatten(said, "", fields, DEEPEST)
    return Record(
        _first(fields, _LEVEL), _first(fields, _MESSAGE), _first(fields, _EXCEPTION), _first(fields, _LOGGER), fields
    )  # fmt: skip


def _first(fields: dict[str, str], names: tuple[str, ...]) -> str:
    """The first of these that is there and says something."""
    return next((fields[name] for name in names if fields.get(name, "null") not in {"null", ""}), "")


def _flatten(said: dict[str, Any], prefix: str, into: dict[str, str], depth: int) -> None:
    for key, value in said.items():
        if len(into) >= MOST_FIELDS:
            return
        name = f"{prefix}{key}"[:200]
        if isinstance(value, dict) and value and depth > 1:
            _flatten(value, f"{name}.", into, depth - 1)
        else:
            into[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
