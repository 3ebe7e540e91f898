"""The client against the local cloud, or a real platform when one is named: from a manifest to a running app."""

import pytest

from opsportal.adapters.cloudfoundry import (
    App,
    Build,
    Deployment,
    Foundation,
    Package,
    Resource,
    Space,
    Unprocessable,
)
from opsportal.kit.http import fetch_json
from tests.support.contract_platform import (
    APP,
    BIG,
    FIRST,
    LABEL,
    NO_GUID,
    SECOND,
    UNKNOWN,
    Platform,
    Pushed,
    archive,
    eventually,
    manifest,
    resources_of,
    running,
    staged,
    upload,
)


def test_the_manifest_made_the_app_as_it_says(platform: Platform, cf: Foundation, pushed: Pushed) -> None:
    app = cf.app(APP, pushed.space.guid)
    assert app is not None
    assert (app.started, app.space_guid, app.buildpacks) == (
        True,
        pushed.space.guid,
        ("staticfile_buildpack",),
    )
    assert app.labels["team"] == "getgov"
    assert app.current_droplet_guid in {one.droplet_guid for one in cf.deployments(app.guid)}
    assert [one.name for one in cf.apps(space_guids=[pushed.space.guid]) if one.name == APP] == [APP]


def test_a_manifest_with_several_faults_is_refused_with_each(
    platform: Platform, cf: Foundation, space: Space
) -> None:
    with pytest.raises(Unprocessable) as error:
        cf.apply_manifest(space.guid, manifest(platform, memory="lots", instances=-1))
    assert len(error.value.problems) >= 2
    assert all(APP in one.detail for one in error.value.problems)


@pytest.mark.parametrize("yaml", ["applications: [", "", "- 1", "a: &x 1\nb: *x"])
def test_what_is_no_manifest_is_refused(cf: Foundation, space: Space, yaml: str) -> None:
    with pytest.raises(Unprocessable):
        cf.apply_manifest(space.guid, yaml)


def test_a_manifest_with_an_unknown_service_fails_in_its_job(
    platform: Platform, cf: Foundation, pushed: Pushed
) -> None:
    ref = cf.apply_manifest(pushed.space.guid, manifest(platform, services=["no-such-service"]))
    job = eventually(lambda: cf.job(ref), lambda one: one.finished)
    assert job.failed
    assert "no-such-service" in job.errors[0].detail


def test_files_that_the_platform_has_are_known(cf: Foundation, pushed: Pushed) -> None:
    big = resources_of({"elsewhere/copy.bin": BIG})[0]
    known = cf.match_resources([big, Resource("unknown", "0" * 40, 70_000), Resource("empty", "0" * 40, 0)])
    assert [(one.sha1, one.size) for one in known] == [(big.sha1, big.size)]


def test_thousands_of_files_are_asked_about_in_portions(cf: Foundation) -> None:
    before = len(cf.recent_requests)
    many = [Resource(f"files/{number}", f"{number:040x}", 70_000) for number in range(5001)]
    assert cf.match_resources(many) == []
    assert [one.status for one in cf.recent_requests[before:]].count(201) == 2 or before == 100


def test_a_package_is_found_by_its_label(cf: Foundation, pushed: Pushed) -> None:
    found = cf.packages(pushed.app.guid, labels={LABEL: "1"}, states=["READY"])
    assert [one.guid for one in found] == [pushed.build.package_guid]
    assert found[0].checksum
    assert cf.packages(pushed.app.guid, labels={LABEL: "no-such"}) == []


def test_a_package_takes_one_upload(cf: Foundation, pushed: Pushed) -> None:
    with pytest.raises(Unprocessable) as error:
        cf.upload_bits(str(pushed.build.package_guid), [], archive(FIRST))
    assert error.value.title == "CF-PackageBitsAlreadyUploaded"
    assert not error.value.maybe_done


def test_a_package_made_of_known_files_alone_is_ready(cf: Foundation, pushed: Pushed) -> None:
    package = cf.create_package(pushed.app.guid, {LABEL: "known"})
    cf.upload_bits(package.guid, resources_of({"big.bin": BIG}), None)

    def look() -> Package:
        listed = package.guid in cf.packages_under_way()
        one = cf.package(package.guid)
        assert one.ready or one.failed or listed, "it goes on, and the list of what is under way did not tell"
        return one

    assert eventually(look, lambda one: one.ready or one.failed).ready
    assert package.guid not in cf.packages_under_way()


def test_a_build_makes_a_droplet_and_is_found_by_its_label(cf: Foundation, pushed: Pushed) -> None:
    assert pushed.build.staged
    assert [one.guid for one in cf.builds(pushed.app.guid, labels={LABEL: "1"})] == [pushed.build.guid]
    droplet = cf.droplet(str(pushed.build.droplet_guid))
    assert (droplet.staged, droplet.app_guid, droplet.package_guid) == (
        True,
        pushed.app.guid,
        pushed.build.package_guid,
    )
    assert droplet.checksum
    assert "web" in droplet.process_types


def test_builds_are_listed_as_under_way_until_they_have_ended(cf: Foundation, pushed: Pushed) -> None:
    build = cf.create_build(upload(cf, pushed.app.guid, FIRST, {LABEL: "3"}).guid, {LABEL: "3"})

    def look() -> Build:
        listed = build.guid in cf.builds_under_way()
        one = cf.build(build.guid)
        assert one.finished or listed, "it goes on, and the list of what is under way did not tell"
        return one

    assert eventually(look, lambda one: one.finished).staged
    assert build.guid not in cf.builds_under_way()


