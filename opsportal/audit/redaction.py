"""What may stand in the trail: plain values of bounded size, and never a secret. Pure."""

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase|code)|secret|token|credential|authorization|cookie|session_?(id|key)"
    r"|(api|access|private|signing|service)[-_ ]?key|database_url|dsn|\bpwd\b",
    re.IGNORECASE,
)
_URL_WITH_PASSWORD = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^\s/@]*:[^\s@]*@", re.IGNORECASE)
_BEARER = re.compile(r"\b(?P<kind>bearer|basic)\s+[a-z0-9._~+/=-]{8,}", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_LONGEST_TEXT = 4_000
_MOST_ITEMS = 200
_DEEPEST = 6


def clean_text(text: str, limit: int = _LONGEST_TEXT) -> str:
    """Text that every database keeps as it is: no control characters, no passwords in addresses, cut at
    ``limit``.
    """
    text = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    text = _URL_WITH_PASSWORD.sub(rf"\g<scheme>{REDACTED}@", text)
    text = _BEARER.sub(rf"\g<kind> {REDACTED}", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean_details(details: Mapping[str, Any]) -> dict[str, Any]:
    """The details as plain JSON values; whatever stands under a key that names a secret is left out."""
    items = list(details.items())[:_MOST_ITEMS]
    return {
        clean_text(str(key), 200): REDACTED if _SECRET_KEY.search(str(key)) else _plain(value, 1)
        for key, value in items
    }


def _plain(value: Any, depth: int) -> Any:
    """Numbers that a database might write differently (fractions) and objects become text."""
    if value is None or isinstance(value, bool | int):
        return value
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {
            clean_text(str(key), 200): REDACTED if _SECRET_KEY.search(str(key)) else _plain(each, depth + 1)
            for key, each in list(value.items())[:_MOST_ITEMS]
        }
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        each_of = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [_plain(each, depth + 1) for each in list(each_of)[:_MOST_ITEMS]]
    return clean_text(str(value))
