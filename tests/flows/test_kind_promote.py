"""The very droplet of one environment on another, on a real platform."""

import time
from collections.abc import Iterator

import pytest

from opsportal.accounts.queries import SERVICE
from opsportal.adapters.cloudfoundry import Foundation
from opsportal.environments.models import Environment
from opsportal.operations import actions, registry
from opsportal.operations.kinds.promote import sources
from opsportal.operations.rules import Finding
from tests.support.chores import World, ensure_deployed

NO = '{"errors":[{"code":10003,"title":"CF-NotAuthorized","detail":"You are not authorized"}]}'


@pytest.fixture
def ab(world: World) -> World:
    """The sandbox ab runs next; cw runs main."""
    ensure_deployed(world, "ab", "next")
    ensure_deployed(world, "cw", "main")
    return world


@pytest.fixture
def open_gate() -> Iterator[None]:
    """The release rules allow it."""
    registry.register_gate(
        "promote", "stable", lambda environment, params: [Finding("release", True, "It may.")]
    )
    yield
    registry._gates.pop(("promote", "stable"))


def checksum(world: World, name: str) -> str:
    """The checksum of the droplet that runs."""
    droplet = world.cf.current_droplet(world.app(name).guid)
    assert droplet is not None
    return str(droplet.checksum)


def test_a_promotion_builds_nothing_and_runs_the_same_bits_under_the_targets_own_manifest(ab: World) -> None:
    builds = len(ab.cf.builds(ab.app("cw").guid))
    done = ab.do("promote", "cw", "ana", from_="ab")
    assert done.state == "succeeded", (done.problem, ab.output(done))
    assert checksum(ab, "cw") == checksum(ab, "ab") == done.facts["checksum"]
    assert len(ab.cf.builds(ab.app("cw").guid)) == builds
    assert ab.get("cw", "/").text == "Hello from next"
    assert ab.get("cw").json() == {"commit": ab.commit("next"), "branch": "next", "tag": ""}
    assert ab.bound("cw") == ["getgov-credentials", "getgov-cw-database"]
    row = ab.row("cw")
    assert (row.deployed_commit, row.deployed_ref, row.drift) == (ab.commit("next"), "next", "")
    assert ab.output(done, "copy").count(f"sha256 on ab: {done.facts['checksum']}") == 1
    assert any("equal checksums" in note for note in done.notes)
    assert ab.steps(done)["migrate"] == "skipped"


def test_where_the_platform_may_not_copy_it_is_downloaded_and_uploaded_and_still_the_same(ab: World) -> None:
    ab.knobs(faults=[{"match": "POST source_guid", "status": 403, "body": NO, "times": 1}])
    done = ab.do("promote", "cw", "ana", from_="ab", migrate="yes")
    assert done.state == "succeeded", (done.problem, ab.output(done))
    assert checksum(ab, "cw") == checksum(ab, "ab")
    assert any("downloaded" in line for line in ab.output(done, "copy"))
    assert ab.get("cw", "/").text == "Hello from next"
    assert ab.steps(done)["migrate"] == "succeeded"


