"""Back to an earlier version without a build, on a real platform."""

import time

import pytest

from opsportal.environments import holds, platform
from opsportal.environments.mirror import answer
from opsportal.environments.models import Comparison, Environment
from opsportal.operations import actions, going_back, registry
from tests.support import people
from tests.support.chores import World, ensure_deployed


@pytest.fixture
def ab(world: World) -> World:
    """The sandbox ab ran main and runs next, which has one more migration."""
    ensure_deployed(world, "ab", "main")
    ensure_deployed(world, "ab", "next")
    return world


def version_of(world: World, ref: str) -> dict[str, object]:
    """The newest version of a ref that the row lists."""
    return next(each for each in world.row("ab").versions if each["ref"] == ref)


def test_the_row_lists_what_ran_before_with_who_and_which_commit(ab: World) -> None:
    before = version_of(ab, "main")
    assert (before["commit"], before["by"], before["deployable"]) == (ab.commit("main"), "Ada Adeyemi", True)
    assert str(before["number"]) == going_back.newest(ab.row("ab"))
    assert ab.cf.current_droplet(ab.app("ab").guid).guid not in {
        each["droplet"] for each in ab.row("ab").versions
    }


def test_a_roll_back_builds_nothing_serves_the_earlier_commit_and_holds_the_environment(ab: World) -> None:
    app, version = ab.app("ab").guid, version_of(ab, "main")
    ab.cf.set_environment_variables(app, {"ROTATED": "since then"})
    builds = len(ab.cf.builds(app))
    assert ab.get("ab", "/").text == "Hello from next"
    done = ab.do("roll_back", "ab", "ana", version=version["number"])
    assert done.state == "succeeded", (done.problem, ab.output(done))
    assert ab.get("ab", "/").text == "Hello from main"
    assert ab.get("ab").json() == {"commit": ab.commit("main"), "branch": "main", "tag": ""}
    assert len(ab.cf.builds(app)) == builds
    assert ab.cf.current_droplet(app).guid == version["droplet"]
    assert ab.cf.environment_variables(app)["ROTATED"] == "since then"
    row = ab.row("ab")
    assert (row.deployed_commit, row.drift) == (ab.commit("main"), "")
    held = holds.active(row)
    assert held is not None
    assert (held.origin, held.ends_at) == ("roll_back", None)
    assert f"from {ab.commit('next')[:8]} to {ab.commit('main')[:8]} by Ana" in held.reason
    ab.cf.set_environment_variables(app, {"ROTATED": None})


def test_it_says_which_migrations_lie_between_and_what_is_not_put_back(ab: World) -> None:
    app, version = ab.app("ab").guid, version_of(ab, "main")
    ab.cf.set_environment_variables(app, {"LATER": "new"})
    done = ab.do("roll_back", "ab", "ana", version=version["number"])
    said = ab.output(done, "find")
    for lines in (said, done.notes):
        assert any("1 migration lies between" in line and "0002_more.py" in line for line in lines)
        assert any("Not put back" in line and "LATER" in line for line in lines)
    assert any("Data: records" in line for line in said)
    assert "new" not in " ".join(said).split()
    ab.cf.set_environment_variables(app, {"LATER": None})


def test_the_page_can_say_beforehand_what_will_not_come_back(ab: World) -> None:
    row = ab.row("ab")
    kind = registry.kind("roll_back")
    assert kind is not None
    params = kind.clean(row, {"version": going_back.newest(row)})
    params["commit"] = ab.commit("main")
    assert any("being looked up" in each for each in kind.preview(row, params))
    assert not kind.loses(row, params)
    answer(Comparison.objects.get(base=ab.commit("main"), head=ab.commit("next")), platform.repository())
    said = kind.loses(row, params)
    assert any("1 migration lies between and will not be undone: 0002_more.py" in each for each in said)
    assert len(said) == 1
    assert any("held afterwards" in each for each in kind.preview(row, params))


