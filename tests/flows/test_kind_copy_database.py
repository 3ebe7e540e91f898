"""Stable's data on staging: copied through a share that is always taken back, stable only ever read; a real platform."""

import time

import pytest

from opsportal.environments.models import Environment
from opsportal.operations import actions
from opsportal.operations.steps import copying
from tests.support import people
from tests.support.chores import World, ensure_deployed


@pytest.fixture
def two(world: World) -> World:
    """Stable and staging both run, with different people in their databases."""
    _deploy_stable(world)
    ensure_deployed(world, "staging", "staging-1")
    for name in ("stable", "staging"):
        if f"only on {name}" not in world.people_in(name):
            world.add_person(name, f"only on {name}")
    return world


def _deploy_stable(world: World) -> None:
    """As the release rules will: here by a gate that says yes."""
    from opsportal.accounts.queries import SERVICE
    from opsportal.operations import registry

    registry.register_gate("deploy", "stable", lambda environment, params: [])
    try:
        done = world.do("deploy", "stable", SERVICE.username, ref="v1.0.0", migrate="yes")
    finally:
        registry._gates.pop(("deploy", "stable"))
    assert done.state == "succeeded", (done.problem, world.output(done)[-20:])


def shared(world: World) -> list[str]:
    """The spaces that stable's database is shared into."""
    (database,) = [each for each in world.databases("stable") if "stable" in each.name]
    return world.cf.shared_spaces(database.guid)


def is_clean(world: World) -> None:
    """Nothing of stable's is left with staging, and stable is as it was."""
    assert shared(world) == []
    assert world.bound("staging") == ["getgov-credentials", "getgov-staging-database"]
    assert "only on staging" not in world.people_in("stable")
    assert "only on stable" in world.people_in("stable")


def test_stagings_data_becomes_a_copy_of_stables_which_is_untouched(two: World) -> None:
    before = two.people_in("stable")
    while (
        min(each.uptime or 0 for each in two.cf.stats(two.cf.processes(two.app("staging").guid)[-1].guid)) < 6
    ):
        time.sleep(0.2)
    last = two.requests_since()[-1]["number"]
    done = two.do("copy_database", "staging", "lee", confirmed="staging")
    assert done.state == "succeeded", (done.problem, two.output(done))
    assert set(two.people_in("staging")) == {"fixture", *before}
    assert two.people_in("stable") == before
    is_clean(two)
    assert two.steps(done)["restart"] == "skipped"
    assert "Copied getgov-stable-database to getgov-staging-database" in two.output(done, "clone")
    stable = two.app("stable").guid
    asked = [each for each in two.requests_since(last) if stable in each["path"] and each["method"] != "GET"]
    assert asked == []


def test_a_copy_that_fails_leaves_nothing_shared_and_can_be_retried(two: World, settings) -> None:
    settings.COPY_DATABASE_COMMAND += " fail"
    done = two.do("copy_database", "staging", "lee", confirmed="staging")
    assert (done.state, done.error_id) == ("failed", "platform:task-failed")
    is_clean(two)
    assert two.steps(done)["unshare_again"] == "succeeded"
    settings.COPY_DATABASE_COMMAND = settings.COPY_DATABASE_COMMAND.removesuffix(" fail")
    actions.retry(operation=done.id, by=people.person("lee"))
    again = two.carry_out(done)
    assert again.state == "succeeded", (again.problem, two.steps(again))
    assert "only on stable" in two.people_in("staging")
    is_clean(two)


@pytest.mark.parametrize("step", ["bind", "clone", "unbind"])
def test_a_copy_that_is_cancelled_leaves_nothing_shared(two: World, settings, step: str) -> None:
    settings.COPY_DATABASE_COMMAND = "python -S manage.py sleep 60"
    asked = two.ask("copy_database", "staging", "lee", confirmed="staging")
    if step == "unbind":
        settings.COPY_DATABASE_COMMAND = "true"
    busy = {"clone": lambda: "waiting" in two.output(asked)}.get(step, lambda: True)
    two.carry_out(asked, until=lambda operation: two.steps(operation)[step] not in {"pending"} and busy())
    assert asked.state == "running"
    actions.cancel(operation=asked.id, by=people.person("lee"))
    done = two.carry_out(asked)
    assert done.state == "cancelled"
    is_clean(two)


def test_the_share_is_taken_back_even_when_the_platform_is_away_for_a_while(two: World, settings) -> None:
    settings.COPY_DATABASE_COMMAND += " fail"
    asked = two.ask("copy_database", "staging", "lee", confirmed="staging")
    two.carry_out(asked, until=lambda operation: two.steps(operation)["clone"] == "waiting")
    two.knobs(faults=[{"match": "* shared_spaces", "status": 503, "body": "{}", "times": 12}])
    done = two.carry_out(asked)
    assert done.state == "failed"
    is_clean(two)


def test_an_instance_that_started_meanwhile_is_started_anew_and_never_keeps_stables_address(
    two: World, settings
) -> None:
    settings.COPY_DATABASE_COMMAND = "python -S manage.py sleep 4"
    asked = two.ask("copy_database", "staging", "lee", confirmed="staging")
    two.carry_out(asked, until=lambda operation: "waiting" in two.output(operation))
    two.cf.restart_app(two.app("staging").guid)
    done = two.carry_out(asked)
    assert done.state == "succeeded", (done.problem, two.steps(done))
    assert two.steps(done)["restart"] == "succeeded"
    assert any("started while getgov-stable-database was bound" in line for line in two.output(done))
    is_clean(two)


def test_a_share_that_an_earlier_crash_left_is_not_mistaken_for_stagings_own(two: World) -> None:
    (database,) = [each for each in two.databases("stable") if "stable" in each.name]
    two.cf.share_service_instance(database.guid, two.space("staging"))
    two.cf.create_binding(two.app("staging").guid, database.guid)
    done = two.do("copy_database", "staging", "lee", confirmed="staging")
    assert done.state == "succeeded", (done.problem, two.steps(done))
    assert done.facts["target"]["name"] == "getgov-staging-database"
    is_clean(two)


def test_the_step_refuses_when_the_two_databases_are_mixed_up(
    two: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = copying._source, copying._target
    monkeypatch.setattr(copying, "_source", target)
    monkeypatch.setattr(copying, "_target", source)
    done = two.do("copy_database", "staging", "lee", confirmed="staging")
    assert (done.state, done.error_id) == ("failed", "guard:mismatch")
    assert two.steps(done)["share"] == "pending"
    is_clean(two)


def test_where_sharing_is_switched_off_it_says_who_can_switch_it_on(two: World) -> None:
    body = '{"errors":[{"code":330002,"title":"CF-FeatureDisabled","detail":"service_instance_sharing is disabled"}]}'
    two.knobs(faults=[{"match": "POST shared_spaces", "status": 403, "body": body, "times": None}])
    done = two.do("copy_database", "staging", "lee", confirmed="staging")
    assert (done.state, done.error_id) == ("failed", "copy:no-sharing")
    assert "service_instance_sharing" in done.remedy


@pytest.mark.parametrize("place", ["ab", "development", "stable"])
def test_only_staging_takes_stables_data(world: World, place: str) -> None:
    with pytest.raises(actions.Refused):
        world.ask("copy_database", place, "lee", confirmed=place)


@pytest.mark.parametrize("by", ["ana", "pam", "dee"])
def test_only_a_lead_or_admin_may(world: World, by: str) -> None:
    with pytest.raises(actions.Refused, match="Only"):
        world.ask("copy_database", "staging", by, confirmed="staging")
    assert Environment.objects.get(name="staging").operations.count() == 0
