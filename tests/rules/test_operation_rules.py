"""Who may deploy what where, and why not: product.md's table of environments, asked of the pure rules."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.operations.rules import (
    QUEUE_LIMIT,
    RULES,
    RULES_AT_START,
    Facts,
    Finding,
    Hold,
    Ref,
    findings,
    name_typed,
    not_held,
    pace,
    refusals,
)

KINDS = frozenset({"sandbox", "development", "staging", "stable"})
GOOD = Facts(
    kind="deploy",
    kind_title="Deploy",
    allowed_on=KINDS,
    environment="ab",
    environment_kind="sandbox",
    permitted=True,
    ref=Ref("branch", "main", "c" * 40),
)


def no(facts: Facts) -> list[str]:
    return [finding.rule for finding in refusals(findings(facts))]


@pytest.mark.parametrize(
    ("where", "kind", "name", "allowed"),
    [
        ("sandbox", "branch", "ab/anything", True),
        ("sandbox", "tag", "v1.2.3", True),
        ("sandbox", "commit", "c" * 40, True),
        ("development", "branch", "main", True),
        ("development", "branch", "ab/feature", False),
        ("development", "tag", "main", False),
        ("staging", "tag", "staging-254", True),
        ("staging", "tag", "Staging-168", False),
        ("staging", "tag", "staging-232-hotfix", False),
        ("staging", "tag", "staging-0254", False),
        ("staging", "branch", "staging-254", False),
        ("stable", "tag", "v1.205.0", True),
        ("stable", "tag", "v.1.68.0", False),
        ("stable", "tag", "v1.205", False),
        ("stable", "tag", "v1.205.0-hotfix", False),
        ("stable", "tag", "v01.2.3", False),
        ("stable", "branch", "main", False),
        ("stable", "commit", "c" * 40, False),
    ],
)
def test_what_may_be_deployed_where(where, kind, name, allowed):
    yes = (Finding("gate", True, "fine"),)
    facts = replace(GOOD, environment=where, environment_kind=where, ref=Ref(kind, name, "c" * 40), gate=yes)
    assert ("ref" not in no(facts)) is allowed


def test_a_deploy_to_stable_that_finds_no_gate_is_refused():
    facts = replace(
        GOOD, environment="stable", environment_kind="stable", ref=Ref("tag", "v1.2.3"), gate=None
    )
    assert no(facts) == ["gate"]


def test_a_gate_that_says_no_gives_its_own_reason():
    closed = Finding("soak", False, "It has been on staging for two days only.", "Wait until Wednesday.")
    facts = replace(GOOD, environment_kind="stable", ref=Ref("tag", "v1.2.3"), gate=(closed,))
    assert refusals(findings(facts)) == [closed]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (
            {"permitted": False, "permission_reason": "Only an engineer may.", "who_can": ("engineer",)},
            "permitted",
        ),
        ({"allowed_on": frozenset({"staging"})}, "kind"),
        ({"in_repository": False}, "environment"),
        ({"manifest_problem": "it has no application"}, "environment"),
        ({"ref_exists": False, "ref": Ref("any", "gone")}, "exists"),
        ({"duplicate": "operation 1a2b3c4d"}, "once"),
        ({"waiting": QUEUE_LIMIT}, "queue"),
        ({"needs_reason": True, "reason": "  "}, "reason"),
    ],
)
def test_each_rule_says_no_on_its_own(change, rule):
    assert no(GOOD) == []
    assert no(replace(GOOD, **change)) == [rule]


def test_who_waits_behind_it_does_not_matter_once_it_has_started():
    facts = replace(GOOD, waiting=99, duplicate="itself")
    assert refusals(findings(facts, RULES_AT_START)) == []


@given(
    st.builds(
        Facts,
        kind=st.sampled_from(["deploy", "migrate", "promote"]),
        kind_title=st.just("It"),
        allowed_on=st.frozensets(st.sampled_from(sorted(KINDS))),
        environment=st.text(max_size=10),
        environment_kind=st.sampled_from(sorted(KINDS)),
        permitted=st.booleans(),
        permission_reason=st.just("Only an engineer may."),
        ref=st.none()
        | st.builds(Ref, st.sampled_from(["branch", "tag", "commit", "any"]), st.text(max_size=300)),
        waiting=st.integers(0, 10),
    )
)
def test_every_no_has_its_reason_and_its_remedy(facts):
    answers = findings(facts)
    assert len(answers) == len(RULES)
    assert all(finding.reason and finding.remedy for finding in refusals(answers))


@given(st.floats(0, 5000), st.none() | st.floats(0.1, 3000), st.integers(0, 400))
def test_looking_again_is_neither_hurried_nor_forgotten(elapsed, usual, under_way):
    wait = pace(elapsed, usual, under_way)
    assert 0.1 <= wait <= max(2.0, under_way * 0.05)


def test_near_the_usual_end_it_looks_often():
    assert pace(9.9, 10.0, 1) < 0.6
    assert pace(1.0, 10.0, 1) > pace(9.0, 10.0, 1)


def test_with_many_under_way_it_looks_less_often():
    assert pace(10.0, None, 200) >= 10 * pace(10.0, None, 1) / 2


HELD = Hold("Held by Lee until somebody releases it: the demo is on.", who=("engineering leads and admins",))


@pytest.mark.parametrize(
    ("hold", "goes_on", "says"),
    [
        (None, True, "Nobody holds ab."),
        (HELD, False, "the demo is on"),
        (replace(HELD, may_pass=True), False, "the demo is on"),
        (replace(HELD, may_pass=True, passed=True), True, "and do"),
        (replace(HELD, passed=True), False, "the demo is on"),
    ],
)
def test_a_hold_stops_everybody_but_those_it_lets_pass_and_who_say_so(hold, goes_on, says):
    answer = not_held(replace(GOOD, hold=hold))

    assert answer.ok is goes_on
    assert says in answer.reason


def test_a_hold_set_while_an_operation_waited_stops_it_at_its_start():
    assert not_held in RULES_AT_START


@pytest.mark.parametrize(
    ("needed", "typed", "goes_on"),
    [
        (False, "", True),
        (True, "ab", True),
        (True, " ab ", True),
        (True, "", False),
        (True, "AB", False),
        (True, "abc", False),
    ],
)
def test_what_cannot_be_undone_asks_for_the_name(needed, typed, goes_on):
    assert name_typed(replace(GOOD, needs_name=needed, typed_name=typed)).ok is goes_on