def test_a_package_that_is_not_ready_cannot_be_staged(cf: Foundation, pushed: Pushed) -> None:
    package = cf.create_package(pushed.app.guid, {})
    with pytest.raises(Unprocessable, match="not ready"):
        cf.create_build(package.guid, {})


def test_a_build_of_what_no_buildpack_knows_fails_with_the_reason(cf: Foundation, empty_app: App) -> None:
    package = upload(cf, empty_app.guid, UNKNOWN, {LABEL: "unknown"})
    build = staged(cf, package.guid, "unknown")
    assert (build.failed, build.droplet_guid) == (True, None)
    assert str(build.error).startswith("NoAppDetectedError")


def test_an_app_without_a_droplet_has_none_and_cannot_start(cf: Foundation, empty_app: App) -> None:
    assert (empty_app.started, empty_app.labels[LABEL]) == (False, "empty")
    assert cf.current_droplet(empty_app.guid) is None
    with pytest.raises(Unprocessable, match="droplet"):
        cf.start_app(empty_app.guid)


def test_a_droplet_can_be_labelled_and_unlabelled(cf: Foundation, pushed: Pushed) -> None:
    guid = str(pushed.build.droplet_guid)
    commit = "0123456789abcdef0123456789abcdef01234567"
    cf.label("droplets", guid, labels={"commit": commit, "gone": "x"}, annotations={"by": "a@example.gov"})
    after = cf.label("droplets", guid, labels={"gone": None})
    assert (after.labels["commit"], after.annotations["by"]) == (commit, "a@example.gov")
    assert "gone" not in cf.labels("droplets", guid)


def test_the_first_deployment_starts_the_app(cf: Foundation, pushed: Pushed) -> None:
    assert pushed.deployment.deployed
    assert pushed.deployment.droplet_guid == pushed.build.droplet_guid
    current = cf.current_droplet(pushed.app.guid)
    assert current is not None
    assert current.app_guid == pushed.app.guid
    found = cf.deployments(pushed.app.guid, labels={LABEL: "1"}, status_values=["FINALIZED"])
    assert [one.guid for one in found] == [pushed.deployment.guid]


def test_the_app_answers_at_its_route(cf: Foundation, pushed: Pushed) -> None:
    answer = eventually(lambda: fetch_json(f"{pushed.url}/version.json"), lambda found: found.ok)
    assert answer.data in ({"commit": "first"}, {"commit": "second"})
    [route] = cf.routes(pushed.app.guid)
    assert (route.host, route.path, route.destinations[0].app_guid) == (APP, "", pushed.app.guid)


def test_a_second_deployment_replaces_the_first_without_a_gap(cf: Foundation, pushed: Pushed) -> None:
    eventually(lambda: fetch_json(f"{pushed.url}/version.json"), lambda found: found.ok)
    package = upload(cf, pushed.app.guid, SECOND, {LABEL: "2"})
    build = staged(cf, package.guid, "2")
    before = {one.guid for one in cf.processes(pushed.app.guid)}
    started = cf.create_deployment(
        pushed.app.guid,
        build.droplet_guid,
        labels={LABEL: "2"},
        annotations={"by": "someone"},
        max_in_flight=1,
    )
    gaps = []

    def look() -> Deployment:
        answer = fetch_json(f"{pushed.url}/version.json")
        gaps.extend([] if answer.ok else [answer])
        listed = started.guid in cf.deployments_under_way()
        one = cf.deployment(started.guid)
        assert one.finished or listed, "it goes on, and the list of what is under way did not tell"
        return one

    done = eventually(look, lambda one: one.finished)
    assert done.deployed
    assert started.guid not in cf.deployments_under_way()
    assert gaps == []
    assert done.labels[LABEL] == "2"
    assert {one.guid for one in cf.processes(pushed.app.guid) if one.type == "web"}.isdisjoint(before)
    assert fetch_json(f"{pushed.url}/version.json").data == {"commit": "second"}


def test_a_finished_deployment_cannot_be_cancelled(cf: Foundation, pushed: Pushed) -> None:
    with pytest.raises(Unprocessable, match="Cannot cancel"):
        cf.cancel_deployment(pushed.deployment.guid)


def test_a_deployment_of_nothing_known_is_refused(cf: Foundation, pushed: Pushed) -> None:
    with pytest.raises(Unprocessable):
        cf.create_deployment(pushed.app.guid, NO_GUID)
    with pytest.raises(Unprocessable):
        cf.create_deployment(NO_GUID)


def test_processes_and_their_instances_are_read(cf: Foundation, pushed: Pushed) -> None:
    running(cf, pushed.app.guid)
    [web] = [one for one in cf.processes(pushed.app.guid) if one.type == "web"]
    assert (web.instances, web.memory_in_mb, web.health_check_type) == (1, 64, "http")
    assert cf.process(web.guid).health_check_endpoint == "/version.json"
    [stats] = cf.stats(web.guid)
    assert (stats.index, stats.running, stats.crashed) == (0, True, False)


def test_an_app_is_stopped_and_started_again(cf: Foundation, pushed: Pushed) -> None:
    assert not cf.stop_app(pushed.app.guid).started
    assert cf.start_app(pushed.app.guid).started
    assert cf.restart_app(pushed.app.guid).started
    running(cf, pushed.app.guid)
