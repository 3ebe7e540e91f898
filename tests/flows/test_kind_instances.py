"""Restart, restage and scale, on a real platform."""

import pytest
from django.core.cache import cache

from opsportal.environments import platform, witnesses
from opsportal.operations import actions, registry
from opsportal.operations.kinds.scale import preview
from tests.support import people
from tests.support.chores import World, ensure_deployed


@pytest.fixture
def ab(world: World) -> World:
    """The sandbox ab runs main."""
    ensure_deployed(world, "ab")
    return world


def web(world: World):
    """The newest web process."""
    return [each for each in world.cf.processes(world.app("ab").guid) if each.type == "web"][-1]


def guids(world: World) -> list[str]:
    """The instances' own guids."""
    return [each.instance_guid for each in world.cf.stats(web(world).guid)]


@pytest.mark.parametrize("strategy", ["rolling", "all_at_once"])
def test_a_restart_starts_every_instance_anew_with_the_same_droplet(ab: World, strategy: str) -> None:
    before, droplet = guids(ab), ab.cf.current_droplet(ab.app("ab").guid).guid
    done = ab.do("restart", "ab", "ana", strategy=strategy)
    assert done.state == "succeeded", done.problem
    assert not set(before) & set(guids(ab))
    assert ab.cf.current_droplet(ab.app("ab").guid).guid == droplet
    assert ab.get("ab").ok


def test_a_stopped_application_is_started_by_a_restart(ab: World) -> None:
    ab.cf.stop_app(ab.app("ab").guid)
    done = ab.do("restart", "ab", "ana")
    assert done.state == "succeeded", done.problem
    assert ab.app("ab").started
    assert ab.get("ab").ok


def test_a_strategy_that_does_not_exist_is_refused(world: World) -> None:
    with pytest.raises(actions.BadParameter, match="all at once"):
        world.ask("restart", "ab", "ana", strategy="canary")


def test_a_restage_makes_a_new_droplet_of_the_same_commit_and_changes_nothing_else(ab: World) -> None:
    app = ab.app("ab").guid
    droplet, variables = ab.cf.current_droplet(app), ab.cf.environment_variables(app)
    done = ab.do("restage", "ab", "ana")
    assert done.state == "succeeded", done.problem
    after = ab.cf.current_droplet(app)
    assert (after.guid != droplet.guid, after.package_guid) == (True, droplet.package_guid)
    assert after.labels["opsportal-commit"] == ab.commit("main")
    assert ab.cf.environment_variables(app) == variables
    row = ab.row("ab")
    assert (row.platform_commit, row.drift, row.health) == (ab.commit("main"), "", "healthy")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"instances": "2"}, (2, 128)),
        ({"memory": "160"}, (1, 160)),
        ({"instances": "2", "memory": "96"}, (2, 96)),
    ],
)
def test_scaling_changes_what_is_given_and_leaves_the_rest(
    ab: World, given: dict[str, str], expected: tuple[int, int]
) -> None:
    ab.cf.scale(web(ab).guid, instances=1, memory_in_mb=128)
    before = guids(ab)
    done = ab.do("scale", "ab", "ana", **given)
    assert done.state == "succeeded", done.problem
    process = web(ab)
    assert (process.instances, process.memory_in_mb) == expected
    stats = ab.cf.stats(process.guid)
    assert [each.state for each in stats] == ["RUNNING"] * expected[0]
    assert {each.memory_quota for each in stats} == {expected[1] * 1024 * 1024}
    started_anew = "memory" in given
    assert bool(set(before) & set(guids(ab))) is not started_anew
    assert any("in all" in line for line in ab.output(done, "scale"))
    assert any("4 GB" in line for line in ab.output(done, "scale")), ab.output(done)
    assert any("manifest" in note for note in done.notes)
    row = ab.row("ab")
    assert (row.instances_wanted, row.memory_mb) == expected
    assert any("4 GB" in line for line in preview(row, {"instances": 3}))


def test_the_page_tells_the_quota_that_a_worker_has_read_while_looking(ab: World) -> None:
    cache.clear()
    row = ab.row("ab")
    assert not any("organization" in line for line in preview(row, {"instances": 3}))
    witnesses.refresh(row, platform.foundation())
    assert any("of its 4 GB" in line for line in preview(row, {"instances": 3}))


def test_the_size_it_has_already_changes_nothing(ab: World) -> None:
    process = web(ab)
    done = ab.do("scale", "ab", "ana", instances=process.instances, memory=process.memory_in_mb)
    assert done.state == "succeeded"
    assert ab.steps(done)["scale"] == ab.steps(done)["restart"] == "skipped"


@pytest.mark.parametrize("refuses", ["portal", "platform"])
def test_a_size_beyond_a_quota_is_refused_and_nothing_changes(ab: World, refuses: str) -> None:
    before = web(ab)
    if refuses == "platform":
        body = '{"errors":[{"code":10008,"title":"CF-UnprocessableEntity","detail":"memory quota_exceeded"}]}'
        ab.knobs(faults=[{"match": "POST /actions/scale$", "status": 422, "body": body}])
    done = ab.do("scale", "ab", "ana", instances=2, memory=60_000 if refuses == "portal" else 256)
    assert (done.state, done.error_id) == ("failed", "platform:too-large"), done.problem
    assert ("quota_exceeded" if refuses == "platform" else "are left") in done.problem
    after = web(ab)
    assert (after.instances, after.memory_in_mb) == (before.instances, before.memory_in_mb)


@pytest.mark.parametrize(
    "given", [{}, {"instances": "-1"}, {"instances": "some"}, {"memory": "1e9"}, {"instances": "101"}]
)
def test_sizes_that_cannot_be_are_refused(world: World, given: dict[str, str]) -> None:
    with pytest.raises(actions.BadParameter):
        world.ask("scale", "ab", "ana", **given)


@pytest.mark.parametrize(
    ("given", "step"), [({"instances": "2"}, "instances"), ({"memory": "192"}, "restart")]
)
def test_scaling_that_is_cancelled_gives_the_size_of_before_back(
    ab: World, given: dict[str, str], step: str
) -> None:
    ab.cf.scale(web(ab).guid, instances=1, memory_in_mb=128)
    ab.knobs(start_seconds=4)
    try:
        asked = ab.ask("scale", "ab", "ana", **given)
        ab.carry_out(asked, until=lambda operation: ab.steps(operation)[step] == "waiting")
        actions.cancel(operation=asked.id, by=people.person("ana"))
        done = ab.carry_out(asked)
    finally:
        ab.knobs(start_seconds=0)
    assert done.state == "cancelled"
    assert ab.steps(done)["size_back"] == "succeeded", ab.steps(done)
    assert (web(ab).instances, web(ab).memory_in_mb) == (1, 128)
    assert ab.get("ab").ok


@pytest.mark.parametrize("kind", ["restart", "restage", "scale"])
def test_on_stable_only_a_lead_may(world: World, kind: str) -> None:
    given = {"instances": "2", "reason": "more people than ever"} if kind == "scale" else {}
    with pytest.raises(actions.Refused) as refused:
        world.ask(kind, "stable", "ana", **given)
    assert "permitted" in {finding.rule for finding in refused.value.findings}
    assert registry.kind(kind) is not None
    assert world.ask(kind, "stable", "lee", **given).state == "running"
