"""When a schedule runs next: weekdays and times in the team's zone, right across summer time (pure)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.operations.calendar import in_words, next_run, parse_times

ZONE = "America/New_York"
NEW_YORK = ZoneInfo(ZONE)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("after", "weekdays", "times", "expected"),
    [
        ("2026-11-23 05:00", [0], ["06:00"], "2026-11-23 06:00"),
        ("2026-11-23 06:00", [0], ["06:00"], "2026-11-30 06:00"),
        ("2026-11-23 07:00", [0, 2], ["06:00", "18:00"], "2026-11-23 18:00"),
        ("2026-11-24 00:00", [0, 2], ["06:00", "18:00"], "2026-11-25 06:00"),
        ("2026-10-31 12:00", [6], ["06:00"], "2026-11-01 06:00"),
        ("2026-03-07 12:00", [6], ["06:00"], "2026-03-08 06:00"),
    ],
)
def test_it_runs_at_the_next_of_its_moments(after, weekdays, times, expected):
    assert next_run(local(after), weekdays, times, ZONE) == local(expected)


def test_a_time_that_the_clocks_skip_still_runs_that_day():
    moment = next_run(local("2026-03-08 00:00"), [6], ["02:30"], ZONE)

    assert moment.astimezone(NEW_YORK).strftime("%d %H:%M") == "08 03:30"


def test_a_time_that_comes_twice_runs_once():
    first = next_run(local("2026-11-01 00:00"), list(range(7)), ["01:30"], ZONE)

    assert next_run(first, list(range(7)), ["01:30"], ZONE) - first > timedelta(hours=20)


@pytest.mark.parametrize(("weekdays", "times"), [([], ["06:00"]), ([1], [])])
def test_without_a_day_or_a_time_it_never_runs(weekdays, times):
    assert next_run(local("2026-11-23 05:00"), weekdays, times, ZONE) is None


@given(
    st.integers(1_577_836_800, 2_208_988_800).map(lambda each: datetime.fromtimestamp(each, UTC)),
    st.sets(st.integers(0, 6), min_size=1),
    st.sets(st.times().map(lambda each: f"{each.hour:02d}:{each.minute:02d}"), min_size=1, max_size=4),
    st.sampled_from([ZONE, "UTC", "Pacific/Auckland", "Europe/Berlin"]),
)
def test_the_next_run_lies_ahead_within_eight_days_on_a_chosen_day(after, weekdays, times, zone):
    moment = next_run(after, sorted(weekdays), sorted(times), zone)

    assert after < moment <= after + timedelta(days=8)
    assert moment.astimezone(ZoneInfo(zone)).weekday() in weekdays


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("6:30", ["06:30"]),
        ("18:00, 06:30", ["06:30", "18:00"]),
        ("06:30 06:30", ["06:30"]),
        ("00:00;23:59", ["00:00", "23:59"]),
    ],
)
def test_times_are_read_as_people_write_them(typed, read):
    assert parse_times(typed) == read


@pytest.mark.parametrize("typed", ["", "24:00", "6", "06:60", "noon", "06:30, later", "٠٦:٣٠"])
def test_what_is_no_time_of_day_is_told(typed):
    with pytest.raises(ValueError, match="time of day"):
        parse_times(typed)


@pytest.mark.parametrize(
    ("weekdays", "times", "words"),
    [
        (range(7), ["06:00"], "every day at 06:00"),
        (range(5), ["06:00", "18:00"], "on weekdays at 06:00 and 18:00"),
        ([2, 0], ["06:00"], "on Monday and Wednesday at 06:00"),
    ],
)
def test_it_says_when_in_words(weekdays, times, words):
    assert in_words(list(weekdays), times) == words
