"""A mark in what we write, hidden from readers, by which it is found again: a lost answer never makes two.

``<!-- opsportal:NAME -->`` at the end of a body; Markdown shows no HTML comments. Anybody who may write can copy a
mark, so it says what a text belongs to, and proves nothing about who wrote it.
"""

import re

_NAME = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._:/-]{0,119}\Z")
_MARK = re.compile(r"<!--\s*opsportal:([A-Za-z0-9][A-Za-z0-9._:/-]{0,119})\s*-->")


def marked(body: str, name: str) -> str:
    """The text with this mark at its end, and no other; raises ValueError for a name that cannot be a mark."""
    if not _NAME.match(name) or "--" in name:
        raise ValueError("a mark is made of letters, digits and . _ : / - (no two dashes in a row)")
    return f"{unmarked(body)}\n\n<!-- opsportal:{name} -->".lstrip("\n")


def mark_of(body: str | None) -> str | None:
    """The mark of a text, or None; of several the last counts, as ours stands at the end."""
    found = _MARK.findall(body or "")
    return found[-1] if found else None


def unmarked(body: str | None) -> str:
    """The text without marks, as its author wrote it."""
    return _MARK.sub("", body or "").rstrip()
