"""What people type into a ticket, made fit to be kept. It stays data: whoever shows it escapes it."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace

from opsportal.bugs.errors import BadTicket
from opsportal.kit.text import is_safe_character, safe_text

#: Longest texts, in characters.
TITLE, SHORT, REASON, PROSE = 200, 300, 2_000, 10_000
#: Evidence: most facts and entries, longest value of each.
MOST_FACTS, MOST_ENTRIES, LONGEST_FACT, LONGEST_ENTRY = 30, 20, 500, 4_000

_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_BREAKS = re.compile("\r\n|[\r\x85\u2028\u2029]")


@dataclass(frozen=True)
class Field:
    """What a field takes: its words, how many characters, whether it must be filled, whether in lines."""

    words: str
    longest: int
    required: bool = True
    lines: bool = True


#: product.md, Bug tickets: what a ticket is reported with.
TICKET_FIELDS: Mapping[str, Field] = {
    "title": Field("a title", TITLE, lines=False),
    "happens": Field("what happens", PROSE),
    "should": Field("what should happen", PROSE),
    "steps": Field("the steps", PROSE, required=False),
}
PROPOSAL_FIELDS: Mapping[str, Field] = {
    "breaks": Field("what breaks", REASON),
    "for_whom": Field("for whom", SHORT, lines=False),
    "since": Field("since when", SHORT, lines=False),
}


def optional(fields: Mapping[str, Field]) -> Mapping[str, Field]:
    """The same fields, none of which must be filled."""
    return {name: replace(field, required=False) for name, field in fields.items()}


REASON_FIELD = Field("a reason", REASON)
COMMENT_FIELD = Field("a comment", PROSE)


def clean(given: Mapping[str, object], fields: Mapping[str, Field]) -> dict[str, str]:
    """The texts of ``fields`` that are given, fit to be kept. Raises BadTicket naming every field that is not."""
    kept, wrong = {}, {}
    for name, field in fields.items():
        if name in given:
            kept[name] = _tidied(str(given[name] or ""), field)
            if why := _refusal(kept[name], field):
                wrong[name] = why
    if wrong:
        raise BadTicket(wrong)
    return kept


def one(name: str, text: str, field: Field) -> str:
    """One text, fit to be kept. Raises BadTicket."""
    return clean({name: text}, {name: field})[name]


def environment(name: str) -> str:
    """An environment's name, or empty. Raises BadTicket."""
    name = name.strip()
    if name and not _ENVIRONMENT.fullmatch(name):
        raise BadTicket({"environment": "That is no name of an environment."})
    return name


def _tidied(text: str, field: Field) -> str:
    text = _BREAKS.sub("\n", text)
    if field.lines:
        return "\n".join(line.rstrip() for line in text.split("\n")).strip()
    return re.sub("[ \t\n]+", " ", text).strip()


def _refusal(text: str, field: Field) -> str:
    if field.required and not any(each.isprintable() and each != " " for each in text):
        return f"Say {field.words}."
    if len(text) > field.longest:
        return f"At most {field.longest:,} characters; these are {len(text):,}."
    for character in text:
        if character != "\n" and not is_safe_character(character):
            name = unicodedata.name(character, "a control character").lower()
            return f"It holds a character that cannot be shown: {name}, U+{ord(character):04X}."
    return ""


def evidence(given: Mapping[str, object] | None) -> dict[str, object]:
    """What was so when it was found, bounded: ``{headline, facts: [[name, words]], entries: [{at, text, url}]}``.

    It was gathered by the portal and not typed, so nothing is refused: what does not fit is cut.
    """
    given = given or {}
    facts = [
        [safe_text(str(row[0]), 100), safe_text(str(row[1]), LONGEST_FACT)]
        for row in _listed(given.get("facts"))[:MOST_FACTS]
        if isinstance(row, list | tuple) and len(row) == 2
    ]
    entries = [
        {
            "at": safe_text(str(row.get("at", "")), 40),
            "text": _many_lines(str(row.get("text", ""))),
            "url": _path(str(row.get("url", ""))),
        }
        for row in _listed(given.get("entries"))[:MOST_ENTRIES]
        if isinstance(row, Mapping)
    ]
    headline = safe_text(str(given.get("headline") or ""), LONGEST_FACT)
    return {"headline": headline, "facts": facts, "entries": entries} if headline or facts or entries else {}


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _many_lines(text: str) -> str:
    return "\n".join(safe_text(line) for line in text[:LONGEST_ENTRY].splitlines())


def _path(url: str) -> str:
    inside = url.startswith("/") and not url.startswith(("//", "/\\")) and url.isprintable()
    return url if inside and len(url) <= 1_000 else ""
