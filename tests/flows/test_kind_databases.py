"""Reset and recreate: what destroys data, on a real platform."""

import time

import pytest

from opsportal.operations import actions
from tests.support import people
from tests.support.chores import World, ensure_deployed

pytestmark = pytest.mark.database


@pytest.fixture
def ab(world: World) -> World:
    """The sandbox ab runs main, and somebody has made a record."""
    ensure_deployed(world, "ab")
    world.add_person("ab", "somebody")
    return world


def test_a_reset_flushes_migrates_and_loads_strictly_one_after_the_other(ab: World) -> None:
    done = ab.do("reset_database", "ab", "ana", confirmed="ab")
    assert done.state == "succeeded", done.problem
    assert ab.people_in("ab") == ["fixture"]
    flush, migrate, load = [
        next(task for task in ab.tasks("ab") if task.guid == done.steps.get(name=step).memo["task"])
        for step in ("flush", "migrate", "load")
    ]
    for earlier, later in ((flush, migrate), (migrate, load)):
        assert earlier.updated_at <= later.created_at
    lines = ab.cf.read_logs(ab.app("ab").guid, start_time=int(done.started_at.timestamp() * 1e9))
    spans = {}
    for line in lines:
        kept = spans.setdefault(line.source_type, [line.at_ns, line.at_ns])
        kept[1] = line.at_ns
    times = [spans[f"APP/TASK/{task.name}"] for task in (flush, migrate, load)]
    assert times[0][1] < times[1][0]
    assert times[1][1] < times[2][0]


def test_a_reset_whose_migration_fails_loads_nothing_and_goes_on_from_there(ab: World, settings) -> None:
    settings.MIGRATE_COMMAND = "python -S manage.py exit 4"
    done = ab.do("reset_database", "ab", "ana", confirmed="ab")
    assert (done.state, done.error_id) == ("failed", "platform:task-failed")
    assert ab.steps(done) | {"record": ""} == {
        "check": "succeeded",
        "find": "succeeded",
        "flush": "succeeded",
        "migrate": "failed",
        "load": "pending",
        "record": "",
    } | {name: state for name, state in ab.steps(done).items() if name == "stop_task"}
    assert ab.people_in("ab") == []
    settings.MIGRATE_COMMAND = "python -S manage.py migrate"
    actions.retry(operation=done.id, by=people.person("ana"))
    again = ab.carry_out(done)
    assert again.state == "succeeded"
    assert [step.attempt for step in again.steps.filter(name__in=("flush", "migrate"))] == [1, 2]
    assert ab.people_in("ab") == ["fixture"]


@pytest.mark.parametrize("kind", ["reset_database", "recreate_database"])
@pytest.mark.parametrize("typed", ["", "AB", "cw"])
def test_what_cannot_be_undone_asks_for_the_name(world: World, kind: str, typed: str) -> None:
    with pytest.raises(actions.Refused) as refused:
        world.ask(kind, "ab", "ana", confirmed=typed)
    assert "confirmed" in {finding.rule for finding in refused.value.findings}


def test_a_recreated_database_is_new_bound_migrated_loaded_and_the_only_one(ab: World) -> None:
    (before,) = ab.databases("ab")
    droplet = ab.cf.current_droplet(ab.app("ab").guid)
    ab.knobs(service_seconds=1)
    done = ab.do("recreate_database", "ab", "ana", confirmed="ab")
    assert done.state == "succeeded", (done.problem, ab.steps(done))
    (after,) = ab.databases("ab")
    assert after.guid != before.guid
    assert (after.name, after.plan_guid) == (before.name, before.plan_guid)
    assert after.labels["opsportal-operation"] == str(done.id)
    assert ab.bound("ab") == ["getgov-ab-database", "getgov-credentials"]
    assert ab.people_in("ab") == ["fixture"]
    assert ab.cf.current_droplet(ab.app("ab").guid).guid != droplet.guid
    assert ab.get("ab").json()["commit"] == ab.commit("main")
    assert ab.row("ab").drift == ""


