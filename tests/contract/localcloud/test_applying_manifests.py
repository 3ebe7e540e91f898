"""Manifests: what they do, in which order, what they leave alone, and what is said of bad ones."""

from __future__ import annotations

import re

import pytest
import yaml

from .runtime_fixtures import admin, manifest, own_cloud, server_app, space, until

__all__ = ["admin", "own_cloud", "space"]


def provided(admin, space, name, credentials=None):
    """A user-provided service instance."""
    body = {
        "type": "user-provided",
        "name": name,
        "relationships": {"space": {"data": {"guid": space}}},
        "credentials": credentials or {},
    }
    return admin.post("/v3/service_instances", body, 201)


def test_a_manifest_sets_everything_it_names(admin, space):
    provided(admin, space, "files", {"secret": "s"})
    wanted = manifest(
        "whole",
        "whole",
        instances=2,
        memory="1G",
        disk_quota="2048M",
        timeout=180,
        command="./run.sh",
        buildpacks=["python_buildpack"],
        stack="cflinuxfs4",
        env={"A": 1, "B": False, "C": None, "D": "text", "E": 1.5},
        services=["files"],
        metadata={"labels": {"team": "web"}, "annotations": {"note": "hi: there"}},
        processes=[{"type": "worker", "command": "work", "instances": 0, "memory": "256M"}],
        **{"health-check-invocation-timeout": 40},
    )
    assert admin.apply_manifest(space, wanted)["state"] == "COMPLETE"
    app = admin.app(space, "whole")
    web = admin.get(f"/v3/apps/{app['guid']}/processes/web")
    assert (web["instances"], web["memory_in_mb"], web["disk_in_mb"], web["command"]) == (
        2,
        1024,
        2048,
        "./run.sh",
    )
    assert web["health_check"] == {
        "type": "http",
        "data": {"timeout": 180, "invocation_timeout": 40, "interval": None, "endpoint": "/health"},
    }
    worker = admin.get(f"/v3/apps/{app['guid']}/processes/worker")
    assert (worker["command"], worker["memory_in_mb"], worker["health_check"]["type"]) == (
        "work",
        256,
        "process",
    )
    variables = admin.get(f"/v3/apps/{app['guid']}/environment_variables")["var"]
    assert variables == {"A": "1", "B": "false", "C": "", "D": "text", "E": "1.5"}
    assert app["metadata"] == {"labels": {"team": "web"}, "annotations": {"note": "hi: there"}}
    assert app["lifecycle"]["data"] == {"buildpacks": ["python_buildpack"], "stack": "cflinuxfs4"}
    env = admin.get(f"/v3/apps/{app['guid']}/env")
    assert env["system_env_json"]["VCAP_SERVICES"]["user-provided"][0]["credentials"] == {"secret": "s"}
    assert env["application_env_json"]["VCAP_APPLICATION"]["application_uris"] == ["whole.app.localhost"]


def test_what_a_manifest_does_not_name_stays(admin, space):
    admin.apply_manifest(space, manifest("stays", "stays", env={"A": "1"}, memory="128M"))
    admin.apply_manifest(space, {"applications": [{"name": "stays", "env": {"B": "2"}}]})
    app = admin.app(space, "stays")
    assert admin.get(f"/v3/apps/{app['guid']}/environment_variables")["var"] == {"A": "1", "B": "2"}
    assert admin.get(f"/v3/apps/{app['guid']}/processes/web")["memory_in_mb"] == 128
    assert len(admin.get(f"/v3/apps/{app['guid']}/routes")["resources"]) == 1


def test_applying_the_same_manifest_again_changes_nothing(admin, space):
    provided(admin, space, "again")
    wanted = manifest("idempotent", "idempotent", services=["again"], env={"A": "1"})
    admin.apply_manifest(space, wanted)
    app = admin.app(space, "idempotent")
    shown = admin.call("GET", f"/v3/apps/{app['guid']}/manifest").text
    assert admin.apply_manifest(space, wanted)["state"] == "COMPLETE"
    assert admin.call("GET", f"/v3/apps/{app['guid']}/manifest").text == shown
    headers = {"Content-Type": "application/x-yaml"}
    diff = admin.call("POST", f"/v3/spaces/{space}/manifest_diff", 201, data=shown, headers=headers)
    assert diff.json() == {"diff": []}


