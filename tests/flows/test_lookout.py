"""Many that wait for the platform: one question for all, and who waited for what has ended is looked at at once."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from opsportal.adapters.cloudfoundry import Unavailable
from opsportal.operations import lookout, runner, store, tasks
from opsportal.operations.hands import Hands
from opsportal.operations.lookout import Lookout
from opsportal.operations.models import Operation
from opsportal.operations.outcomes import Done, Until, Wait
from opsportal.operations.steps import pacing
from tests.support.engine import ask_for, kind_of_steps, states
from tests.support.people import environment, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
BUILD = Until("build", "b-1")


class Work:
    """What the platform works on, as the lookout asks for it; what was woken."""

    def __init__(self, *guids: str) -> None:
        self.guids = set(guids)
        self.questions, self.trouble = 0, 0
        self.woken: list[UUID] = []
        self.changed = threading.Condition()

    def ask(self) -> Collection[str]:
        with self.changed:
            self.questions += 1
            self.changed.notify_all()
            if self.trouble:
                self.trouble -= 1
                raise Unavailable("away", method="GET", path="/v3/builds")
            return set(self.guids)

    def wake(self, kind: str, operation_ids: Collection[UUID]) -> None:
        assert kind == "build"
        with self.changed:
            self.woken += operation_ids
            self.changed.notify_all()

    def until(self, true: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(true, 20)


@contextmanager
def looking(work: Work) -> Iterator[Lookout]:
    made = Lookout({"build": work.ask}, work.wake)
    try:
        yield made
    finally:
        made.stop()
        thread = made.thread()
        if thread is not None:
            thread.join(20)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(lookout, "TROUBLE_SECONDS", 0.01)


def test_who_waits_for_what_has_ended_is_woken_and_the_others_are_not() -> None:
    work, first, second = Work("b-1", "b-2"), uuid4(), uuid4()
    with looking(work) as made:
        made.expect(first, BUILD)
        made.expect(second, Until("build", "b-2"))
        work.until(lambda: work.questions >= 2)
        assert work.woken == []
        work.guids.remove("b-1")
        work.until(lambda: bool(work.woken))
        seen = work.questions
        work.until(lambda: work.questions > seen)
    assert work.woken == [first]


def test_nobody_is_woken_twice_for_the_same_nor_for_what_nobody_can_ask_about() -> None:
    work, one, other = Work("b-2"), uuid4(), uuid4()
    with looking(work) as made:
        made.expect(other, Until("job", "j-1"))
        made.expect(one, BUILD)
        work.until(lambda: bool(work.woken))
        made.expect(one, BUILD)  # it looked, and waits still
        made.expect(other, Until("build", "b-2"))
        seen = work.questions
        work.until(lambda: work.questions > seen + 1)
        assert work.woken == [one]
        made.expect(one, Until("build", "b-9"))
        work.until(lambda: len(work.woken) == 2)
    assert work.woken == [one, one]


def test_nothing_is_asked_while_nobody_waits_and_it_begins_again_with_the_next() -> None:
    work = Work()
    with looking(work) as made:
        made.expect(uuid4(), BUILD)
        work.until(lambda: len(work.woken) == 1)
        thread = made.thread()
        if thread is not None:
            thread.join(20)
        assert made.thread() is None
        made.expect(uuid4(), BUILD)
        work.until(lambda: len(work.woken) == 2)


def test_a_platform_that_is_away_is_asked_again() -> None:
    work, one = Work(), uuid4()
    work.trouble = 2
    with looking(work) as made:
        made.expect(one, BUILD)
        work.until(lambda: bool(work.woken))
    assert (work.woken, work.questions) == ([one], 3)


def test_after_the_stop_nothing_is_asked() -> None:
    work = Work()
    with looking(work) as made:
        made.stop()
        made.expect(uuid4(), BUILD)
        assert made.thread() is None
    assert work.questions == 0


def test_a_step_that_waits_for_the_platform_is_told_of_and_looked_at_when_it_is_woken() -> None:
    looks: list[int] = []

    def staging(run: Any) -> Any:
        looks.append(1)
        return Done() if len(looks) > 1 else Wait(500, until=BUILD)

    expected: list[tuple[UUID, Until]] = []
    with kind_of_steps(staging):
        operation = ask_for(environment("ab"), person("ana"))
        runner.advance(operation.id, again=lambda *_: None, expect=lambda *which: expected.append(which))
        assert expected == [(operation.id, BUILD)]
        assert not runner.advance(operation.id), "it is not due yet"
        store.hasten([operation.id])
        assert runner.advance(operation.id, again=lambda *_: None)
    assert states(operation) == {"staging": "succeeded"}


def test_who_is_worked_on_or_does_not_run_is_not_hastened() -> None:
    with kind_of_steps(lambda run: Wait(500)):
        operation = ask_for(environment("ab"), person("ana"))
        held = store.claim(operation.id, "me")
        assert held is not None
        later = timezone.now() + timedelta(hours=1)
        Operation.objects.update(due_at=later)
        store.hasten([operation.id])
        assert Operation.objects.get().due_at == later
        store.release(held, wait=3600)
        Operation.objects.update(state="needs_you", due_at=later)
        store.hasten([operation.id])
    assert Operation.objects.get().due_at == later


@pytest.mark.parametrize(("many", "told"), [(3, False), (pacing.MANY, True)])
def test_with_few_under_way_each_looks_for_itself_and_among_many_it_is_told(
    monkeypatch: pytest.MonkeyPatch, many: int, told: bool
) -> None:
    monkeypatch.setattr(pacing, "_under_way", lambda: float(many))
    waits: list[Wait] = []

    def staging(run: Any) -> Any:
        waits.append(pacing.wait(run, "Staging", until=BUILD))
        return waits[-1]

    with kind_of_steps(staging):
        runner.advance(ask_for(environment("ab"), person("ana")).id, again=lambda *_: None)
    assert [(each.until == BUILD, each.seconds >= pacing.TOLD) for each in waits] == [(told, told)]


@pytest.mark.parametrize(
    ("late", "on_the_list", "rung"), [(3, False, True), (3, True, False), (11, True, True), (1, False, False)]
)
def test_the_sweep_leaves_to_this_workers_hands_what_is_not_too_late(
    monkeypatch: pytest.MonkeyPatch, late: int, on_the_list: bool, rung: bool
) -> None:
    bells: list[UUID] = []
    with kind_of_steps(lambda run: Wait(500)):
        operation = ask_for(environment("ab"), person("ana"))
    hands = Hands(lambda each: True, lambda each, seconds: None)
    monkeypatch.setattr(hands, "has", lambda each: on_the_list)
    monkeypatch.setattr(tasks, "_hands", hands)
    monkeypatch.setattr(tasks.bell, "ring", bells.append)
    monkeypatch.setattr(tasks.cache, "add", lambda *_, **__: True)
    Operation.objects.update(due_at=timezone.now() - timedelta(seconds=late))
    tasks.ring_due()
    assert bells == ([operation.id] if rung else [])


def test_a_ring_and_a_waking_go_to_this_workers_hands_and_without_any_it_is_done_or_rung_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[tuple[str, UUID, float]] = []
    one = uuid4()

    class Listening(Hands):
        def look_now(self, operation_id: UUID, *, ahead: float = 0.0) -> None:
            said.append(("hand", operation_id, ahead))

    monkeypatch.setattr(tasks, "_hands", Listening(lambda each: True, lambda each, seconds: None))
    monkeypatch.setattr(tasks.bell, "ring", lambda each: said.append(("bell", each, 0.0)))
    monkeypatch.setattr(tasks, "_advance", lambda each: said.append(("done", each, 0.0)))
    tasks.advance(str(one))
    tasks._wake("package", [one])
    tasks._wake("build", [one])
    monkeypatch.setattr(tasks, "_hands", None)
    tasks.advance(str(one))
    tasks._wake("build", [one])
    assert said == [
        ("hand", one, tasks.AHEAD),
        ("hand", one, tasks.AHEAD),
        ("hand", one, 0.0),
        ("done", one, 0.0),
        ("bell", one, 0.0),
    ]
