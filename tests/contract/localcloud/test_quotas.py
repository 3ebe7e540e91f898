"""Quotas are held to: what does not fit is refused in the platform's words, and nothing is changed by the refusal."""

from __future__ import annotations

import uuid

import pytest

from .runtime_fixtures import manifest, own_cloud, server_app, until

__all__ = ["own_cloud"]


@pytest.fixture(scope="module")
def admin(own_cloud):
    return own_cloud.admin()


@pytest.fixture(scope="module")
def place(admin):
    """A space of its own, whose quota is set anew by each test."""
    organization = admin.get("/v3/organizations")["resources"][0]["guid"]
    relationships = {"organization": {"data": {"guid": organization}}}
    space = admin.post("/v3/spaces", {"name": "tight", "relationships": relationships}, 201)["guid"]
    return {"organization": organization, "space": space}


@pytest.fixture(scope="module")
def app(admin, place):
    """An app of one instance of 64 MB that runs."""
    return admin.push(place["space"], manifest("tight"), server_app("one"))


@pytest.fixture
def limit(admin, place, app):
    """Puts the space under a quota until the test is over."""
    numbers = iter(range(1000))

    def put(name, **apps):
        body = {
            "name": f"{name}-{next(numbers)}-{uuid.uuid4().hex[:12]}",
            "apps": apps,
            "relationships": {"organization": {"data": {"guid": place["organization"]}}},
        }
        made = admin.post("/v3/space_quotas", body, 201)["guid"]
        wanted = {"data": [{"guid": place["space"]}]}
        admin.post(f"/v3/space_quotas/{made}/relationships/spaces", wanted, 200)

    yield put
    put("open")


def refusal(answer):
    return answer.json()["errors"][0]["title"], answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("quota", "scale", "words"),
    [
        ({"total_memory_in_mb": 100}, {"instances": 2}, "memory space_quota_exceeded"),
        ({"total_memory_in_mb": 100}, {"memory_in_mb": 128}, "memory space_quota_exceeded"),
        (
            {"per_process_memory_in_mb": 64},
            {"memory_in_mb": 65},
            "memory space_instance_memory_limit_exceeded",
        ),
        ({"total_instances": 1}, {"instances": 2}, "app_instance_limit space_app_instance_limit_exceeded"),
    ],
)
def test_an_app_is_not_scaled_beyond_a_quota(admin, app, limit, quota, scale, words):
    limit("scale", **quota)
    path = f"/v3/apps/{app['guid']}/processes/web"
    answer = admin.call("POST", f"{path}/actions/scale", 422, json=scale)
    assert refusal(answer) == ("CF-UnprocessableEntity", words)
    shown = admin.get(path)
    assert (shown["instances"], shown["memory_in_mb"]) == (1, 64)


def test_an_app_may_shrink_under_any_quota(admin, app, limit):
    limit("shrink", total_memory_in_mb=1)
    path = f"/v3/apps/{app['guid']}/processes/web/actions/scale"
    admin.call("POST", path, 202, json={"memory_in_mb": 64, "instances": 1})


def test_a_stopped_app_is_not_started_beyond_a_quota(admin, app, limit):
    admin.post(f"/v3/apps/{app['guid']}/actions/stop", {}, 200)
    limit("start", total_memory_in_mb=32)
    answer = admin.call("POST", f"/v3/apps/{app['guid']}/actions/start", 422)
    assert refusal(answer)[1] == "memory space_quota_exceeded"
    assert admin.get(f"/v3/apps/{app['guid']}")["state"] == "STOPPED"
    limit("start", total_memory_in_mb=64)
    admin.post(f"/v3/apps/{app['guid']}/actions/start", {}, 200)
    until(lambda: admin.running(app["guid"]))


def test_a_rolling_deployment_needs_room_for_one_more_instance_and_says_so(admin, app, limit):
    limit("roll", total_memory_in_mb=64)
    body = {"relationships": {"app": {"data": {"guid": app["guid"]}}}}
    _title, detail = refusal(admin.call("POST", "/v3/deployments", 422, json=body))
    assert detail == (
        "memory space_quota_exceeded for space tight. This space's quota may not be large enough to support "
        "rolling deployments or your configured max-in-flight."
    )
    assert admin.get(f"/v3/deployments?app_guids={app['guid']}&status_values=ACTIVE")["resources"] == []
    limit("roll", total_memory_in_mb=128)
    assert admin.finished(admin.deploy(app["guid"]))["reason"] == "DEPLOYED"


def test_a_manifest_that_asks_for_too_much_fails_in_its_job(admin, app, limit, place):
    limit("manifest", total_memory_in_mb=100)
    job = admin.apply_manifest(place["space"], manifest("tight", memory="128M"))
    assert job["state"] == "FAILED"
    assert job["errors"][0]["detail"] == "For application 'tight': memory space_quota_exceeded"


@pytest.mark.parametrize(
    ("quota", "words"),
    [
        ({"total_memory_in_mb": 100}, "memory_in_mb exceeds space memory quota"),
        ({"per_process_memory_in_mb": 40}, "memory_in_mb exceeds space instance memory quota"),
        ({"per_app_tasks": 0}, "app_task_limit quota exceeded"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(admin, app, limit, quota, words):
    limit("task", **quota)
    answer = admin.call(
        "POST", f"/v3/apps/{app['guid']}/tasks", 422, json={"command": "true", "memory_in_mb": 50}
    )
    assert refusal(answer)[1] == words


def test_a_build_that_does_not_fit_is_refused(admin, app, limit):
    package = admin.package(app["guid"], server_app("two"))
    limit("stage", total_memory_in_mb=100)
    body = {"package": {"guid": package["guid"]}, "staging_memory_in_mb": 256}
    answer = admin.call("POST", "/v3/builds", 422, json=body)
    assert refusal(answer)[1] == "space's memory limit exceeded: staging requires 256M memory"


def test_the_organizations_quota_counts_all_its_spaces(admin, app, place):
    def put(**apps):
        body = {"name": f"org-{len(apps)}-{uuid.uuid4().hex[:12]}", "apps": apps}
        made = admin.post("/v3/organization_quotas", body, 201)["guid"]
        wanted = {"data": [{"guid": place["organization"]}]}
        admin.post(f"/v3/organization_quotas/{made}/relationships/organizations", wanted, 200)

    put(total_instances=1)
    path = f"/v3/apps/{app['guid']}/processes/web/actions/scale"
    answer = admin.call("POST", path, 422, json={"instances": 2})
    put()
    assert refusal(answer)[1] == "app_instance_limit app_instance_limit_exceeded"