def test_a_version_that_the_platform_has_removed_is_refused_and_those_still_there_are_named(
    ab: World,
) -> None:
    version = version_of(ab, "main")
    asked = ab.ask("roll_back", "ab", "ana", version=version["number"])
    ab.cf._request("DELETE", f"/v3/droplets/{version['droplet']}")
    while version["droplet"] in {each.guid for each in ab.cf.droplets(ab.app("ab").guid)}:
        time.sleep(0.1)
    done = ab.carry_out(asked)
    assert (done.state, done.error_id) == ("failed", "roll-back:expired")
    assert "still there" in done.remedy or "No earlier version" in done.remedy
    assert ab.commit("main")[:8] in done.remedy
    assert ab.get("ab", "/").text == "Hello from next"
    assert holds.active(ab.row("ab")) is None
    Environment.objects.filter(name="ab").update(versions=ab.row("ab").versions)
    listed = next((each for each in ab.row("ab").versions if each["droplet"] == version["droplet"]), None)
    assert listed is None or listed["deployable"] is False
    with pytest.raises(actions.BadParameter, match="removed"):
        ab.ask("roll_back", "ab", "ana", version=version["number"])


@pytest.mark.parametrize("version", ["", "999", "main"])
def test_a_version_that_does_not_exist_is_refused(ab: World, version: str) -> None:
    with pytest.raises(actions.BadParameter):
        ab.ask("roll_back", "ab", "ana", version=version)


def test_a_version_that_never_served_well_is_not_on_offer(ab: World) -> None:
    ab.knobs(faults=[{"match": "POST ^/v3/deployments$", "status": 422, "times": 1, "body": "{}"}])
    failed = ab.do("deploy", "ab", "ana", ref="main")
    assert failed.state == "failed"
    droplet = failed.facts["droplet"]
    ab.do("restage", "ab", "ana")
    assert droplet not in {each["droplet"] for each in ab.row("ab").versions}


def test_a_roll_back_that_is_cancelled_leaves_what_ran_and_holds_nothing(ab: World) -> None:
    asked = ab.ask("roll_back", "ab", "ana", version=version_of(ab, "main")["number"])
    ab.knobs(start_seconds=3)
    try:
        ab.carry_out(asked, until=lambda operation: ab.steps(operation)["rollout"] == "waiting")
        actions.cancel(operation=asked.id, by=people.person("ana"))
        done = ab.carry_out(asked)
    finally:
        ab.knobs(start_seconds=0)
    assert done.state == "cancelled"
    assert ab.get("ab").json()["commit"] == ab.commit("next")
    assert ab.cf.environment_variables(ab.app("ab").guid)["GIT_COMMIT_SHA"] == ab.commit("next")
    assert holds.active(ab.row("ab")) is None


def test_once_the_earlier_version_serves_it_is_held_even_if_the_rest_is_cancelled(ab: World) -> None:
    asked = ab.ask("roll_back", "ab", "ana", version=version_of(ab, "main")["number"])
    ab.knobs(faults=[{"match": "GET /routes", "status": 503, "times": None, "body": "{}"}])
    ab.carry_out(asked, until=lambda operation: ab.steps(operation)["verify"] == "waiting")
    actions.cancel(operation=asked.id, by=people.person("ana"))
    done = ab.carry_out(asked)
    ab.knobs(faults=[])
    assert done.state == "cancelled"
    assert ab.get("ab", "/").text == "Hello from main"
    assert holds.active(ab.row("ab")) is not None


def test_on_stable_it_takes_a_lead_and_a_reason(ab: World) -> None:
    Environment.objects.filter(name="stable").update(versions=ab.row("ab").versions)
    number = going_back.newest(ab.row("stable"))
    for by, reason in (("ana", "broken"), ("lee", "")):
        with pytest.raises(actions.Refused):
            ab.ask("roll_back", "stable", by, version=number, reason=reason)
    assert ab.ask("roll_back", "stable", "lee", version=number, reason="broken").state == "running"
