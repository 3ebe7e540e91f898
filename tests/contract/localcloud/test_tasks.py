"""Tasks: true exit status, what they print, cancelling, and what is refused."""

from __future__ import annotations

import pytest

from .runtime_fixtures import admin, manifest, own_cloud, server_app, space, until

__all__ = ["admin", "own_cloud", "space"]


@pytest.fixture(scope="module")
def app(admin, space):
    """A stopped app with a droplet: tasks need no more."""
    admin.apply_manifest(space, manifest("tasks", env={"GREETING": "hello"}))
    found = admin.app(space, "tasks")
    droplet = admin.stage(found["guid"], server_app("one"))
    path = f"/v3/apps/{found['guid']}/relationships/current_droplet"
    admin.call("PATCH", path, json={"data": {"guid": droplet}})
    return found


@pytest.mark.parametrize(
    ("command", "state", "reason"),
    [
        ("true", "SUCCEEDED", None),
        ("exit 3", "FAILED", "APP/TASK/status: Exited with status 3"),
        ("kill -9 $$", "FAILED", "APP/TASK/status: Exited with status 137"),
        ("kill -SEGV $$", "FAILED", "APP/TASK/status: Exited with status 139"),
        ("no-such-program", "FAILED", "APP/TASK/status: Exited with status 127"),
    ],
)
def test_the_exit_status_of_a_task_is_told(app, admin, command, state, reason):
    task = admin.run_task(app["guid"], command, name="status")
    assert (task["state"], task["result"]["failure_reason"]) == (state, reason)


GREEDY = "python -c 'import time; held = bytearray(200_000_000); time.sleep(60)'"


def test_a_task_that_takes_more_memory_than_it_has_is_ended_and_told_so(app, admin):
    task = admin.run_task(app["guid"], GREEDY, name="greedy", memory_in_mb=64)
    reason = "APP/TASK/greedy: Exited with status 137 (out of memory)"
    assert (task["state"], task["result"]["failure_reason"]) == ("FAILED", reason)
    assert until(lambda: _with(admin, app, "APP/TASK/greedy", "Exit status 137 (out of memory)"))


def test_what_the_children_of_a_task_take_counts_too(app, admin):
    task = admin.run_task(app["guid"], f"sleep 60 & {GREEDY} & wait", name="family", memory_in_mb=64)
    assert task["result"]["failure_reason"].endswith("Exited with status 137 (out of memory)")


def test_a_task_with_enough_memory_keeps_it(app, admin):
    command = "python -c 'import time; held = bytearray(200_000_000); time.sleep(1)'"
    assert admin.run_task(app["guid"], command, memory_in_mb=512)["state"] == "SUCCEEDED"


def test_a_task_runs_in_its_droplet_with_the_apps_environment_and_its_lines_are_kept(app, admin):
    task = admin.run_task(app["guid"], 'echo "$GREETING"; ls; echo bad >&2; exit 2', name="lines")
    told = until(lambda: _with(admin, app, "APP/TASK/lines", "Exit status 2"))
    assert {"hello", "server.py", "bad"} <= set(told)
    assert task["sequence_id"] >= 1


def _with(admin, app, kind, text):
    found = [line for source, line in admin.lines(app["guid"]) if source == kind]
    return found if text in found else None


def test_a_hundred_thousand_lines_are_kept_in_order(app, admin):
    admin.run_task(app["guid"], "seq 100000", name="many")
    told = until(lambda: _with(admin, app, "APP/TASK/many", "Exit status 0"))
    assert told[-4:] == ["99998", "99999", "100000", "Exit status 0"]
    count = int(admin.get("/api/v1/meta")["meta"][app["guid"]]["count"])
    assert count >= 100_000


@pytest.mark.parametrize(("method", "path"), [("POST", "actions/cancel"), ("PUT", "cancel")])
def test_a_running_task_can_be_cancelled(app, admin, method, path):
    made = admin.post(f"/v3/apps/{app['guid']}/tasks", {"command": "sleep 60"}, 202)
    until(lambda: admin.get(f"/v3/tasks/{made['guid']}")["state"] == "RUNNING")
    assert admin.call(method, f"/v3/tasks/{made['guid']}/{path}", 202).json()["state"] == "CANCELING"
    ended = admin.ended_task(made["guid"])
    assert (ended["state"], ended["result"]["failure_reason"]) == ("FAILED", "task was cancelled")
    refused = admin.call(method, f"/v3/tasks/{made['guid']}/{path}", 422)
    assert refused.json()["errors"][0]["detail"] == "Task state is FAILED and therefore cannot be canceled"


def test_lists_do_not_show_commands_of_all_tasks(app, admin):
    admin.run_task(app["guid"], "true", name="listed")
    assert all("command" not in one for one in admin.get("/v3/tasks?names=listed")["resources"])
    found = admin.get(f"/v3/apps/{app['guid']}/tasks?names=listed")["resources"][0]
    by_number = admin.get(f"/v3/apps/{app['guid']}/tasks?sequence_ids={found['sequence_id']}")["resources"]
    assert [one["guid"] for one in by_number] == [found["guid"]]


def test_a_task_can_take_its_command_from_a_process(app, admin):
    process = admin.get(f"/v3/apps/{app['guid']}/processes/web")
    body = {"template": {"process": {"guid": process["guid"]}}, "command": "true"}
    task = admin.post(f"/v3/apps/{app['guid']}/tasks", body, 202)
    assert task["memory_in_mb"] == process["memory_in_mb"]
    assert len(task["name"]) == 8


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "Command can't be blank"),
        ({"command": "x" * 4097}, "Command is too long"),
        ({"command": "true", "speed": 1}, "Unknown field(s): 'speed'"),
        ({"command": "true", "memory_in_mb": 0}, "Memory in mb must be greater than or equal to 1"),
        ({"command": "true", "droplet_guid": "none"}, "Task must have a droplet."),
    ],
)
def test_a_bad_task_is_refused_with_the_reason(app, admin, body, detail):
    answer = admin.call("POST", f"/v3/apps/{app['guid']}/tasks", 422, json=body)
    assert detail in answer.json()["errors"][0]["detail"]


def test_an_app_without_a_droplet_runs_no_task(admin, space):
    admin.apply_manifest(space, manifest("bare"))
    answer = admin.call(
        "POST", f"/v3/apps/{admin.app(space, 'bare')['guid']}/tasks", 422, json={"command": "true"}
    )
    expected = "Task must have a droplet. Specify droplet or assign current droplet to app."
    assert answer.json()["errors"][0]["detail"] == expected
