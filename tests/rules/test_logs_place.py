"""Reading a source: each line once, however late it comes; what was lost is told; how often to look."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.logs import rules
from opsportal.logs.lines import SECOND, Line
from opsportal.logs.place import OVERLAP, REMEMBERED, Place, digest, missed
from tests.support.logs import WEB


def line(at_ns: int, text: str = "x") -> Line:
    return Line(at_ns, WEB, "0", "OUT", text)


LATE = st.lists(st.tuples(st.integers(0, 30 * SECOND), st.integers(0, OVERLAP - 1)), max_size=60, unique=True)


@given(LATE, st.lists(st.integers(0, 33 * SECOND), max_size=12))
def test_every_line_is_taken_once_though_lines_come_late(lines, looks):
    """Each line is printed at one moment and reaches the cache up to the overlap later."""
    source = [(at, at + delay, line(at, f"{number}")) for number, (at, delay) in enumerate(lines)]
    place, taken = Place(), []
    for now in sorted([*looks, 40 * SECOND]):
        there = [each for at, arrived, each in source if arrived <= now and at >= place.from_ns]
        fresh = place.fresh(there)
        place = place.after(fresh, [])
        taken += fresh
    assert sorted(taken) == sorted(each for _, _, each in source)


@given(LATE, st.lists(st.integers(0, 33 * SECOND), max_size=12), st.data())
def test_lines_that_were_held_back_are_read_again_and_the_others_are_not(lines, looks, data):
    source = [(at, at + delay, line(at, f"{number}")) for number, (at, delay) in enumerate(lines)]
    place, taken = Place(), []
    for now in sorted(looks):
        fresh = place.fresh([each for at, came, each in source if came <= now and at >= place.from_ns])
        held = [each for each in fresh if data.draw(st.booleans())]
        kept = [each for each in fresh if each not in held]
        if kept:
            place = place.after(kept, held)
        taken += kept
    fresh = place.fresh([each for at, _, each in source if at >= place.from_ns])
    assert len(set(taken)) == len(taken)
    assert not set(fresh) & set(taken)


def test_what_is_known_of_taken_lines_stays_small_and_no_line_is_taken_twice():
    place = Place()
    many = [line(n * 1000, str(n)) for n in range(10_000)]
    for start in range(0, 10_000, 1000):
        place = place.after(place.fresh(many[start : start + 1000]), [])
    assert len(place.seen) == REMEMBERED
    assert place.fresh([each for each in many if each.at_ns >= place.from_ns]) == []


def test_two_equal_texts_at_two_moments_are_two_lines():
    assert digest(line(1)) != digest(line(2))


TAKEN = Place(0, 10 * SECOND, ((10 * SECOND, digest(line(10 * SECOND))),))


@pytest.mark.parametrize(
    ("batch", "oldest", "lost"),
    [
        ([line(10 * SECOND), line(12 * SECOND)], 1 * SECOND, None),
        ([line(30 * SECOND)], 30 * SECOND, (20 * SECOND, 30 * SECOND)),
        ([line(30 * SECOND)], 15 * SECOND, None),
        ([], None, None),
    ],
    ids=["the newest is there", "all before was forgotten", "it was silent", "the cache is empty"],
)
def test_a_gap_is_told_only_where_lines_may_be_lost(batch, oldest, lost):
    assert missed(TAKEN, 20 * SECOND, batch, oldest) == lost


def test_the_first_look_misses_nothing():
    assert missed(Place(), 0, [line(5)], 5) is None


@pytest.mark.parametrize(
    ("idle", "watched", "seconds"),
    [
        (0, False, 3),
        (1, False, 6),
        (2, False, 12),
        (3, False, 20),
        (500, False, 20),
        (500, True, 1),
        (0, True, 1),
    ],
)
def test_a_silent_log_is_read_less_often_unless_somebody_watches(idle, watched, seconds):
    assert rules.next_look(idle, watched, 3, 20) == seconds


@pytest.mark.parametrize(("sources", "seconds"), [(0, 3), (12, 3), (30, 3), (300, 30)])
def test_the_more_logs_there_are_the_less_often_each_is_read(sources, seconds):
    assert rules.busy_look(3, sources) == seconds


@given(st.integers(0, 10**18), st.integers(1, 60 * 86_400 * SECOND))
def test_bars_cover_the_span_and_are_few(start, length):
    bars = rules.bars(start, start + length)
    assert bars.many <= rules.BARS
    assert bars.at(0)[0] <= start < bars.at(0)[1]
    assert bars.at(bars.many - 1)[0] < start + length <= bars.at(bars.many - 1)[1]


@given(st.lists(st.integers(0, 5000), min_size=1), st.sampled_from([0.5, 0.95]))
def test_a_percentile_is_a_value_that_enough_are_not_above(values, share):
    counts = {value: values.count(value) for value in values}
    found = rules.percentile(counts, share)
    assert sum(each <= found for each in values) >= share * len(values)
    assert sum(each < found for each in values) < share * len(values)


def test_requests_are_summed_by_method_and_path_with_failures_first():
    rows = [
        ("GET", "/", 200, 10, 95), ("GET", "/", 200, 900, 5), ("GET", "/", 404, 5, 1),
        ("POST", "/save", 502, 30_000, 2), ("POST", "/save", 0, 100, 1),
    ]  # fmt: skip
    assert rules.sum_paths(rows) == [
        ("POST", "/save", 3, 0, 3, 30_000, 30_000),
        ("GET", "/", 101, 1, 0, 10, 10),
    ]
