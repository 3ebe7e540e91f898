"""The cloud killed by SIGKILL and started again: nothing stays running, nothing that was answered is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from .runtime_fixtures import CloudProcess, manifest, server_app, until

pytestmark = pytest.mark.kills


@pytest.fixture
def cloud(tmp_path):
    """A cloud that this test may kill."""
    found = CloudProcess(tmp_path / "cloud").start()
    yield found
    found.stop()
    assert not found.leftovers()


def the_space(account):
    """The guid of the space `dev`."""
    return account.get("/v3/spaces?names=dev")["resources"][0]["guid"]


def test_nothing_keeps_running_when_the_cloud_is_killed_and_all_comes_back(cloud):
    admin = cloud.admin()
    app = admin.push(the_space(admin), manifest("back", "back", instances=2), server_app("one"))
    task = admin.post(f"/v3/apps/{app['guid']}/tasks", {"command": "sleep 100 & sleep 100"}, 202)
    until(lambda: admin.get(f"/v3/tasks/{task['guid']}")["state"] == "RUNNING")
    before = admin.lines(app["guid"])
    time.sleep(1)  # lines are written down in batches
    assert cloud.leftovers()
    cloud.kill()
    until(lambda: not cloud.leftovers())

    cloud.start()
    admin = cloud.admin()
    until(lambda: admin.running(app["guid"]))
    assert cloud.visit("back.app.localhost").text.startswith("one")
    ended = admin.get(f"/v3/tasks/{task['guid']}")
    assert ended["state"] == "FAILED"
    assert ended["result"]["failure_reason"]
    assert admin.lines(app["guid"])[: len(before)] == before


def test_a_deployment_goes_on_after_a_restart(cloud):
    admin = cloud.admin()
    app = admin.push(the_space(admin), manifest("going", "going"), server_app("one"))
    droplet = admin.stage(app["guid"], server_app("two"))
    cloud.knobs(start_seconds=2)
    deployment = admin.deploy(app["guid"], droplet)
    cloud.kill()
    cloud.start()
    admin = cloud.admin()
    assert admin.finished(deployment)["reason"] == "DEPLOYED"
    assert cloud.visit("going.app.localhost").text.startswith("two")


def test_a_build_that_was_under_way_fails_and_the_next_one_works(cloud):
    admin = cloud.admin()
    space = the_space(admin)
    admin.apply_manifest(space, manifest("cut"))
    app = admin.app(space, "cut")
    package = admin.package(app["guid"], server_app("one"))
    cloud.knobs(staging_seconds=60)
    build = admin.post("/v3/builds", {"package": {"guid": package["guid"]}}, 201)
    cloud.kill()
    cloud.start()
    cloud.knobs(staging_seconds=0)
    admin = cloud.admin()
    ended = admin.get(f"/v3/builds/{build['guid']}")
    assert (ended["state"], ended["error"].split(" - ")[0]) == ("FAILED", "StagingError")
    assert admin.build(package["guid"])["state"] == "STAGED"
    assert {one["path"] for one in admin.match(server_app("one"))} >= {"server.py"}


def test_processes_of_an_earlier_life_are_ended_even_if_the_watchdog_was_killed_too(cloud):
    admin = cloud.admin()
    app = admin.push(the_space(admin), manifest("stray", "stray"), server_app("one"))
    assert cloud.process is not None
    for pid in _children(cloud.process.pid):
        if "watchdog.py" in _command(pid):
            os.kill(pid, signal.SIGKILL)
    cloud.kill()
    strays = set(cloud.leftovers())
    assert strays
    cloud.start()
    admin = cloud.admin()
    until(lambda: admin.running(app["guid"]))
    assert not strays & set(cloud.leftovers())


def _children(pid):
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(one) for one in found.stdout.split()] or _children_by_proc(pid)


def _children_by_proc(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(one) for one in file.read().split()]


def _command(pid):
    with open(f"/proc/{pid}/cmdline") as file:
        return file.read()


def test_an_orderly_end_ends_the_apps_too(cloud):
    admin = cloud.admin()
    admin.push(the_space(admin), manifest("orderly", "orderly"), server_app("one"))
    cloud.stop()
    assert not cloud.leftovers()


def test_the_interpreter_of_the_apps_is_the_one_of_the_cloud(cloud):
    admin = cloud.admin()
    space = the_space(admin)
    admin.apply_manifest(space, manifest("python"))
    app = admin.app(space, "python")
    droplet = admin.stage(app["guid"], server_app("one"))
    admin.call(
        "PATCH", f"/v3/apps/{app['guid']}/relationships/current_droplet", json={"data": {"guid": droplet}}
    )
    admin.run_task(app["guid"], "python -c 'import sys, django; print(sys.prefix)'", name="where")
    assert ("APP/TASK/where", sys.prefix) in admin.lines(app["guid"])
