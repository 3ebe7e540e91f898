"""What is told of instances: at once after a change, while they get well or never do, and when they run out of memory."""

from __future__ import annotations

import pytest

from .runtime_fixtures import admin, manifest, own_cloud, server_app, space, until

__all__ = ["admin", "own_cloud", "space"]


@pytest.fixture(scope="module")
def app(admin, space):
    """An app of two instances."""
    return admin.push(space, manifest("instances", instances=2), server_app("one"))


def states(admin, app):
    return [one["state"] for one in admin.stats(app["guid"])]


def test_what_ran_before_a_restart_is_not_told_after_it(app, admin):
    """The client looks right after a restart: an instance that is on its way out would look like a start that worked."""
    for action in ("restart", "stop", "start"):
        before = {one.get("instance_guid") for one in admin.stats(app["guid"])} - {None}
        admin.post(f"/v3/apps/{app['guid']}/actions/{action}", {}, 200)
        after = admin.stats(app["guid"])
        assert not before & {one.get("instance_guid") for one in after}, action
        assert len(after) == 2
        if action == "stop":
            assert [one["state"] for one in after] == ["DOWN", "DOWN"]
    until(lambda: states(admin, app) == ["RUNNING", "RUNNING"])


def test_processes_come_with_their_instances_when_asked(app, admin):
    until(lambda: states(admin, app) == ["RUNNING", "RUNNING"])
    (web,) = admin.get(f"/v3/apps/{app['guid']}/processes?types=web&embed=process_instances")["resources"]
    assert [(one["index"], one["state"]) for one in web["process_instances"]] == [
        (0, "RUNNING"),
        (1, "RUNNING"),
    ]
    (web,) = admin.get(f"/v3/processes?app_guids={app['guid']}&types=web")["resources"]
    assert "process_instances" not in web
    answer = admin.call("GET", f"/v3/processes?app_guids={app['guid']}&embed=nothing", 400)
    assert answer.json()["errors"][0]["title"] == "CF-BadQueryParameter"


def test_an_instance_beyond_its_memory_crashes_with_that_reason(admin, space):
    files = {**server_app("one"), "Procfile": b"web: exec python greedy.py\n"}
    files["greedy.py"] = b"import time\nheld = bytearray(200_000_000)\ntime.sleep(600)\n"
    settings = {"name": "greedy", "memory": "64M", "health-check-type": "process"}
    admin.apply_manifest(space, {"applications": [settings]})
    found = admin.app(space, "greedy")
    admin.deploy(found["guid"], admin.stage(found["guid"], files))
    (one,) = until(lambda: [one for one in admin.stats(found["guid"]) if one["state"] == "CRASHED"])
    assert one["details"] == "APP/PROC/WEB: Exited with status 137 (out of memory)"
    path = f"/v3/audit_events?target_guids={found['guid']}&types=audit.app.process.crash"
    event = until(lambda: admin.get(path)["resources"])[0]
    assert event["data"]["exit_status"] == 137
    assert event["data"]["exit_description"] == one["details"]
    admin.call("DELETE", f"/v3/apps/{found['guid']}", 202)


def test_an_instance_that_never_gets_well_says_what_its_check_said(admin, space):
    admin.apply_manifest(space, manifest("unwell", timeout=1))
    found = admin.app(space, "unwell")
    admin.deploy(found["guid"], admin.stage(found["guid"], server_app("one", well=False)))
    wanted = ("CELL", "Timed out after 1s: health check never passed.")
    until(lambda: wanted in admin.lines(found["guid"]))
    health = [text for source, text in admin.lines(found["guid"]) if source == "HEALTH"]
    assert "received status code 500" in health[0]
    admin.call("DELETE", f"/v3/apps/{found['guid']}", 202)


def test_an_instance_that_becomes_ready_is_told_in_the_events(admin, space):
    checks = {"readiness-health-check-type": "http", "readiness-health-check-http-endpoint": "/"}
    found = admin.push(space, manifest("ready", **checks), server_app("one"))
    path = f"/v3/audit_events?target_guids={found['guid']}&types=audit.app.process.ready"
    event = until(lambda: admin.get(path)["resources"])[0]
    assert event["actor"]["type"] == "process"
    assert event["data"]["index"] == 0
    admin.call("DELETE", f"/v3/apps/{found['guid']}", 202)


def test_the_root_names_an_ssh_address_of_the_documented_form(admin):
    link = admin.get("/")["links"]["app_ssh"]
    assert link["href"].count(":") == 1
    assert len(link["meta"]["host_key_fingerprint"]) == 43
