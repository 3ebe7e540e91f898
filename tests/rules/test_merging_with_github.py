"""Title and state in two places: a changed side is never overwritten by one that did not change, and nothing echoes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.bugs.syncing.merging import Base, Ours, Plan, Theirs, plan, without_key

KEY = "BUG-12"
BASE = Base("BUG-12: It fails", True, "It fails", True, "high", "b1")
OURS = Ours("It fails", True, "high", "b1")
THEIRS = Theirs("BUG-12: It fails", True)

TABLE = {
    "nothing changed": ({}, {}, Plan()),
    "renamed here": ({"title": "New"}, {}, Plan(send_title=True)),
    "renamed there": ({}, {"title": "BUG-12: New"}, Plan(take_title=True)),
    "renamed there without the key": ({}, {"title": "New"}, Plan(take_title=True)),
    "the same on both": ({"title": "New"}, {"title": "BUG-12: New"}, Plan()),
    "only the key was taken away": ({}, {"title": "It fails"}, Plan()),
    "renamed on both": ({"title": "A"}, {"title": "B"}, Plan(send_title=True, both_titles=True)),
    "no title is left there": ({}, {"title": "BUG-12:  "}, Plan()),
    "closed here": ({"is_open": False}, {}, Plan(send_state=True)),
    "closed there": ({}, {"is_open": False}, Plan(take_state=True)),
    "closed on both": ({"is_open": False}, {"is_open": False}, Plan()),
    "said better here": ({"body": "b2"}, {}, Plan(send_body=True)),
    "another priority here": ({"priority": "low"}, {}, Plan(send_priority=True)),
    "renamed here, closed there": (
        {"title": "New"},
        {"is_open": False},
        Plan(send_title=True, take_state=True),
    ),
}


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_each_side_follows_what_changed_on_the_other(row):
    ours, theirs, wanted = TABLE[row]
    assert plan(BASE, replace(OURS, **ours), replace(THEIRS, **theirs), KEY) == wanted


def test_an_issue_that_was_found_again_is_told_all_that_differs():
    unknown = Base.read({"title": "BUG-12: Old", "state": "open"})
    assert plan(unknown, OURS, Theirs("BUG-12: Old", True), KEY) == Plan(
        send_title=True, send_body=True, send_priority=True
    )


@pytest.mark.parametrize(
    ("title", "left"),
    [
        ("BUG-12: It fails", "It fails"),
        ("bug-12 – It fails", "It fails"),
        ("BUG-12", ""),
        ("BUG-123: It fails", "BUG-123: It fails"),
        ("BUG-12-b: It fails", "BUG-12-b: It fails"),
        ("See BUG-12: It fails", "See BUG-12: It fails"),
    ],
)
def test_only_the_tickets_own_key_is_taken_from_a_title(title, left):
    assert without_key(title, KEY) == left


titles = st.sampled_from(["It fails", "A", "B"])


@given(
    ours=titles, theirs=titles, here=st.booleans(), there=st.booleans(), was=titles, open_was=st.booleans()
)
def test_after_one_exchange_both_are_in_step_and_stay_so(ours, theirs, here, there, was, open_was):
    base = Base(f"{KEY}: {was}", open_was, was, open_was, "high", "b1")
    mine, its = Ours(ours, here, "high", "b1"), Theirs(f"{KEY}: {theirs}", there)
    todo = plan(base, mine, its, KEY)
    mine = replace(
        mine,
        title=theirs if todo.take_title else ours,
        is_open=there if todo.take_state else here,
    )
    its = Theirs(f"{KEY}: {ours}" if todo.send_title else its.title, here if todo.send_state else there)
    assert without_key(its.title, KEY) == mine.title
    assert its.is_open == mine.is_open
    after = Base(its.title, its.is_open, mine.title, mine.is_open, "high", "b1")
    assert plan(after, mine, its, KEY) == Plan()