def test_other_bits_than_the_sources_are_never_rolled_out(ab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ab.cf.current_droplet(ab.app("cw").guid)
    real = Foundation.download_droplet
    monkeypatch.setattr(
        Foundation, "download_droplet", lambda cf, guid, target, **more: real(cf, other.guid, target, **more)
    )
    ab.knobs(faults=[{"match": "POST source_guid", "status": 403, "body": NO, "times": 1}])
    done = ab.do("promote", "cw", "ana", from_="ab")
    assert (done.state, done.error_id) == ("failed", "promote:checksum")
    assert ab.get("cw", "/").text == "Hello from main"
    assert ab.steps(done)["manifest"] == "pending"


def test_a_droplet_larger_than_what_may_be_downloaded_is_refused(ab: World, settings) -> None:
    settings.DROPLET_MB = 0
    ab.knobs(faults=[{"match": "POST source_guid", "status": 403, "body": NO, "times": 1}])
    done = ab.do("promote", "cw", "ana", from_="ab")
    assert done.state == "failed"
    assert "larger than" in done.problem


def test_a_source_that_drifted_is_refused_with_the_reason(ab: World) -> None:
    Environment.objects.filter(name="ab").update(drift="Git and the platform disagree.")
    with pytest.raises(actions.BadParameter, match="disagree"):
        ab.ask("promote", "cw", "ana", from_="ab")
    assert sources(ab.row("cw")) == []


@pytest.mark.parametrize("way", ["droplet", "label"])
def test_a_source_that_changes_after_the_click_is_refused_by_the_step(ab: World, way: str) -> None:
    asked = ab.ask("promote", "cw", "ana", from_="ab")
    if way == "droplet":
        ab.do("restage", "ab", "ana")
    else:
        droplet = ab.cf.current_droplet(ab.app("ab").guid)
        ab.cf.label("droplets", droplet.guid, labels={"opsportal-commit": "f" * 40})
    done = ab.carry_out(asked)
    assert (done.state, done.error_id) == ("failed", "promote:drift")
    assert "ab" in done.problem
    assert ab.get("cw", "/").text == "Hello from main"


@pytest.mark.parametrize(
    ("target", "source"), [("cw", "staging"), ("cw", "cw"), ("cw", "nowhere"), ("cw", ""), ("stable", "ab")]
)
def test_only_from_where_the_product_says(ab: World, target: str, source: str) -> None:
    with pytest.raises(actions.BadParameter):
        ab.ask("promote", target, SERVICE.username, from_=source, tag="v1.0.0")


@pytest.mark.parametrize("target", ["development", "staging"])
def test_development_and_staging_are_never_promoted_to(ab: World, target: str) -> None:
    with pytest.raises((actions.Refused, actions.BadParameter)):
        ab.ask("promote", target, SERVICE.username, from_="ab")


def test_stable_takes_staging_only_as_a_release_through_its_gate(world: World, open_gate: None) -> None:
    ensure_deployed(world, "staging", "staging-1")
    for given in ({"tag": ""}, {"tag": "v9.9.9"}):
        with pytest.raises(actions.BadParameter):
            world.ask("promote", "stable", SERVICE.username, from_="staging", **given)
    with pytest.raises(actions.Refused, match="Only"):
        world.ask("promote", "stable", "lee", from_="staging", tag="v1.0.0")
    done = world.do("promote", "stable", SERVICE.username, from_="staging", tag="v1.0.0")
    assert done.state == "succeeded", (done.problem, world.output(done))
    assert checksum(world, "stable") == checksum(world, "staging")
    assert world.steps(done)["migrate"] == "succeeded"
    assert world.row("stable").deployed_ref == "v1.0.0"


def test_without_its_gate_nothing_is_promoted_to_stable(world: World) -> None:
    ensure_deployed(world, "staging", "staging-1")
    with pytest.raises(actions.Refused) as refused:
        world.ask("promote", "stable", SERVICE.username, from_="staging", tag="v1.0.0")
    assert {finding.rule for finding in refused.value.findings} == {"gate"}


def test_a_sandbox_where_nothing_ever_ran_can_be_promoted_to(world: World) -> None:
    ensure_deployed(world, "ab", "main")
    app = world.cf.app("getgov-cw", world.space("cw"))
    if app is not None:
        world.cf._request("DELETE", f"/v3/apps/{app.guid}")
        while world.cf.app("getgov-cw", world.space("cw")):
            time.sleep(0.1)
    done = world.do("promote", "cw", "ana", from_="ab", migrate="yes")
    assert done.state == "succeeded", (done.problem, world.output(done))
    assert world.get("cw").json()["commit"] == world.commit("main")


def test_what_was_promoted_cannot_be_staged_here_and_no_older_source_comes_back(ab: World) -> None:
    assert ab.do("promote", "cw", "ana", from_="ab").state == "succeeded"

    again = ab.do("restage", "cw", "ana")

    assert again.state == "failed"
    assert again.error_id == "platform:no-package"
    assert ab.get("cw", "/").text == "Hello from next"


def test_the_database_below_what_was_promoted_can_be_recreated(ab: World) -> None:
    assert ab.do("promote", "cw", "ana", from_="ab").state == "succeeded"

    done = ab.do("recreate_database", "cw", "ana", confirmed="cw")

    assert done.state == "succeeded", (done.problem, ab.output(done))
    assert ab.steps(done)["stage"] == "skipped"
    assert ab.get("cw", "/").text == "Hello from next"
