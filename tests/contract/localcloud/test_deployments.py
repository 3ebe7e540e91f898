"""Rolling and canary deployments: nobody is turned away, a bad version never takes over, cancelling goes back."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
import requests

from .runtime_fixtures import (
    Account,
    CloudProcess,
    admin,
    manifest,
    own_cloud,
    server_app,
    space,
    until,
)

__all__ = ["admin", "own_cloud", "space"]


class Hammer:
    """A client that asks again and again until told to stop; what it saw is counted."""

    def __init__(self, cloud: CloudProcess, host: str, path: str = "/") -> None:
        self.seen: Counter[str] = Counter()
        self._stop = threading.Event()
        self._about = (cloud, host, path)
        self._threads = [threading.Thread(target=self._run) for _ in range(3)]

    def __enter__(self) -> Hammer:
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for one in self._threads:
            one.join()

    def _run(self) -> None:
        cloud, host, path = self._about
        session = requests.Session()
        while not self._stop.is_set():
            answer = session.get(cloud.url + path, headers={"Host": host}, timeout=30)
            self.seen[answer.text[:3] if answer.ok else f"{answer.status_code} {answer.text}"] += 1
            time.sleep(0.005)


@pytest.fixture
def app(admin, space, request):
    """An app of two instances, running version one."""
    name = f"app-{abs(hash(request.node.name)) % 10**9}"
    found = admin.push(space, manifest(name, name, instances=2), server_app("one"))
    return {**found, "host": f"{name}.app.localhost"}


def test_a_rolling_deployment_loses_no_request(app, admin, own_cloud):
    droplet = admin.stage(app["guid"], server_app("two"))
    with Hammer(own_cloud, app["host"]) as quick, Hammer(own_cloud, app["host"], "/slow") as slow:
        until(lambda: quick.seen["one"] > 20)
        status = admin.finished(admin.deploy(app["guid"], droplet))
        until(lambda: quick.seen["two"] > 20)
    assert status["reason"] == "DEPLOYED"
    assert set(quick.seen) | set(slow.seen) == {"one", "two"}


def test_the_old_version_serves_until_the_new_one_is_well(app, admin, own_cloud):
    own_cloud.knobs(start_seconds=1)
    try:
        droplet = admin.stage(app["guid"], server_app("two"))
        deployment = admin.deploy(app["guid"], droplet)
        assert (deployment["status"]["value"], deployment["status"]["reason"]) == ("ACTIVE", "DEPLOYING")
        assert "cancel" in deployment["links"]
        web = admin.get(f"/v3/apps/{app['guid']}/processes?types=web")["resources"]
        assert [one["instances"] for one in web] == [2, 1]
        assert deployment["new_processes"] == [{"guid": web[1]["guid"], "type": "web"}]
        assert own_cloud.visit(app["host"]).text.startswith("one")
        assert admin.finished(deployment)["reason"] == "DEPLOYED"
    finally:
        own_cloud.knobs(start_seconds=0)
    web = admin.get(f"/v3/apps/{app['guid']}/processes?types=web")["resources"]
    assert [(one["guid"], one["instances"]) for one in web] == [(deployment["new_processes"][0]["guid"], 2)]
    assert own_cloud.visit(app["host"]).text.startswith("two")


def test_a_version_that_is_never_well_never_takes_over_and_can_be_cancelled(app, admin, own_cloud):
    before = admin.get(f"/v3/apps/{app['guid']}/droplets/current")["guid"]
    bad = admin.stage(app["guid"], server_app("bad", well=False))
    admin.call("PATCH", f"/v3/apps/{app['guid']}/environment_variables", json={"var": {"ADDED": "stays"}})
    deployment = admin.deploy(app["guid"], bad)
    until(lambda: ("APP/PROC/WEB", "serving bad") in admin.lines(app["guid"]))
    assert admin.get(f"/v3/deployments/{deployment['guid']}")["status"]["reason"] == "DEPLOYING"
    assert admin.get(f"/v3/apps/{app['guid']}/droplets/current")["guid"] == bad
    assert own_cloud.visit(app["host"]).text.startswith("one")
    answer = admin.call("POST", f"/v3/deployments/{deployment['guid']}/actions/cancel", 200)
    assert answer.content == b""
    assert admin.get(f"/v3/apps/{app['guid']}/droplets/current")["guid"] == before
    assert admin.finished(deployment)["reason"] == "CANCELED"
    assert len(admin.get(f"/v3/apps/{app['guid']}/processes?types=web")["resources"]) == 1
    assert admin.get(f"/v3/apps/{app['guid']}/environment_variables")["var"]["ADDED"] == "stays"
    assert own_cloud.visit(app["host"]).text.startswith("one")


def test_a_finished_deployment_cannot_be_cancelled(app, admin):
    deployment = admin.deploy(app["guid"])
    admin.finished(deployment)
    answer = admin.call("POST", f"/v3/deployments/{deployment['guid']}/actions/cancel", 422)
    expected = "Cannot cancel a deployment with status: FINALIZED and reason: DEPLOYED"
    assert answer.json()["errors"][0]["detail"] == expected


def test_a_newer_deployment_supersedes_the_one_under_way(app, admin, own_cloud):
    stuck = admin.deploy(app["guid"], admin.stage(app["guid"], server_app("bad", well=False)))
    second = admin.deploy(app["guid"], admin.stage(app["guid"], server_app("two")))
    assert admin.finished(stuck)["reason"] == "SUPERSEDED"
    assert admin.finished(second)["reason"] == "DEPLOYED"
    assert own_cloud.visit(app["host"]).text.startswith("two")
    assert len(admin.get(f"/v3/apps/{app['guid']}/processes?types=web")["resources"]) == 1


def test_several_instances_at_a_time_when_asked(app, admin, own_cloud):
    own_cloud.knobs(start_seconds=1)
    try:
        deployment = admin.deploy(app["guid"], options={"max_in_flight": 2})
        web = admin.get(f"/v3/apps/{app['guid']}/processes?types=web")["resources"]
        assert [one["instances"] for one in web] == [2, 2]
        assert deployment["options"]["max_in_flight"] == 2
        admin.finished(deployment)
    finally:
        own_cloud.knobs(start_seconds=0)


def test_another_size_can_come_with_a_deployment(app, admin):
    options = {"web_instances": 1, "memory_in_mb": 128}
    admin.finished(admin.deploy(app["guid"], options=options))
    web = admin.get(f"/v3/apps/{app['guid']}/processes/web")
    assert (web["instances"], web["memory_in_mb"]) == (1, 128)


def test_a_canary_waits_until_it_is_told_to_go_on(app, admin, own_cloud):
    droplet = admin.stage(app["guid"], server_app("two"))
    deployment = admin.deploy(app["guid"], droplet, strategy="canary")
    path = f"/v3/deployments/{deployment['guid']}"
    paused = until(lambda: _with_reason(admin, path, "PAUSED"))
    assert paused["status"]["canary"] == {"steps": {"current": 1, "total": 1}}
    assert {"cancel", "continue"} <= set(paused["links"])
    seen = {own_cloud.visit(app["host"]).text[:3] for _ in range(12)}
    assert seen == {"one", "two"}
    admin.call("POST", f"{path}/actions/continue", 200)
    assert admin.finished(deployment)["reason"] == "DEPLOYED"
    assert {own_cloud.visit(app["host"]).text[:3] for _ in range(6)} == {"two"}


def _with_reason(account: Account, path: str, reason: str) -> dict[str, object] | None:
    found = account.get(path)
    return found if found["status"]["reason"] == reason else None


def test_what_would_scale_is_refused_while_a_deployment_is_under_way(app, admin, space):
    deployment = admin.deploy(app["guid"], admin.stage(app["guid"], server_app("bad", well=False)))
    scaled = admin.call(
        "POST", f"/v3/apps/{app['guid']}/processes/web/actions/scale", 422, json={"instances": 3}
    )
    detail = "Cannot scale this process while a deployment is in flight."
    assert scaled.json()["errors"][0]["detail"] == detail
    job = admin.apply_manifest(space, manifest(app["name"], instances=3))
    assert (job["state"], job["errors"][0]["detail"]) == (
        "FAILED",
        f"For application '{app['name']}': {detail}",
    )
    current = {"data": {"guid": admin.get(f"/v3/apps/{app['guid']}/droplets/current")["guid"]}}
    admin.call("PATCH", f"/v3/apps/{app['guid']}/relationships/current_droplet", 422, json=current)
    admin.call("POST", f"/v3/deployments/{deployment['guid']}/actions/cancel", 200)
    assert admin.finished(deployment)["reason"] == "CANCELED"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (
            {"droplet": {"guid": "a"}, "revision": {"guid": "b"}},
            "Cannot set both fields 'droplet' and 'revision'",
        ),
        ({"droplet": {"guid": "a"}}, "Unable to assign current droplet."),
        ({"strategy": "leap"}, "Strategy must be one of"),
        ({"options": {"max_in_flight": 0}}, "Max in flight must be greater than or equal to 1"),
        ({"options": {"speed": 1}}, "Options Unknown field(s): 'speed'"),
        ({"options": {"canary": {"steps": []}}}, "Canary options are only valid for canary deployments"),
        ({"surprise": 1}, "Unknown field(s): 'surprise'"),
    ],
)
def test_a_bad_deployment_is_refused_with_the_reason(app, admin, body, detail):
    whole = {"relationships": {"app": {"data": {"guid": app["guid"]}}}, **body}
    answer = admin.call("POST", "/v3/deployments", 422, json=whole)
    assert detail in answer.json()["errors"][0]["detail"]


def test_a_rollback_restores_droplet_environment_and_command(app, admin, own_cloud):
    admin.call("PATCH", f"/v3/apps/{app['guid']}/environment_variables", json={"var": {"NEW": "1"}})
    admin.finished(admin.deploy(app["guid"], admin.stage(app["guid"], server_app("two"))))
    revisions = admin.get(f"/v3/apps/{app['guid']}/revisions")["resources"]
    assert [one["description"] for one in revisions] == [
        "Initial revision.",
        "New droplet deployed. New environment variables deployed.",
    ]
    deployment = admin.deploy(app["guid"], revision={"guid": revisions[0]["guid"]})
    assert admin.finished(deployment)["reason"] == "DEPLOYED"
    assert own_cloud.visit(app["host"]).text.startswith("one")
    assert admin.get(f"/v3/apps/{app['guid']}/environment_variables")["var"] == {}
    newest = admin.get(f"/v3/apps/{app['guid']}/revisions?order_by=-created_at")["resources"][0]
    assert newest["version"] == 3
    assert newest["description"].endswith("Rolled back to revision 1.")
    body = {"relationships": {"app": {"data": {"guid": app["guid"]}}}, "revision": {"guid": newest["guid"]}}
    again = admin.call("POST", "/v3/deployments", 422, json=body)
    assert "is the same as the deployed revision" in again.json()["errors"][0]["detail"]


def test_a_deployment_of_a_stopped_app_is_done_at_once(app, admin):
    admin.post(f"/v3/apps/{app['guid']}/actions/stop")
    deployment = admin.deploy(app["guid"])
    assert deployment["status"]["value"] == "FINALIZED"
    assert deployment["new_processes"] == []
    until(lambda: admin.running(app["guid"]))
