"""When the team works, read from the settings: clocks that wait for a person count only then."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any

from django.core.exceptions import ImproperlyConfigured

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def working_time(given: Mapping[str, Any]) -> tuple[frozenset[int], tuple[time, time], frozenset[date]]:
    """Weekdays (0 is Monday), from and until, days off. Raises ImproperlyConfigured, naming the setting."""
    return _days(given["WORKING_DAYS"]), _hours(given["WORKING_HOURS"]), _off(given["DAYS_OFF"])


def _days(names: list[str]) -> frozenset[int]:
    low = [name.strip().lower()[:3] for name in names if name.strip()]
    unknown = sorted(set(low) - set(WEEKDAYS))
    if unknown or not low:
        raise ImproperlyConfigured(f"WORKING_DAYS are days such as mon,tue; not “{', '.join(unknown)}”.")
    return frozenset(WEEKDAYS.index(name) for name in low)


def _hours(text: str) -> tuple[time, time]:
    try:
        begin, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
    except ValueError as error:
        raise ImproperlyConfigured(f"WORKING_HOURS are such as 09:00-17:00; not “{text}”.") from error
    if begin >= end:
        raise ImproperlyConfigured(f"WORKING_HOURS end after they begin; “{text}” do not.")
    return begin, end


def _off(days: list[str]) -> frozenset[date]:
    try:
        return frozenset(date.fromisoformat(day.strip()) for day in days if day.strip())
    except ValueError as error:
        raise ImproperlyConfigured(f"DAYS_OFF are dates such as 2026-12-25: {error}") from error
