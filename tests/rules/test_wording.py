"""Moments and lengths of time in words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.kit import wording

NOW = datetime(2026, 11, 23, 19, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (84, "1 min 24 s"),
        (3600, "1 h"),
        (7530, "2 h 5 min"),
        (270_000, "3 d 3 h"),
        (-5, "0 s"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, words: str) -> None:
    assert wording.duration(seconds) == words


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=2), "just now"),
        (timedelta(seconds=-2), "just now"),
        (timedelta(seconds=12), "12 seconds ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=12, seconds=50), "12 minutes ago"),
        (timedelta(hours=-3), "in 3 hours"),
        (timedelta(days=6), "6 days ago"),
        (timedelta(days=60), "24 Sep 2026"),
    ],
)
def test_a_moment_is_told_by_how_long_ago_it_is(passed: timedelta, words: str) -> None:
    assert wording.ago(NOW - passed, NOW) == words


def test_the_exact_moment_names_its_zone() -> None:
    assert wording.exact(NOW, ZoneInfo("America/New_York")) == "23 Nov 2026, 14:05:09 EST"


@given(st.timedeltas(min_value=timedelta(days=-400), max_value=timedelta(days=400)))
def test_every_moment_has_words(passed: timedelta) -> None:
    assert wording.ago(NOW - passed, NOW)


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("10%\r55%\r100%\r\n", "100%"),
        ("plain\ttext", "plain\ttext"),
        ("\x1b]0;title\x07after", "after"),
    ],
)
def test_output_reads_as_a_terminal_would_leave_it(printed: str, shown: str) -> None:
    assert wording.plain(printed) == shown


@given(st.text())
def test_no_output_holds_what_a_terminal_would_act_on(printed: str) -> None:
    assert not set(wording.plain(printed)) & set("\x00\x07\x1b\r\n\x9b\u202e")


def test_things_are_counted_in_the_right_number() -> None:
    assert [wording.count(n, "entry", "entries") for n in (0, 1, 2000)] == [
        "0 entries",
        "1 entry",
        "2,000 entries",
    ]


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 B"), (999, "999 B"), (24_000, "24 kB"), (3_140_000, "3.1 MB"), (1.25e9, "1.2 GB")],
)
def test_amounts_of_data_are_said_in_the_unit_that_fits(number, words):
    assert wording.size(number) == words
