"""Entries as pages show them: one line each, opened for the whole; the picture of a search over time."""

import re
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from opsportal.kit import wording
from opsportal.logs import records, requests, spans
from opsportal.logs.filters import Search
from opsportal.logs.levels import TRACEBACK
from opsportal.logs.lines import GAP_LAYER, SECOND
from opsportal.logs.models import Entry
from opsportal.logs.queries import Cursor, Found

HEADLINE, OPENED, LIVE_TEXT, LIVE_FIELD, LIVE_FIELDS = 300, 12_000, 4_000, 500, 40
_WORDS = {0: "–", 10: "Debug", 20: "Info", 30: "Warning", 40: "Error", 50: "Critical"}
#: How levels are stacked in the picture, from below: the gravest stand on the ground.
_STACK = (("error", (50, 40)), ("warning", (30,)), ("info", (20,)), ("none", (10, 0)))
WIDTH, HEIGHT = 600, 72
_PREFIX = re.compile(
    r"\[[^\]]{6,40}\]\s+(?:\[\d+\]\s+)?\[?(?:DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\]?\s+(?=\S)"
)


@dataclass(frozen=True)
class Shown:
    """One entry as a page shows it. ``cut``: there is more of its text than is shown."""

    entry: Entry
    at: datetime
    clock: str
    day: str
    new_day: bool
    source: str
    tone: str
    level: str
    headline: str
    text: str
    cut: bool
    fields: dict[str, str]
    exception: str
    lines: int


def entry(row: Entry, zone: tzinfo, *, day_before: str = "", whole: bool = False) -> Shown:
    """One entry. ``whole``: all of its text; else what one wants to see of it in a list."""
    at = spans.moment(row.at_ns)
    local = at.astimezone(zone)
    day = f"{local:%A} {local.day} {local:%B %Y}"
    record = records.read(row.text) if row.lines == 1 and row.layer != "RTR" else None
    request = requests.read(row.text) if row.layer == "RTR" else None
    text = row.text if whole else row.text[:OPENED]
    return Shown(
        entry=row,
        at=at,
        clock=f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}",
        day=day,
        new_day=bool(day_before) and day != day_before,
        source=source(row),
        tone=tone(row.level),
        level=_WORDS.get(row.level, "–"),
        headline=headline(row, record, request),
        text=text,
        cut=len(text) < len(row.text),
        fields=record.fields if record else request.fields if request else {},
        exception=record.exception if record else "",
        lines=row.lines,
    )


def entries(rows: list[Entry], zone: tzinfo) -> list[Shown]:
    """Entries of a list; where a day begins, it is named."""
    shown: list[Shown] = []
    for row in rows:
        shown.append(entry(row, zone, day_before=shown[-1].day if shown else ""))
    return shown


def source(row: Entry) -> str:
    """Layer and instance in one, as ``cf logs`` prints them."""
    if row.layer == GAP_LAYER:
        return "Gap"
    return f"{row.layer}/{row.instance}" if row.instance else row.layer


def tone(level: int) -> str:
    """The colour's name of a level."""
    return next((name for name, levels in _STACK if level in levels), "none")


def headline(row: Entry, record: records.Record | None, request: requests.Request | None) -> str:
    """The one line by which an entry is recognised: a message, a request, or what was raised."""
    if request is not None:
        status = request.status or "no answer"
        return f"{request.method} {request.target[:HEADLINE]} → {status} in {request.took_ms:,} ms"
    if record is not None:
        words = record.message or row.text
        raised = _raised(record.exception)
        return _short(f"{words} — {raised}" if raised and raised not in words else words)
    first = _PREFIX.sub("", row.text.partition("\n")[0], count=1)
    if row.lines > 1 and TRACEBACK in row.text:
        raised = _raised(row.text)
        return _short(raised if first.startswith(TRACEBACK) or not first else f"{first} — {raised}")
    return _short(first if first.strip() else row.text.strip())


