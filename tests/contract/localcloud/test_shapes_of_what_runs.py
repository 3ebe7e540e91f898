"""Bodies about apps and all that hangs on them have the keys of the documented examples."""

from __future__ import annotations

import json

import pytest

from .control_plane import assert_same_shape
from .runtime_fixtures import admin, manifest, own_cloud, server_app, space, until

__all__ = ["admin", "own_cloud", "space"]


@pytest.fixture(scope="module")
def app(admin, space):
    """An app that has one of everything."""
    found = admin.push(space, manifest("shaped", "shaped"), server_app("one"))
    admin.run_task(found["guid"], "true", name="once")
    return admin.get(f"/v3/apps/{found['guid']}")


@pytest.fixture
def example(shared_data):
    """A documented body."""
    return lambda name: json.loads((shared_data / "cf-v3-examples" / f"{name}.json").read_text())


ONE_OF_EACH = [
    ("single_app", "/v3/apps/{app}", ()),
    ("paginated_list_of_apps", "/v3/apps", ()),
    ("single_process", "/v3/apps/{app}/processes/web", ("invocation_timeout", "interval", "endpoint")),
    ("paginated_list_of_processes", "/v3/apps/{app}/processes", ("endpoint",)),
    ("list_of_process_stats", "/v3/apps/{app}/processes/web/stats", ()),
    ("process_instances", "/v3/processes/{app}/process_instances", ()),
    ("single_bits_package", "/v3/packages/{package}", ()),
    ("paginated_list_of_packages", "/v3/packages", ("image", "username", "password")),
    ("paginated_list_of_associated_packages", "/v3/apps/{app}/packages", ()),
    ("single_staged_build", "/v3/builds/{build}", ()),
    ("paginated_list_of_builds", "/v3/apps/{app}/builds", ("droplet",)),
    ("single_staged_buildpack_droplet", "/v3/droplets/{droplet}", ("rake",)),
    ("single_staged_buildpack_droplet", "/v3/apps/{app}/droplets/current", ("rake",)),
    ("paginated_list_of_droplets", "/v3/apps/{app}/droplets", ()),
    ("app_current_droplet_relationship", "/v3/apps/{app}/relationships/current_droplet", ()),
    ("single_deployment", "/v3/deployments/{deployment}", OPTIONAL := ("canary", "cancel", "continue", "web_instances",
      "memory_in_mb", "disk_in_mb", "log_rate_limit_in_bytes_per_second")),
    ("paginated_list_of_deployments", "/v3/deployments", OPTIONAL),
    ("single_task", "/v3/tasks/{task}", ()),
    ("paginated_list_of_tasks", "/v3/tasks", ()),
    ("revision", "/v3/revisions/{revision}", ("web",)),
    ("paginated_list_of_associated_revisions", "/v3/apps/{app}/revisions", ("web",)),
    ("single_route", "/v3/routes/{route}", ("loadbalancing",)),
    ("paginated_list_of_routes", "/v3/apps/{app}/routes", ("loadbalancing", "port")),
    ("list_of_route_destinations", "/v3/routes/{route}/destinations", ()),
    ("paginated_list_of_app_features", "/v3/apps/{app}/features", ()),
    ("single_app_feature", "/v3/apps/{app}/features/ssh", ()),
    ("single_app_ssh_enabled", "/v3/apps/{app}/ssh_enabled", ()),
    ("environment_variable_group", "/v3/environment_variable_groups/running", ("foo",)),
]  # fmt: skip


@pytest.fixture(scope="module")
def guids(app, admin):
    """The guids of what hangs on the app."""
    path = f"/v3/apps/{app['guid']}"

    def first(of):
        return admin.get(of)["resources"][0]["guid"]

    return {
        "app": app["guid"],
        **{
            one: first(f"{path}/{one}s")
            for one in ("package", "build", "droplet", "task", "revision", "route")
        },
        "deployment": first(f"/v3/deployments?app_guids={app['guid']}"),
    }


@pytest.mark.parametrize(
    ("name", "path", "optional"), ONE_OF_EACH, ids=[f"{one[0]}-{one[1]}" for one in ONE_OF_EACH]
)
def test_a_body_has_the_documented_keys(admin, guids, example, name, path, optional):
    assert_same_shape(example(name), admin.get(path.format(**guids)), optional=frozenset(optional))


def test_resource_matches_have_the_documented_keys(admin, app, example):
    known = admin.match(server_app("one"))
    assert_same_shape(
        example("resource_match"),
        known[0] if "checksum" in example("resource_match") else {"resources": known},
    )


def test_the_environment_is_shown_whole(admin, app):
    env = admin.get(f"/v3/apps/{app['guid']}/env")
    parts = {
        "staging_env_json",
        "running_env_json",
        "environment_variables",
        "system_env_json",
        "application_env_json",
    }
    assert set(env) == parts


