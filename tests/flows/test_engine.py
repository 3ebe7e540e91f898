"""The operations engine: rows are the truth, one operation changes an environment, nothing stays "running" for ever."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from opsportal.accounts.rules import Refused as PermissionRefused
from opsportal.adapters.cloudfoundry import Unprocessable
from opsportal.audit.models import Entry
from opsportal.operations import actions, runner, store, tasks
from opsportal.operations.hands import Hands
from opsportal.operations.models import Operation, Output, State, Step
from opsportal.operations.outcomes import Ask, Done, Fail, Unknown, Wait
from opsportal.operations.run import HandOver, Run
from opsportal.operations.steps.once import once
from opsportal.operations.store import LeaseLost
from tests.support.engine import ask_for, kind_of_steps, states, succeed, walk
from tests.support.people import environment, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def fail(run: Run) -> Fail:
    return Fail("platform:refused", {"what": "no", "remedy": "Ask again."})


def test_an_operation_runs_its_steps_in_order_and_succeeds():
    said = []

    def first(run):
        run.say("hello")
        run.facts["guid"] = "g"
        said.append("first")
        return Done("one")

    def second(run):
        said.append(run.facts["guid"])
        return Done()

    with kind_of_steps(first, second):
        operation = walk(ask_for(environment("ab"), person("ana")))
    assert operation.state == State.SUCCEEDED
    assert said == ["first", "g"]
    assert [line.text for line in operation.output.all()] == ["hello"]
    assert operation.started_at <= operation.ended_at


def test_a_step_that_waits_holds_no_worker_and_is_called_again():
    calls = []

    def waiting(run):
        calls.append(run.memo.get("n", 0))
        run.memo["n"] = run.memo.get("n", 0) + 1
        return Wait(30, "not yet", 0.5) if run.memo["n"] < 3 else Done()

    with kind_of_steps(waiting):
        operation = ask_for(environment("ab"), person("ana"))
        assert runner.advance(operation.id)
        step = operation.steps.get()
        assert (step.state, step.detail, step.progress) == ("waiting", "not yet", 0.5)
        assert not runner.advance(operation.id), "it is not due, so nobody may work on it"
        assert walk(operation).state == State.SUCCEEDED
    assert calls == [0, 1, 2]


def test_a_failure_says_what_happened_and_whose_move_it_is_and_puts_things_back():
    def touch(run):
        run.facts["touched"] = True
        return Done()

    def put_back(run):
        run.say("put back")
        return Done()

    with kind_of_steps(touch, fail, succeed, tidy=(put_back,)):
        operation = walk(ask_for(environment("ab"), person("ana")))
    assert operation.state == State.FAILED
    assert (operation.error_id, operation.whose_move) == ("platform:refused", "platform")
    assert "no" in operation.problem
    assert operation.remedy == "Ask again."
    assert states(operation) == {
        "touch": "succeeded",
        "fail": "failed",
        "succeed": "pending",
        "put_back": "succeeded",
    }


def test_what_puts_things_back_is_not_run_when_nothing_was_touched():
    with kind_of_steps(fail, tidy=(succeed,)):
        assert states(walk(ask_for(environment("ab"), person("ana")))) == {"fail": "failed"}


def test_a_stumble_of_ours_ends_in_words_without_a_traceback():
    def stumble(run):
        raise ZeroDivisionError("secret-value")

    with kind_of_steps(stumble):
        operation = walk(ask_for(environment("ab"), person("ana")))
    assert operation.error_id == "operation:crashed"
    assert operation.whose_move == "ours"
    assert "secret-value" not in operation.problem
    assert "test_engine.py" in operation.problem


def test_a_step_past_its_limit_fails_instead_of_running_for_ever():
    def endless(run):
        return Wait(1)

    with kind_of_steps(endless, endless={"limit": 60.0}):
        operation = ask_for(environment("ab"), person("ana"))
        runner.advance(operation.id)
        Step.objects.filter(operation=operation).update(started_at=timezone.now() - timedelta(seconds=61))
        assert walk(operation).error_id == "operation:step-too-long"


def test_a_retry_goes_on_from_the_step_that_failed():
    ran = []

    def one(run):
        ran.append("one")
        return Done()

    def two(run):
        ran.append(f"two/{run.step.attempt}")
        return fail(run) if run.step.attempt == 1 else Done()

    with kind_of_steps(one, two):
        operation = walk(ask_for(environment("ab"), person("ana")))
        assert operation.state == State.FAILED
        actions.retry(operation=operation.id, by=person("cleo"))
        operation = walk(operation)
    assert ran == ["one", "two/1", "two/2"]
    assert (operation.state, operation.problem) == (State.SUCCEEDED, "")
    assert re.search(
        r"Attempt 2 took .+ s; it is .+ s since the operation was asked for\.", operation.notes[-1]
    )


def test_a_retry_goes_back_to_where_things_were_put_back():
    ran = []

    def one(run):
        ran.append("one")
        return Done()

    def two(run):
        ran.append("two")
        return fail(run) if run.step.attempt == 1 else Done()

    with kind_of_steps(one, two, two={"resume_at": "one"}):
        operation = walk(ask_for(environment("ab"), person("ana")))
        actions.retry(operation=operation.id, by=person("ana"))
        walk(operation)
    assert ran == ["one", "two", "one", "two"]


def test_a_retry_is_refused_when_something_newer_changed_the_environment():
    with kind_of_steps(fail):
        old = walk(ask_for(environment("ab"), person("ana")))
    with kind_of_steps(succeed):
        walk(ask_for(environment("ab"), person("ana"), what="newer"))
        with pytest.raises(PermissionRefused, match="has changed ab since"):
            actions.retry(operation=old.id, by=person("ana"))


def test_a_cancel_stops_a_waiting_step_and_says_who():
    def waiting(run):
        return Wait(30)

    with kind_of_steps(waiting, succeed):
        operation = ask_for(environment("ab"), person("ana"))
        runner.advance(operation.id)
        actions.cancel(operation=operation.id, by=person("cleo"))
        operation = walk(operation)
    assert operation.state == State.CANCELLED
    assert "Cleo Chu" in operation.problem
    assert states(operation) == {"waiting": "cancelled", "succeed": "pending"}


def test_a_cancel_waits_for_a_step_that_must_not_be_cut_off():
    def migrating(run):
        run.memo["n"] = run.memo.get("n", 0) + 1
        return Wait(1) if run.memo["n"] < 3 else Done()

    with kind_of_steps(migrating, succeed, migrating={"interruptible": False}):
        operation = ask_for(environment("ab"), person("ana"))
        runner.advance(operation.id)
        actions.cancel(operation=operation.id, by=person("ana"))
        operation = walk(operation)
    assert operation.state == State.CANCELLED
    assert states(operation)["migrating"] == "succeeded"


def test_who_may_not_run_it_may_not_cancel_or_retry_it():
    with kind_of_steps(fail):
        operation = walk(ask_for(environment("ab"), person("ana")))
        with pytest.raises(PermissionRefused):
            actions.retry(operation=operation.id, by=person("stranger"))
        with pytest.raises(PermissionRefused):
            actions.cancel(operation=operation.id, by=person("stranger"))


def test_the_first_answer_wins_and_the_second_is_told_who_answered():
    def asking(run):
        if "answer" not in run.memo:
            return Ask("Go on?", "engineer")
        return Done(run.memo["answer"]["choice"])

    with kind_of_steps(asking):
        operation = walk(ask_for(environment("ab"), person("ana")))
        assert operation.state == State.NEEDS_YOU
        with pytest.raises(PermissionRefused, match="Only engineer is asked"):
            actions.answer(operation=operation.id, by=person("pam"), choice="Go on")
        actions.answer(operation=operation.id, by=person("ana"), choice="Go on")
        with pytest.raises(actions.TooLate, match="ana answered “Go on” already"):
            actions.answer(operation=operation.id, by=person("cleo"), choice="Stop")
        assert walk(operation).steps.get().detail == "Go on"


def test_unknown_holds_the_environment_until_a_person_settles_it():
    def unsure(run):
        return Unknown("platform:unknown", {"what": "the answer was lost"})

    with kind_of_steps(unsure):
        operation = walk(ask_for(environment("ab"), person("ana")))
        assert operation.state == State.UNKNOWN
        behind = ask_for(environment("ab"), person("ana"), what="behind")
        assert behind.state == State.WAITING
        actions.settle(operation=operation.id, by=person("ana"), note="it had not happened")
    operation.refresh_from_db()
    behind.refresh_from_db()
    assert (operation.state, behind.state) == (State.FAILED, State.RUNNING)


def test_the_database_refuses_a_second_operation_that_changes_an_environment():
    with kind_of_steps(succeed):
        first = ask_for(environment("ab"), person("ana"))
        second = ask_for(environment("ab"), person("ana"), what="second")
    assert (first.state, second.state) == (State.RUNNING, State.WAITING)
    with pytest.raises(IntegrityError), transaction.atomic():
        Operation.objects.filter(id=second.id).update(state=State.RUNNING)


def test_the_database_refuses_what_destroys_data_on_stable():
    place = environment("stable")
    with pytest.raises(IntegrityError), transaction.atomic():
        Operation.objects.create(
            kind="reset_database", environment=place, environment_kind="stable", headline="x"
        )


def test_what_waits_behind_an_operation_starts_when_it_ends():
    with kind_of_steps(succeed):
        first = ask_for(environment("ab"), person("ana"))
        second = ask_for(environment("ab"), person("ana"), what="second")
        walk(first)
        second.refresh_from_db()
        assert second.state == State.RUNNING
        assert walk(second).state == State.SUCCEEDED


def test_the_same_thing_twice_is_refused_with_a_pointer_to_the_first():
    with kind_of_steps(succeed):
        first = ask_for(environment("ab"), person("ana"), what="x")
        with pytest.raises(actions.Refused, match=first.short_id):
            ask_for(environment("ab"), person("cleo"), what="x")


def test_a_hundred_requests_at_once_run_one_queue_a_few_and_refuse_the_rest_with_the_reason():
    place, ana = environment("ab"), person("ana")
    refused, made = [], []
    begin = threading.Barrier(20)

    def click(number):
        try:
            if number < 20:
                begin.wait(timeout=20)
            made.append(ask_for(place, ana, what=str(number)).id)
        except actions.Refused as error:
            refused.append(str(error))
        finally:
            connection.close()

    with kind_of_steps(succeed), ThreadPoolExecutor(20) as pool:
        list(pool.map(click, range(100)))
    rows = list(Operation.objects.values_list("state", flat=True))
    assert rows.count("running") == 1
    assert rows.count("waiting") == 5
    assert len(refused) == 94
    assert all("wait for ab already" in words for words in refused)
    assert Entry.objects.filter(action="operation.request").count() == 6


def test_a_worker_that_lost_its_lease_changes_nothing():
    with kind_of_steps(succeed):
        operation = ask_for(environment("ab"), person("ana"))
        old = store.claim(operation.id, "first")
        Operation.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        new = store.claim(operation.id, "second")
    step = operation.steps.get()
    assert new.fence == old.fence + 1
    with pytest.raises(LeaseLost):
        store.end_step(old, step, "succeeded")
    with pytest.raises(LeaseLost):
        store.append(old, step, [store.Line(timezone.now(), "out", "x")], limit=10)
    assert Output.objects.count() == 0
    store.end_step(new, step, "succeeded")


def test_an_operation_is_claimed_by_one_worker_only():
    with kind_of_steps(succeed):
        operation = ask_for(environment("ab"), person("ana"))
        claims = [store.claim(operation.id, f"worker {n}") for n in range(3)]
    assert [claim is not None for claim in claims] == [True, False, False]


def test_an_operation_whose_bell_was_lost_is_rung_for_again(monkeypatch):
    rung = []
    with kind_of_steps(succeed):
        operation = ask_for(environment("ab"), person("ana"))
        Operation.objects.update(due_at=timezone.now() - timedelta(seconds=5))
        monkeypatch.setattr("opsportal.operations.bell.ring", lambda each, delay=0: rung.append(each))
        tasks.ring_due()
    assert rung == [operation.id]


def test_a_worker_that_is_told_to_stop_hands_the_step_over():
    def long(run):
        if run.step.calls < 1 and not run.memo.get("again"):
            run.remember(again=True)
            raise HandOver
        return Done("the other worker did it")

    with kind_of_steps(long):
        operation = ask_for(environment("ab"), person("ana"))
        runner.advance(operation.id)
        operation.refresh_from_db()
        assert (operation.state, operation.lease_owner) == (State.RUNNING, "")
        assert walk(operation).steps.get().detail == "the other worker did it"


def test_output_is_numbered_without_gaps_and_cut_at_its_limit():
    with kind_of_steps(succeed):
        operation = ask_for(environment("ab"), person("ana"))
        held, step = store.claim(operation.id, "w"), operation.steps.get()
    lines = [store.Line(timezone.now(), "out", f"line {n}\x00") for n in range(7)]
    assert store.append(held, step, lines[:3], limit=5) == 3
    assert store.append(held, step, lines[3:], limit=5) == 6
    store.append(held, step, lines, limit=5)
    rows = list(operation.output.values_list("number", "text"))
    assert [number for number, _ in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[0][1] == "line 0\ufffd"
    assert "the rest is not" in rows[-1][1]


def test_a_lost_answer_is_asked_about_before_anything_is_made_again():
    """The request was carried out, its answer lost: the platform is asked, and it is not made a second time."""
    made, calls = [], []

    def creating(run):
        def make():
            made.append("guid-1")
            raise ConnectionError

        def find():
            calls.append("find")
            return made[0] if made else None

        try:
            guid = once(run, "task", find=find, make=make)
        except ConnectionError:
            return Wait(0.1)
        return guid if isinstance(guid, Wait) else Done(guid)

    with kind_of_steps(creating):
        operation = walk(ask_for(environment("ab"), person("ana")))
    assert made == ["guid-1"]
    assert calls == ["find"]
    assert operation.steps.get().detail == "guid-1"


def test_what_was_never_made_is_made_once_the_platform_has_settled():
    def creating(run):
        run.memo.setdefault("task_intended_at", (timezone.now() - timedelta(seconds=60)).isoformat())
        guid = once(run, "task", find=lambda: None, make=lambda: "guid-2")
        return guid if isinstance(guid, Wait) else Done(guid)

    with kind_of_steps(creating):
        assert walk(ask_for(environment("ab"), person("ana"))).steps.get().detail == "guid-2"


def test_a_first_request_that_comes_through_while_it_is_made_again_is_taken_for_ours():
    found = []

    def creating(run):
        run.memo.setdefault("task_intended_at", (timezone.now() - timedelta(seconds=60)).isoformat())

        def make():
            found.append("guid-1")
            raise Unprocessable("one is being staged already")

        guid = once(run, "task", find=lambda: found[0] if found else None, make=make)
        return guid if isinstance(guid, Wait) else Done(guid)

    with kind_of_steps(creating):
        assert walk(ask_for(environment("ab"), person("ana"))).steps.get().detail == "guid-1"


def test_what_was_said_before_a_worker_died_is_said_once():
    """What a step says is kept with its answer: a step that is run again says it again, and it is kept once."""
    calls = []

    def speaking(run):
        run.say("hello")
        calls.append(1)
        if len(calls) == 1:
            raise LeaseLost("the worker died here")
        return Done()

    with kind_of_steps(speaking):
        operation = ask_for(environment("ab"), person("ana"))
        runner.advance(operation.id)
        Operation.objects.update(lease_expires_at=None, lease_owner="")
        operation = walk(operation)
    assert [line.text for line in operation.output.all()] == ["hello"]
    assert len(calls) == 2


def test_a_cancel_between_two_steps_is_seen_before_the_second_begins():
    began = []

    def first(run):
        actions.cancel(operation=run.operation.id, by=person("cleo"))
        return Done()

    def second(run):
        began.append(True)
        return Done()

    with kind_of_steps(first, second):
        operation = walk(ask_for(environment("ab"), person("ana")))
    assert operation.state == State.CANCELLED
    assert not began


def test_a_worker_comes_back_by_itself_to_what_waits_and_hands_the_rest_over_at_its_end():
    seen, handed = threading.Event(), {}
    looked = []

    def work(operation_id):
        looked.append(operation_id)
        seen.set()
        return True

    hands = Hands(work, lambda each, seconds: handed.update({each: seconds}), threads=1)
    soon, late, after = uuid4(), uuid4(), uuid4()
    hands.come_back(late, 1000)
    hands.come_back(soon, 0)
    assert seen.wait(20)
    hands.stop()
    for thread in hands.threads():
        thread.join(20)
    hands.come_back(after, 5)
    assert looked == [soon]
    assert handed.keys() == {late, after}
    assert 900 < handed[late] <= 1000


def test_what_was_put_down_again_is_looked_at_for_the_last_time_alone_and_a_ring_comes_first():
    looked, changed, free = [], threading.Condition(), threading.Event()
    first, rung, never = uuid4(), uuid4(), uuid4()

    def work(operation_id):
        with changed:
            looked.append(operation_id)
            changed.notify_all()
        assert free.wait(20)
        return operation_id != never

    def until(what):
        with changed:
            assert changed.wait_for(lambda: looked == what, 20)

    hands = Hands(work, lambda each, seconds: handed.update({each: seconds}), threads=1)
    handed = {}
    hands.come_back(first, 0)
    until([first])
    hands.come_back(rung, 0.01)
    hands.come_back(rung, 1000)  # put down once more: the earlier time counts no longer
    hands.come_back(never, 1000)
    hands.look_now(never)
    hands.look_now(never)
    assert hands.has(rung)
    free.set()
    until([first, never])
    hands.look_now(rung)
    until([first, never, rung])
    hands.stop()
    for thread in hands.threads():
        thread.join(20)
    assert not hands.has(rung), "it was worked on, so what it was put down for is over"
    assert handed.keys() == {never}, "it was too early for it: it comes back when it was put down for"


def test_what_begins_is_looked_at_ahead_of_what_has_not_been_due_for_long():
    looked, changed, free = [], threading.Condition(), threading.Event()
    busy, soon, rung, begins = uuid4(), uuid4(), uuid4(), uuid4()

    def work(operation_id):
        with changed:
            looked.append(operation_id)
            changed.notify_all()
        return free.wait(20)

    hands = Hands(work, lambda each, seconds: None, threads=1)
    hands.come_back(busy, 0)
    with changed:
        assert changed.wait_for(lambda: looked == [busy], 20)
    hands.come_back(soon, 0)
    hands.look_now(rung)
    hands.look_now(begins, ahead=20)
    free.set()
    with changed:
        assert changed.wait_for(lambda: len(looked) == 4, 20)
    hands.stop()
    for thread in hands.threads():
        thread.join(20)
    assert looked == [busy, begins, soon, rung]


def test_while_the_platform_settles_the_step_is_unknown():
    def creating(run):
        run.memo.setdefault("task_intended_at", timezone.now().isoformat())
        return once(run, "task", find=lambda: None, make=lambda: "never")

    with kind_of_steps(creating):
        operation = ask_for(environment("ab"), person("ana"))
        runner.advance(operation.id)
    assert operation.steps.get().state == "unknown"
