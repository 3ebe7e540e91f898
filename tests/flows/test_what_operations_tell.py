"""Deploys, promotions, roll backs and holds are told: to the team of shared environments, to its people of a sandbox."""

import pytest

from opsportal.accounts.queries import SERVICE
from opsportal.environments import actions as environments
from opsportal.notifications.models import Message
from opsportal.operations import actions, telling
from opsportal.operations.outcomes import Done, Fail, Unknown
from tests.support.engine import ask_for, kind_of_steps, succeed, walk
from tests.support.people import environment, person
from tests.support.slack import PORTAL, portal_with

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def _settings(monkeypatch):
    """The toy kind counts as one that is told; nothing is sent."""
    monkeypatch.setattr(telling, "TOLD", frozenset({"migrate"}))
    with portal_with("http://127.0.0.1:9/api"):
        yield


def told() -> list[tuple[str, str]]:
    rows = Message.objects.order_by("created_at").values_list("event", "destination", "person__username")
    return [(event, who or where) for event, where, who in rows]


def fail(run):
    return Fail("operation:crashed", {"step": "fail", "what": "a test"})


def wonder(run):
    return Unknown("platform:unknown", {})


def test_on_a_shared_environment_the_team_hears_of_the_start_and_the_end():
    with kind_of_steps(succeed, succeed):
        operation = walk(ask_for(environment("staging"), person("ana"), what="v1"))

    assert told() == [("deploy_started", "slack:channel:dev"), ("deploy_succeeded", "slack:channel:dev")]
    first, last = Message.objects.order_by("created_at")
    assert first.topic == last.topic == f"operation:{operation.id}"
    assert first.payload["title"] == "staging: Toy v1 has started"
    assert last.payload["url"] == f"{PORTAL}/operations/{operation.id}/"
    assert "By: Ana Alvarez" in first.payload["lines"]


def test_a_failure_is_told_with_its_reason_to_the_team_and_to_whoever_asked():
    with kind_of_steps(succeed, fail):
        walk(ask_for(environment("staging"), person("ana")))

    assert told()[1:] == [("deploy_failed", "slack:channel:dev"), ("deploy_failed", "ana")]
    lines = Message.objects.filter(event="deploy_failed").first().payload["lines"]
    assert "Step: fail" in lines
    assert any(line.startswith("What next:") for line in lines)


def test_each_attempt_is_told_and_nothing_twice():
    with kind_of_steps(fail):
        operation = walk(ask_for(environment("staging"), person("ana")))
        actions.retry(operation=operation.id, by=person("ana"))
        walk(operation)

    events = [event for event, where in told() if where == "slack:channel:dev"]
    assert events == ["deploy_started", "deploy_failed", "deploy_failed"]


def test_of_a_sandbox_only_whoever_asked_hears_and_only_of_failures():
    with kind_of_steps(succeed):
        walk(ask_for(environment("ab"), person("ana")))
    assert told() == []
    with kind_of_steps(fail):
        walk(ask_for(environment("ab"), person("ana")))
    assert told() == [("deploy_failed", "ana")]


def test_a_cancelled_deploy_is_told_to_the_team_that_heard_it_start():
    def wait(run):
        actions.cancel(operation=run.operation.id, by=person("ana"))
        return Done("fine")

    with kind_of_steps(wait, succeed):
        walk(ask_for(environment("staging"), person("ana")))

    assert told()[1:] == [("deploy_failed", "slack:channel:dev")]
    assert any("was cancelled" in row.payload["title"] for row in Message.objects.all())


def test_other_kinds_are_not_told(monkeypatch):
    monkeypatch.setattr(telling, "TOLD", frozenset({"deploy"}))
    with kind_of_steps(succeed):
        walk(ask_for(environment("staging"), person("ana")))
    assert told() == []


def test_nothing_about_telling_keeps_a_deploy_from_ending():
    with portal_with("", SLACK_TOKEN=""), kind_of_steps(succeed):
        assert walk(ask_for(environment("staging"), person("ana"))).state == "succeeded"
    assert told() == []


def test_a_hold_and_its_release_are_told_in_one_thread():
    hold = environments.hold(environment=environment("stable"), reason="Elections tonight", by=person("lee"))
    environments.release(hold=hold, by=person("lee"), reason="They are over")
    environments.release(hold=hold, by=person("lee"))

    assert [event for event, _ in told()] == ["held", "released_from_hold"]
    assert len(set(Message.objects.values_list("topic", flat=True))) == 1
    first = Message.objects.get(event="held").payload
    assert first["title"] == "stable is held"
    assert first["lines"] == ["Elections tonight", "Held by: Lee Lindqvist"]


def test_a_sandboxs_hold_is_told_to_its_owner_unless_it_is_theirs():
    place = environment("ab", owner="ana")
    hold = environments.hold(environment=place, reason="Mine", by=person("ana"))
    assert told() == []
    environments.release(hold=hold, by=SERVICE)


def test_a_hold_that_is_refused_is_not_told():
    with pytest.raises(environments.BadHold):
        environments.hold(environment=environment("stable"), reason=" ", by=person("lee"))
    assert told() == []
