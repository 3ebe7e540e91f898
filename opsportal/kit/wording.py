"""Numbers and moments in words, the same everywhere. Pure: the present moment is always passed in.

The rule is product.md's "Times in the viewer's zone, with the exact one on hover" and the page rules'
"12 minutes ago", "1 min 24 s". static/js/times.js says the same words while a page stays open.
"""

from datetime import datetime, tzinfo

from opsportal.kit.text import safe_text

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
RELATIVE_UP_TO_DAYS = 45


def count(number: int, one: str, many: str = "") -> str:
    """``1 commit``, ``2,000 commits``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: float) -> str:
    """An amount of data given in bytes: ``512 B``, ``24 kB``, ``3.1 MB``, ``1.2 GB``."""
    for unit, factor, digits in (("GB", 1e9, 1), ("MB", 1e6, 1), ("kB", 1e3, 0)):
        if number >= factor:
            return f"{number / factor:.{digits}f} {unit}"
    return f"{number:.0f} B"


def duration(seconds: float) -> str:
    """A length of time in at most two units: ``45 s``, ``1 min 24 s``, ``2 h 5 min``, ``3 d 4 h``."""
    whole = max(0, round(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    units = ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "min"), (MINUTE, "min", 1, "s"))
    size, name, part, part_name = next(each for each in units if whole >= each[0])
    rest = whole % size // part
    return f"{whole // size} {name}" + (f" {rest} {part_name}" if rest else "")


def ago(moment: datetime, now: datetime) -> str:
    """How long ago (or how soon) ``moment`` is, both aware: ``12 minutes ago``, ``in 3 hours``, ``just now``.

    Beyond :data:`RELATIVE_UP_TO_DAYS` the date is clearer than a count: ``2 Jan 2026``.
    """
    seconds = (now - moment).total_seconds()
    distance = abs(seconds)
    if distance < 5:
        return "just now"
    if distance > RELATIVE_UP_TO_DAYS * DAY:
        return f"{moment.day} {moment:%b %Y}"
    for size, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second")):
        if distance >= size:
            words = count(int(distance // size), name)
            return f"{words} ago" if seconds > 0 else f"in {words}"
    return "just now"


def exact(moment: datetime, zone: tzinfo) -> str:
    """The moment in full, with its zone: ``23 Nov 2026, 14:05:09 EST``."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M:%S %Z}"


def plain(text: str) -> str:
    """One line of a program's output as a terminal would leave it, safe to show.

    Of a progress line that was drawn over itself the last drawing stays; colours and hidden characters go.
    """
    line = text.rstrip("\r\n")
    return safe_text(line.rsplit("\r", 1)[-1] if "\r" in line else line)