def test_a_difference_is_told_before_it_is_applied(admin, space):
    admin.apply_manifest(space, manifest("differs", memory="128M"))
    text = yaml.safe_dump({"applications": [{"name": "differs", "memory": "1G", "env": {"A": 1}}]})
    headers = {"Content-Type": "application/x-yaml"}
    found = admin.call("POST", f"/v3/spaces/{space}/manifest_diff", 201, data=text, headers=headers).json()[
        "diff"
    ]
    assert {
        "op": "replace",
        "path": "/applications/0/processes/0/memory",
        "was": "128M",
        "value": "1024M",
    } in found
    assert {"op": "add", "path": "/applications/0/env/A", "value": "1"} in found


def test_routes_are_made_up_or_taken_away_when_asked(admin, space):
    wanted = {"applications": [{"name": "Made_Up", "default-route": True}]}
    admin.apply_manifest(space, wanted)
    app = admin.app(space, "Made_Up")

    def urls():
        return [one["url"] for one in admin.get(f"/v3/apps/{app['guid']}/routes")["resources"]]

    assert urls() == ["made-up.app.localhost"]
    admin.apply_manifest(space, wanted)
    assert urls() == ["made-up.app.localhost"]
    admin.apply_manifest(space, {"applications": [{"name": "Made_Up", "no-route": True}]})
    assert urls() == []


def test_a_missing_service_fails_the_job_and_leaves_the_earlier_parts(admin, space):
    job = admin.apply_manifest(space, manifest("partly", env={"A": "1"}, services=["no-such-db"]))
    assert job["state"] == "FAILED"
    assert job["errors"][0]["title"] == "CF-ResourceNotFound"
    assert job["errors"][0]["detail"] == "For application 'partly': Service instance 'no-such-db' not found"
    app = admin.app(space, "partly")
    assert admin.get(f"/v3/apps/{app['guid']}/environment_variables")["var"] == {"A": "1"}


def test_an_unknown_domain_fails_the_job(admin, space):
    job = admin.apply_manifest(space, manifest("lost", routes=[{"route": "lost.example.org"}]))
    detail = "For application 'lost': The route 'lost.example.org' did not match any existing domains."
    assert job["errors"][0]["detail"] == detail


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("applications: [{name: x", 400, "Request invalid due to parse error"),
        ("- a\n- b", 400, "Request invalid due to parse error"),
        ("applications: &a [{name: x}]\nb: *a", 400, "Manifest does not support Anchors and Aliases"),
        ("version: 2\napplications: [{name: x}]", 422, "Unsupported manifest schema version"),
        ("version: 1", 422, "Cannot parse manifest with no 'applications' field."),
        ("applications: [{memory: 1G}]", 422, "For application at index 0: Name must not be empty"),
        (
            "applications: [{name: x, memory: 1}]",
            422,
            "For application 'x': Memory must use a supported unit",
        ),
        (
            "applications: [{name: x, memory: lots}]",
            422,
            "For application 'x': Memory must use a supported unit",
        ),
        ("applications: [{name: x, instances: -1}]", 422, "Instances must be greater than or equal to 0"),
        ("applications: [{name: x, instances: many}]", 422, "Instances is not a number"),
        ("applications: [{name: x, timeout: 0}]", 422, "Timeout must be greater than or equal to 1"),
        ("applications: [{name: x, env: {PORT: 1}}]", 422, "cannot be PORT"),
        ("applications: [{name: x, env: {vcap_x: 1}}]", 422, "cannot start with VCAP_"),
        ("applications: [{name: x, env: text}]", 422, "Env must be an object of keys and values"),
        ("applications: [{name: x, routes: [{route: 'a b'}]}]", 422, "is not a properly formed URL"),
        ("applications: [{name: x, routes: text}]", 422, "Routes must be a list of route objects"),
        ("applications: [{name: x, services: [1]}]", 422, "Services must be a list of service names"),
        ("applications: [{name: x, health-check-type: magic}]", 422, 'Health check type must be "port"'),
        ("applications: [{name: x, buildpack: a, buildpacks: [b]}]", 422, "cannot be used together"),
        ("applications: [{name: x, processes: [{type: w, memory: x}]}]", 422, 'Process "w": Memory must use'),
        ("applications: [{name: x, processes: [{command: a}]}]", 422, "All Processes must specify a type"),
        ("applications: [{name: x, command: ''}]", 422, "Command must be between 1 and 4096 characters"),
        ("[" * 5000, 400, "parse error"),
        ("a: " + "b" * 1100000, 400, "Manifest size is too large"),
    ],
)
def test_a_bad_manifest_is_refused_and_changes_nothing(admin, space, text, status, said):
    path = f"/v3/spaces/{space}/actions/apply_manifest"
    answer = admin.call("POST", path, status, data=text, headers={"Content-Type": "application/x-yaml"})
    assert said in answer.json()["errors"][0]["detail"]
    assert admin.get(f"/v3/apps?names=x&space_guids={space}")["resources"] == []