def _raised(text: str) -> str:
    """The exception's own line of a traceback: the last one that is not indented and no postscript."""
    if TRACEBACK not in text:
        return ""
    after = text.rpartition(TRACEBACK)[2].split("\n")[1:]
    return next((line for line in after if line.strip() and line[:1] not in {" ", "\t"}), "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= HEADLINE else f"{line[: HEADLINE - 1]}…"


def as_text(row: Entry) -> str:
    """An entry as a download has it: in the form that ``cf logs`` prints, in UTC, further lines below."""
    stamp = spans.moment(row.at_ns).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{stamp} [{source(row)}] {row.stream} {row.text}\n"


def live(row: Entry) -> list[Any]:
    """An entry for the live tail: ``[id, moment, source, tone, level, headline, text, lines, fields]``.

    ``text`` is empty where the headline is all of it, and where ``fields`` (of a record, of a request) say more.
    """
    shown = records.read(row.text) if row.lines == 1 and row.layer != "RTR" else None
    request = requests.read(row.text) if row.layer == "RTR" else None
    said = shown.fields if shown else request.fields if request else {}
    fields = {name: value[:LIVE_FIELD] for name, value in list(said.items())[:LIVE_FIELDS]}
    words = headline(row, shown, request)
    text = "" if fields or words == row.text else row.text[:LIVE_TEXT]
    moment = spans.moment(row.at_ns).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return [
        row.pk, moment, source(row), tone(row.level), _WORDS.get(row.level, "–"),
        words, text, row.lines, fields,
    ]  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """One bar of the picture: where it stands, its parts ``(tone, y, height)``, its words and where it leads."""

    x: float
    width: float
    parts: list[tuple[str, float, float]]
    words: str
    address: str


@dataclass(frozen=True)
class Picture:
    """A search over time. ``most`` is what the highest bar stands for."""

    bars: list[Bar] = field(default_factory=list)
    most: int = 0
    first_words: str = ""
    last_words: str = ""
    each: str = ""


def picture(found: Found, search: Search, zone: tzinfo) -> Picture:
    """The histogram of what was found, by level; every bar leads into its span."""
    sums: dict[int, dict[str, int]] = {}
    for (number, level), count in found.counts.items():
        tones = sums.setdefault(number, {})
        tones[tone(level)] = tones.get(tone(level), 0) + count
    most = max((sum(tones.values()) for tones in sums.values()), default=0)
    step = WIDTH / found.bars.many
    bars = [_bar(found, search, zone, number, sums[number], most, step) for number in sorted(sums)]
    first, last = found.bars.at(0)[0], found.bars.at(found.bars.many - 1)[1]
    return Picture(bars, most, in_words(first, zone), in_words(last, zone), _length(found.bars.width))


def in_words(at_ns: int, zone: tzinfo) -> str:
    """A moment in the viewer's zone: ``23 Nov, 05:04:09``."""
    at = spans.moment(at_ns).astimezone(zone)
    return f"{at.day} {at:%b}, {at:%H:%M:%S}"


def _bar(
    found: Found, search: Search, zone: tzinfo, number: int, tones: dict[str, int], most: int, step: float
) -> Bar:
    parts, top = [], float(HEIGHT)
    for name, _ in _STACK:
        if count := tones.get(name, 0):
            height = max(1.5, count / most * (HEIGHT - 4))
            top -= height
            parts.append((name, round(max(top, 0), 2), round(height, 2)))
    start, end = found.bars.at(number)
    at = spans.moment(start).astimezone(zone)
    said = ", ".join(f"{tones[name]:,} {_NAMES[name]}" for name, _ in _STACK if tones.get(name))
    clock = f"{at:%H:%M:%S}" if found.bars.width < 60 * SECOND else f"{at:%H:%M}"
    return Bar(
        round(number * step, 2),
        round(max(1.0, step - 1), 2),
        parts,
        f"{at.day} {at:%b}, {clock}: {said}",
        search.within(start, end).address(),
    )


_NAMES = {"error": "errors", "warning": "warnings", "info": "infos", "none": "others"}


def _length(width: int) -> str:
    if width < SECOND:
        return f"{width // 1_000_000} ms"
    return wording.duration(width / SECOND)


def cursor(said: Cursor | None) -> str:
    """A place in a list as it stands in an address."""
    return f"{said[0]}.{said[1]}" if said else ""


def read_cursor(text: str) -> Cursor | None:
    """The same, read; None for anything that is none."""
    at, _, pk = text.partition(".")
    good = all(each.isascii() and each.isdigit() and len(each) < 20 for each in (at, pk))
    return (int(at), int(pk)) if good and int(at) < 2**63 and int(pk) < 2**63 else None