def test_a_database_that_the_platform_could_not_make_is_made_on_retry_and_there_is_one(ab: World) -> None:
    ab.knobs(service_failure="create service_instance")
    done = ab.do("recreate_database", "ab", "ana", confirmed="ab")
    assert (done.state, done.error_id) == ("failed", "service:failed")
    assert [each.last_operation.state for each in ab.databases("ab")] == ["failed"]
    ab.knobs(service_failure="")
    actions.retry(operation=done.id, by=people.person("ana"))
    again = ab.carry_out(done)
    assert again.state == "succeeded", (again.problem, ab.steps(again))
    (only,) = ab.databases("ab")
    assert only.last_operation.state == "succeeded"
    assert ab.people_in("ab") == ["fixture"]


def test_a_database_that_somebody_made_by_hand_meanwhile_is_used_and_that_is_said(ab: World) -> None:
    ab.knobs(service_failure="create service_instance")
    done = ab.do("recreate_database", "ab", "ana", confirmed="ab")
    ab.knobs(service_failure="")
    (failed,) = ab.databases("ab")
    ab.cf.delete_service_instance(failed.guid)
    while ab.databases("ab"):
        time.sleep(0.1)
    ab.cf.create_service_instance(failed.name, ab.space("ab"), str(failed.plan_guid))
    actions.retry(operation=done.id, by=people.person("ana"))
    again = ab.carry_out(done)
    assert again.state == "succeeded", again.problem
    assert len(ab.databases("ab")) == 1
    assert any("by somebody else" in note for note in again.notes)


def test_a_database_that_another_app_uses_too_is_not_deleted(ab: World) -> None:
    ensure_deployed(ab, "cw")
    (database,) = ab.databases("ab")
    ab.cf.share_service_instance(database.guid, ab.space("cw"))
    try:
        done = ab.do("recreate_database", "ab", "ana", confirmed="ab")
        assert (done.state, done.error_id) == ("failed", "database:in-use")
        assert "cw" in done.problem
        assert [each.guid for each in ab.databases("ab")] == [database.guid]
    finally:
        ab.cf.unshare_service_instance(database.guid, ab.space("cw"))


def test_an_app_bound_to_another_spaces_database_is_not_flushed(ab: World) -> None:
    ensure_deployed(ab, "cw")
    (foreign,) = ab.databases("cw")
    ab.cf.share_service_instance(foreign.guid, ab.space("ab"))
    ab.cf.create_binding(ab.app("ab").guid, foreign.guid)
    try:
        while len(ab.bound("ab")) < 3:
            time.sleep(0.1)
        done = ab.do("reset_database", "ab", "ana", confirmed="ab")
        assert (done.state, done.error_id) == ("failed", "guard:foreign-database")
        assert "getgov-cw-database" in done.problem
        assert "somebody" in ab.people_in("ab")
    finally:
        ab.cf.unshare_service_instance(foreign.guid, ab.space("ab"))


@pytest.mark.parametrize("place", ["development", "staging", "stable"])
def test_only_a_sandbox_has_its_database_recreated(world: World, place: str) -> None:
    with pytest.raises(actions.Refused) as refused:
        world.ask("recreate_database", place, "ada", confirmed=place)
    assert {"kind", "permitted"} & {finding.rule for finding in refused.value.findings}


def test_once_it_runs_it_cannot_be_cancelled(ab: World) -> None:
    asked = ab.ask("recreate_database", "ab", "ana", confirmed="ab")
    ab.knobs(service_seconds=2)
    ab.carry_out(asked, until=lambda operation: ab.steps(operation)["create"] == "waiting")
    with pytest.raises(actions.PermissionRefused, match="cannot be stopped safely"):
        actions.cancel(operation=asked.id, by=people.person("ana"))
    assert ab.carry_out(asked).state == "succeeded"