def test_each_problem_is_an_error_of_its_own(admin, space):
    text = "applications: [{name: x, memory: 1, instances: -1}, {name: y, timeout: no}]"
    path = f"/v3/spaces/{space}/actions/apply_manifest"
    answer = admin.call("POST", path, 422, data=text, headers={"Content-Type": "application/x-yaml"})
    assert len(answer.json()["errors"]) == 3


def test_another_content_type_is_refused(admin, space):
    answer = admin.call("POST", f"/v3/spaces/{space}/actions/apply_manifest", 400, json={"applications": []})
    assert answer.json()["errors"][0]["detail"] == "Bad request: Content-Type must be yaml"


@pytest.mark.parametrize("kind", ["ab", "development", "sandbox-template", "stable", "staging"])
def test_the_teams_real_manifests_are_applied_as_they_are(admin, space, shared_data, kind):
    text = (shared_data / "manifests" / f"manifest-{kind}.yaml").read_text()
    text = re.sub(r"\(\((\w+)\)\)", r"\1-value", text)
    entry = yaml.safe_load(text)["applications"][0]
    for name in entry["services"]:
        if not admin.get(f"/v3/service_instances?names={name}&space_guids={space}")["resources"]:
            provided(admin, space, name, {"uri": "sqlite:////tmp/x.db"})
    job = admin.job(
        admin.call(
            "POST",
            f"/v3/spaces/{space}/actions/apply_manifest",
            202,
            data=text,
            headers={"Content-Type": "application/x-yaml"},
        )
    )
    assert job["state"] == "COMPLETE", job["errors"]
    app = admin.app(space, entry["name"])
    web = admin.get(f"/v3/apps/{app['guid']}/processes/web")
    assert (web["command"], web["instances"], web["health_check"]["data"]["endpoint"]) == (
        "./run.sh",
        entry["instances"],
        "/health",
    )
    variables = admin.get(f"/v3/apps/{app['guid']}/environment_variables")["var"]
    assert variables["GIT_COMMIT_SHA"] == "GIT_COMMIT_SHA-value"
    assert variables["IS_PRODUCTION"] in ("true", "false")
    urls = [one["url"] for one in admin.get(f"/v3/apps/{app['guid']}/routes")["resources"]]
    assert urls == [one["route"] for one in entry["routes"]]


def test_a_bound_database_becomes_the_apps_database_url(admin, space, own_cloud):
    provided(admin, space, "the-database", {"uri": "sqlite:////tmp/the.db"})
    admin.push(space, manifest("with-db", "with-db", services=["the-database"]), server_app("one"))
    assert "DATABASE_URL=sqlite:////tmp/the.db" in own_cloud.visit("with-db.app.localhost", "/env").text


def test_an_app_is_deleted_with_all_that_hangs_on_it(admin, space, own_cloud):
    app = admin.push(space, manifest("doomed", "doomed"), server_app("one"))
    job = admin.job(admin.call("DELETE", f"/v3/apps/{app['guid']}", 202))
    assert (job["operation"], job["state"]) == ("app.delete", "COMPLETE")
    admin.call("GET", f"/v3/apps/{app['guid']}", 404)
    assert admin.get(f"/v3/processes?app_guids={app['guid']}")["resources"] == []
    route = admin.get("/v3/routes?hosts=doomed")["resources"][0]
    assert route["destinations"] == []
    until(lambda: own_cloud.visit("doomed.app.localhost").status_code in (404, 503))
