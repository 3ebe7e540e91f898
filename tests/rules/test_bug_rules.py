"""The rules of bug tickets, as product.md tells them."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.bugs import rules
from opsportal.bugs.rules import Candidate, WorkingHours

ENGINEER, OTHER, THIRD = (
    Candidate(each.lower(), each, frozenset({"engineer"})) for each in ("Ana", "Cleo", "Theo")
)
LEAD = Candidate("lea", "Lea", frozenset({"engineering_lead"}))
DESIGNER = Candidate("dan", "Dan", frozenset({"designer"}))
SECOND_DESIGNER = Candidate("dee", "Dee", frozenset({"designer"}))
OWNER = Candidate("pia", "Pia", frozenset({"product_owner"}))
GONE = Candidate("gil", "Gil", frozenset({"engineer"}), active=False)


@pytest.mark.parametrize(
    ("current", "wanted", "owner", "reason", "why"),
    [
        ("", "critical", True, "", ""),
        ("", "critical", False, "", "Only a product owner sets Critical"),
        ("", "high", False, "", ""),
        ("low", "high", False, "users call", ""),
        ("low", "high", False, " ", "Say why"),
        ("low", "low", True, "x", "already"),
        ("low", "urgent", True, "x", "no priority “urgent”"),
        ("critical", "high", False, "calmed down", "only a product owner takes it back"),
        ("critical", "high", True, "calmed down", ""),
        ("high", "critical", True, "it spreads", ""),
    ],
)
def test_who_sets_which_priority(current: str, wanted: str, owner: bool, reason: str, why: str) -> None:
    found = rules.priority_refusal(current, wanted, is_product_owner=owner, reason=reason)
    assert (found == "") if not why else (why in found)


@pytest.mark.parametrize(
    ("engineer", "reviewers", "user_facing", "why"),
    [
        (ENGINEER, [OTHER, THIRD], False, ""),
        (ENGINEER, [OTHER, LEAD], False, ""),
        (ENGINEER, [OTHER, DESIGNER], True, ""),
        (ENGINEER, [DESIGNER, OTHER], True, ""),
        (ENGINEER, [OTHER, DESIGNER], False, "not user-facing"),
        (ENGINEER, [DESIGNER, SECOND_DESIGNER], True, "one of the two is an engineer"),
        (ENGINEER, [OTHER, ENGINEER], True, "nobody reviews their own fix"),
        (ENGINEER, [OTHER, OTHER], True, "reviews it already"),
        (ENGINEER, [OTHER], True, "2 reviewers; 1 given"),
        (ENGINEER, [OTHER, THIRD, LEAD], True, "2 reviewers; 3 given"),
        (ENGINEER, [OTHER, OWNER], True, "neither an engineer nor a designer"),
        (ENGINEER, [OTHER, GONE], True, "switched off"),
        (DESIGNER, [OTHER, THIRD], True, "Dan is not an engineer"),
        (GONE, [OTHER, THIRD], True, "switched off"),
    ],
)
def test_one_engineer_and_two_reviewers_who_are_not_that_engineer(
    engineer: Candidate, reviewers: list[Candidate], user_facing: bool, why: str
) -> None:
    found = rules.assignment_refusals(engineer, reviewers, user_facing=user_facing)
    assert (not found) if not why else (why in " ".join(found.values()))


PEOPLE = st.sampled_from([ENGINEER, OTHER, THIRD, LEAD, DESIGNER, SECOND_DESIGNER, OWNER, GONE])


@given(PEOPLE, st.lists(PEOPLE, max_size=3), st.booleans())
def test_what_is_allowed_is_never_the_engineer_twice_the_same_or_without_an_engineer(
    engineer: Candidate, reviewers: list[Candidate], user_facing: bool
) -> None:
    if rules.assignment_refusals(engineer, reviewers, user_facing=user_facing):
        return
    assert len({engineer.username, *(each.username for each in reviewers)}) == 3
    assert all(each.active for each in (engineer, *reviewers))
    engineers = [each for each in reviewers if each.roles & rules.ENGINEERS]
    assert len(engineers) == 2 or (user_facing and len(engineers) == 1)


@given(st.sets(st.sampled_from(rules.PATH)))
def test_a_ticket_stands_at_the_furthest_stage_it_reached(reached: set[str]) -> None:
    stage = rules.stage(reached)
    assert stage in (reached or {rules.REPORTED})
    assert all(rules.PATH.index(each) <= rules.PATH.index(stage) for each in reached)


WEEK = WorkingHours(
    frozenset(range(5)), time(9), time(17), "America/New_York", frozenset({date(2026, 11, 26)})
)


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        ("2026-11-23 14:00", "2026-11-23 16:00", 2),  # Monday, 9 to 11 in New York
        ("2026-11-23 10:00", "2026-11-23 15:00", 1),  # before they begin
        ("2026-11-20 21:00", "2026-11-23 15:00", 2),  # over a weekend
        ("2026-11-25 21:00", "2026-11-27 15:00", 2),  # over a day off
        ("2026-11-21 10:00", "2026-11-22 22:00", 0),  # a weekend
        ("2026-11-23 16:00", "2026-11-23 14:00", 0),  # the wrong way round
    ],
)
def test_only_working_time_counts(since: str, until: str, hours: float) -> None:
    moments = [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (since, until)]
    assert rules.working_time(*moments, WEEK) == timedelta(hours=hours)


NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=365)).map(lambda later: NOON + later)


@given(MOMENTS, st.integers(0, 100 * 60))
def test_the_moment_something_is_due_lies_just_so_much_working_time_away(
    since: datetime, minutes: int
) -> None:
    allowed = timedelta(minutes=minutes)
    due = rules.due_after(since, allowed, WEEK)
    assert due is not None
    assert rules.working_time(since, due, WEEK) == allowed


def test_a_team_that_never_works_is_never_late() -> None:
    never = WorkingHours(frozenset(), time(9), time(17), "UTC")
    assert rules.due_after(datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=1), never) is None


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["ana/bug-12-login"], [12]),
        (["BUG-12: mend the login", "bug-12"], [12]),
        (["BUG-3, BUG-4 and bug_5"], [3, 4]),
        (["debug-12", "BUG-12a", "bug-", "bug-0", "BUG-1234567890"], []),
        (["(bug-7)"], [7]),
        (["bug-bug-9"], [9]),
        (["BUG-٣"], []),
    ],
)
def test_a_branch_or_title_names_a_ticket_by_its_key(texts: list[str], numbers: list[int]) -> None:
    assert rules.keys_in(texts, "BUG") == numbers


@given(st.lists(st.text()))
def test_any_text_can_be_searched_for_keys(texts: list[str]) -> None:
    assert all(number > 0 for number in rules.keys_in(texts, "BUG"))
