"""Retention: of each app the newest bits are kept, older ones expire and cannot be run any more."""

from __future__ import annotations

import pytest

from .runtime_fixtures import CloudProcess, manifest, server_app, until


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory):
    """A cloud that keeps two droplets and one package beside those in use."""
    cloud = CloudProcess(tmp_path_factory.mktemp("retention")).start()
    cloud.knobs(max_staged_droplets=2, max_ready_packages=1)
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def admin(own_cloud):
    return own_cloud.admin()


@pytest.fixture(scope="module")
def app(admin):
    """An app with four revisions."""
    space = admin.get("/v3/spaces?names=dev")["resources"][0]["guid"]
    for version in ("one", "two", "three", "four"):
        found = admin.push(space, manifest("kept"), server_app(version))
    return found


def states(admin, app, what):
    found = admin.get(f"/v3/apps/{app['guid']}/{what}?order_by=created_at")["resources"]
    return [one["state"] for one in found]


def test_the_oldest_droplet_expires_and_the_current_one_never_does(admin, app):
    assert states(admin, app, "droplets") == ["EXPIRED", "STAGED", "STAGED", "STAGED"]
    expired = admin.get(f"/v3/apps/{app['guid']}/droplets?states=EXPIRED")["resources"][0]
    assert expired["checksum"] is None
    assert "download" not in expired["links"]
    admin.call("GET", f"/v3/droplets/{expired['guid']}/download", 422)


def test_packages_expire_but_for_the_one_of_the_current_droplet(admin, app):
    assert states(admin, app, "packages") == ["EXPIRED", "EXPIRED", "READY", "READY"]


def test_a_revision_whose_droplet_expired_is_not_deployable_and_a_rollback_says_so(admin, app):
    found = admin.get(f"/v3/apps/{app['guid']}/revisions?order_by=created_at")["resources"]
    assert [one["deployable"] for one in found] == [False, True, True, True]
    body = {
        "relationships": {"app": {"data": {"guid": app["guid"]}}},
        "revision": {"guid": found[0]["guid"]},
    }
    answer = admin.call("POST", "/v3/deployments", 422, json=body)
    wanted = "Unable to deploy this revision, the droplet for this revision no longer exists."
    assert answer.json()["errors"][0]["detail"] == wanted
    done = admin.finished(admin.deploy(app["guid"], revision={"guid": found[1]["guid"]}))
    assert done["reason"] == "DEPLOYED"


def test_what_is_copied_from_an_expired_droplet_is_refused(admin, app):
    expired = admin.get(f"/v3/apps/{app['guid']}/droplets?states=EXPIRED")["resources"][0]
    body = {"relationships": {"app": {"data": {"guid": app["guid"]}}}}
    admin.call("POST", f"/v3/droplets?source_guid={expired['guid']}", 422, json=body)
    until(lambda: admin.running(app["guid"]))
