"""Schedules: an operation asked for again and again, in somebody's name, never more than they may."""

from datetime import timedelta

import pytest
from django.utils import timezone

from opsportal.accounts.models import PersonRole
from opsportal.accounts.rules import Refused as NotPermitted
from opsportal.operations import actions, schedules
from opsportal.operations.models import Operation, Schedule
from opsportal.operations.registry import BadParameter
from tests.support.engine import kind_of_steps, succeed
from tests.support.people import environment, person

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def _toy():
    with kind_of_steps(succeed):
        yield


def schedule(by="ana", name="ab", times="06:00", weekdays=range(7), **more):
    return schedules.save(
        kind="migrate", environment=environment(name), given={}, weekdays=list(weekdays), times=times,
        by=person(by), **more,
    )  # fmt: skip


def make_due(row: Schedule, **late) -> Schedule:
    Schedule.objects.filter(pk=row.pk).update(next_at=timezone.now() - timedelta(**(late or {"seconds": 1})))
    return row


def test_what_is_due_is_asked_for_in_its_owners_name_and_moves_on():
    row = make_due(schedule())

    assert schedules.run_due() == 1

    row.refresh_from_db()
    assert (row.last_operation.requester, row.last_operation.via) == ("ana", "schedule")
    assert row.next_at > timezone.now()


def test_however_many_schedulers_look_each_run_is_asked_for_once():
    make_due(schedule())

    assert [schedules.run_due(), schedules.run_due()] == [1, 0]
    assert Operation.objects.count() == 1


def test_what_is_switched_off_or_not_due_does_not_run():
    schedules.switch(schedule=make_due(schedule()), on=False, by=person("ana"))
    schedule(by="cleo", name="cw")

    assert schedules.run_due() == 0


def test_whoever_lost_the_right_since_loses_it_for_the_schedule_too():
    row = make_due(schedule())
    PersonRole.objects.filter(person=person("ana")).delete()

    assert schedules.run_due() == 0

    row.refresh_from_db()
    assert "no role" in row.last_refusal


def test_switched_on_by_another_it_runs_in_their_name():
    row = schedules.switch(schedule=schedule(), on=True, by=person("cleo"))

    assert row.owner == person("cleo")


def test_a_run_that_is_hours_late_is_left_out_and_says_so():
    row = make_due(schedule(), hours=5)

    assert schedules.run_due() == 0

    row.refresh_from_db()
    assert "left out" in row.last_refusal
    assert row.next_at > timezone.now()


def test_who_may_not_do_it_by_hand_may_not_schedule_it():
    with pytest.raises(NotPermitted):
        schedule(by="pam")


@pytest.mark.parametrize(
    ("field", "asked"),
    [("times", {"times": "noon"}), ("weekdays", {"weekdays": []}), ("weekdays", {"weekdays": [7]})],
)
def test_a_schedule_that_makes_no_sense_says_what_is_wrong(field, asked):
    with pytest.raises(BadParameter) as bad:
        schedule(**asked)

    assert bad.value.field == field


def test_what_cannot_be_undone_is_confirmed_when_it_is_scheduled(monkeypatch):
    kind = actions.kind_named("migrate")
    monkeypatch.setattr(
        actions.registry, "_kinds", {"migrate": type(kind)(**{**vars(kind), "confirm": "typed"})}
    )

    with pytest.raises(BadParameter, match="Type ab"):
        schedule()
    assert schedule(confirmed="ab").enabled
