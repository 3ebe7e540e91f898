"""Holding an environment: who may, who passes, until when; nothing changes it meanwhile (product.md, Releases)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from opsportal.accounts.queries import SERVICE
from opsportal.accounts.rules import Refused as NotPermitted
from opsportal.audit.models import Entry
from opsportal.environments import actions, holds
from opsportal.environments.actions import BadHold
from opsportal.operations import actions as operations
from opsportal.operations import store
from opsportal.operations.models import State
from tests.support.engine import kind_of_steps, succeed
from tests.support.people import environment, person

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def ask(name="ab", by="ana", what="", **more):
    return operations.request(kind="migrate", environment=name, given={"what": what}, by=person(by), **more)


@pytest.fixture
def ab():
    return environment("ab", owner="ana")


@pytest.fixture(autouse=True)
def _toy():
    with kind_of_steps(succeed):
        yield


def test_what_is_held_is_told_with_who_why_and_until_when(ab):
    hold = actions.hold(environment=ab, reason="The demo is on", by=person("lee"))

    with pytest.raises(operations.Refused) as refusal:
        ask()

    assert "Held by Lee Lindqvist until somebody releases it: The demo is on." in str(refusal.value)
    assert holds.active(ab) == hold


def test_a_lead_passes_only_by_saying_so_and_that_is_kept(ab):
    actions.hold(environment=ab, reason="The demo is on", by=person("cleo"))

    with pytest.raises(operations.Refused):
        ask(by="lee")
    operation = ask(by="lee", passes_hold=True)

    assert operation.state == State.RUNNING
    assert "Passed the hold" in operation.notes[0]
    assert (
        "The demo is on"
        in Entry.objects.filter(action="operation.request").latest("pk").details["passed_hold"]
    )


@pytest.mark.parametrize("passes", ["nobody", "holder"])
def test_saying_so_does_not_help_whom_the_hold_does_not_let_pass(ab, passes):
    actions.hold(environment=ab, reason="Evidence is kept", by=person("cleo"), passes=passes)

    with pytest.raises(operations.Refused):
        ask(by="lee", passes_hold=True)


def test_a_hold_ends_by_itself_and_another_may_follow(ab):
    actions.hold(
        environment=ab, reason="First", by=person("lee"), ends_at=timezone.now() + timedelta(hours=1)
    )
    ab.holds.update(ends_at=timezone.now() - timedelta(seconds=1))

    assert holds.active(ab) is None
    assert actions.hold(environment=ab, reason="Second", by=person("lee")).reason == "Second"


def test_one_hold_at_a_time(ab):
    actions.hold(environment=ab, reason="First", by=person("lee"))

    with pytest.raises(BadHold, match="held already"):
        actions.hold(environment=ab, reason="Second", by=person("ada"))


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("reason", {"reason": "  "}),
        ("ends_at", {"ends_at": timezone.now() - timedelta(days=1)}),
        ("passes", {"passes": "everybody"}),
    ],
)
def test_a_hold_that_makes_no_sense_says_what_is_wrong(ab, field, asked):
    with pytest.raises(BadHold) as bad:
        actions.hold(environment=ab, by=person("lee"), **({"reason": "Because"} | asked))

    assert bad.value.field == field


@pytest.mark.parametrize(("name", "who"), [("staging", "ana"), ("stable", "pam"), ("ab", "dee")])
def test_who_may_not_hold_is_told_who_can(name, who):
    with pytest.raises(NotPermitted):
        actions.hold(environment=environment(name), reason="Because", by=person(who))


def test_released_by_whoever_set_it_or_may_hold_and_by_nobody_else(ab):
    hold = actions.hold(environment=ab, reason="Because", by=person("lee"))
    with pytest.raises(NotPermitted):
        actions.release(hold=hold, by=person("dee"))

    actions.release(hold=hold, by=person("ada"), reason="Over")

    assert holds.active(ab) is None
    assert Entry.objects.filter(action="environment.release").latest("pk").reason == "Over"


def test_a_roll_back_holds_in_its_own_name_and_leaves_an_earlier_hold(ab):
    first = actions.hold(environment=ab, reason="Rolled back", by=SERVICE, origin="roll_back")

    assert actions.hold(environment=ab, reason="Again", by=SERVICE, origin="roll_back") == first


def test_within_its_seconds_a_click_is_undone_without_a_trace(ab):
    operation = ask(undo_seconds=10)

    assert operation.can_be_undone
    assert store.claim(operation.id, "worker") is None
    undone = operations.cancel(operation=operation.id, by=person("ana"))

    assert undone.state == State.CANCELLED
    assert not undone.steps.exclude(started_at=None).exists()


def test_what_waits_behind_an_undone_operation_starts(ab):
    first = ask(undo_seconds=10)
    second = ask(by="cleo", what="another")

    operations.cancel(operation=first.id, by=person("ana"))

    second.refresh_from_db()
    assert second.state == State.RUNNING