def test_actions_of_an_app_answer_with_the_app(admin, app, example):
    for action in ("stop", "start", "restart"):
        body = admin.post(f"/v3/apps/{app['guid']}/actions/{action}", status=200)
        assert_same_shape(example("single_app"), body)
    until(lambda: admin.running(app["guid"]))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v3/apps/none", "App not found"),
        ("/v3/processes/none", "Process not found"),
        ("/v3/apps/{app}/processes/none", "Process not found"),
        ("/v3/packages/none", "Package not found"),
        ("/v3/builds/none", "Build not found"),
        ("/v3/droplets/none", "Droplet not found"),
        ("/v3/deployments/none", "Deployment not found"),
        ("/v3/tasks/none", "Task not found"),
        ("/v3/revisions/none", "Revision not found"),
        ("/v3/routes/none", "Route not found"),
        ("/v3/apps/{app}/nonsense", "Unknown request"),
    ],
)
def test_what_is_not_there_is_said_in_the_platforms_words(admin, app, path, said):
    answer = admin.call("GET", path.format(app=app["guid"]), 404)
    assert answer.json()["errors"][0]["detail"] == said


@pytest.mark.parametrize(
    "path", ["/v3/apps", "/v3/builds", "/v3/tasks", "/v3/routes", "/v3/processes", "/v3/deployments"]
)
def test_an_unknown_parameter_is_refused(admin, path):
    answer = admin.call("GET", f"{path}?surprise=1", 400)
    assert answer.json()["errors"][0]["title"] == "CF-BadQueryParameter"


@pytest.mark.parametrize(
    ("kind", "path"),
    [(one, f"/v3/{one}s") for one in ("app", "package", "build", "droplet", "deployment", "task", "route")]
    + [("revision", "/v3/apps/{app}/revisions")],
)
def test_what_an_operation_made_is_found_again_by_its_label(admin, app, guids, kind, path):
    guid = guids[kind]
    labels = {"metadata": {"labels": {"opsportal-operation": f"op-{kind}"}}}
    changed = admin.call("PATCH", f"/v3/{kind}s/{guid}", 200, json=labels).json()
    assert changed["metadata"]["labels"] == {"opsportal-operation": f"op-{kind}"}
    found = admin.get(
        path.format(app=app["guid"]), params={"label_selector": f"opsportal-operation=op-{kind}"}
    )
    assert [one["guid"] for one in found["resources"]] == [guid]


def test_names_are_taken_once_in_a_space(admin, app, space):
    body = {"name": app["name"], "relationships": {"space": {"data": {"guid": space}}}}
    answer = admin.call("POST", "/v3/apps", 422, json=body)
    error = answer.json()["errors"][0]
    assert (error["code"], error["title"]) == (10016, "CF-UniquenessError")
    assert error["detail"] == f"App with the name '{app['name']}' already exists."


def test_an_app_without_a_droplet_does_not_start(admin, space):
    body = {"name": "empty", "relationships": {"space": {"data": {"guid": space}}}}
    made = admin.post("/v3/apps", body, 201)
    answer = admin.call("POST", f"/v3/apps/{made['guid']}/actions/start", 422)
    assert answer.json()["errors"][0]["detail"] == "Assign a droplet before starting this app."
    answer = admin.call(
        "POST", "/v3/deployments", 422, json={"relationships": {"app": {"data": {"guid": made["guid"]}}}}
    )
    assert answer.json()["errors"][0]["detail"].startswith("Invalid droplet.")


@pytest.mark.parametrize(
    "variables", [{"PORT": "1"}, {"VCAP_X": "1"}, {"vmc": "1"}, {"A": 1}, {"A": {"b": 1}}, {"": "1"}], ids=str
)
def test_bad_variables_are_refused(admin, app, variables):
    admin.call("PATCH", f"/v3/apps/{app['guid']}/environment_variables", 422, json={"var": variables})


@pytest.mark.parametrize(
    "body",
    [
        {"health_check": {"type": "magic"}},
        {"health_check": {"type": "port", "data": {"endpoint": "/x"}}},
        {"health_check": {"type": "http", "data": {"endpoint": "no slash"}}},
        {"health_check": {"type": "http", "data": {"timeout": 0}}},
        {"command": ""},
        {"command": 5},
        {"speed": 1},
    ],
    ids=str,
)
def test_bad_process_settings_are_refused(admin, app, body):
    admin.call("PATCH", f"/v3/apps/{app['guid']}/processes/web", 422, json=body)


def test_process_settings_are_kept(admin, app):
    check = {"type": "http", "data": {"endpoint": "/health", "timeout": 30, "invocation_timeout": 2}}
    changed = admin.call("PATCH", f"/v3/apps/{app['guid']}/processes/web", 200, json={"health_check": check})
    assert changed.json()["health_check"]["data"] == {**check["data"], "interval": None}
