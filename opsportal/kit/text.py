"""Text from outside made safe to show, store and log: no control characters, no hidden direction marks."""

import re
import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# What a terminal would act on: colours, cursor moves, window titles. None of it is text.
_TERMINAL_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")

# Explicit direction marks: they can make a name read as another one.
_DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_safe_character(character: str) -> bool:
    """Whether a character can be shown as it is (a tab can; a line break cannot)."""
    if character == "\t":
        return True
    if character in _DIRECTION_MARKS:
        return False
    return unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}


def safe_text(text: str, limit: int | None = None) -> str:
    """One line of text without terminal sequences; what else cannot be shown becomes U+FFFD.

    ``limit``: longest answer in characters; a longer text ends in an ellipsis.
    """
    if limit is not None and len(text) > 4 * limit:
        text = text[: 4 * limit]
    if not (text.isascii() and text.isprintable()):
        text = _TERMINAL_SEQUENCES.sub("", text)
        text = "".join(c if is_safe_character(c) else REPLACEMENT for c in text)
    if limit is not None and len(text) > limit:
        return text[: limit - 1] + "…"
    return text


def safe_name(raw: bytes) -> str:
    r"""A name given in bytes as text that identifies it: what cannot be shown is escaped.

    ``b"caf\xe9"`` becomes ``caf\xe9``. Two different names never become the same one unless a name holds
    backslashes itself, which Git does not allow in branches and tags.
    """
    text = raw.decode("utf-8", "backslashreplace")
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if is_safe_character(c) and c != "\t" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
