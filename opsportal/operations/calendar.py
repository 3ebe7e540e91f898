"""When a schedule runs next: pure, in the team's time zone, right across the change to and from summer time."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def parse_times(text: str) -> list[str]:
    """``"6:30, 18:00"`` → ``["06:30", "18:00"]``, sorted, each once. Raises ValueError with words for people."""
    found = set()
    for word in re.split(r"[,;\s]+", text.strip()):
        read = _TIME.fullmatch(word)
        if read is None:
            raise ValueError(
                f"“{word}” is no time of day: write it as 06:30." if word else "Give a time of day, as 06:30."
            )
        found.add(f"{int(read[1]):02d}:{read[2]}")
    return sorted(found)


def next_run(after: datetime, weekdays: Sequence[int], times: Sequence[str], zone: str) -> datetime | None:
    """The first moment later than ``after`` on one of the weekdays (0 is Monday) at one of the times; UTC.

    A time that the clocks skip runs as much later as they skip; one that comes twice runs the first time only.
    None when there is no weekday or no time.
    """
    if not weekdays or not times:
        return None
    place = ZoneInfo(zone)
    first = after.astimezone(place).date()
    for ahead in range(9):
        day = first + timedelta(days=ahead)
        if day.weekday() in weekdays:
            moments = (_moment(day, each, place) for each in sorted(times))
            if found := next((each for each in moments if each > after), None):
                return found
    return None


def _moment(day: date, text: str, place: ZoneInfo) -> datetime:
    hour, minute = map(int, text.split(":"))
    # A skipped local time, read with fold=0, is the same moment counted by the old offset: that much later.
    return datetime.combine(day, time(hour, minute), place).astimezone(UTC)


def in_words(weekdays: Sequence[int], times: Sequence[str]) -> str:
    """``every day at 06:30``, ``on weekdays at 06:30 and 18:00``, ``on Monday and Friday at 06:30``."""
    days = sorted(set(weekdays))
    if days == list(range(7)):
        when = "every day"
    elif days == list(range(5)):
        when = "on weekdays"
    else:
        when = f"on {_and([WEEKDAYS[each] for each in days])}" if days else "never"
    return f"{when} at {_and(list(times))}" if times else when


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
