"""Who may do what with apps (platform API §3.7): what cannot be seen is 404, what may not be done is 403."""

from __future__ import annotations

from typing import Any

import pytest

from .control_plane import LocalCloud, to, unique
from .runtime_fixtures import Account as Pusher
from .runtime_fixtures import manifest, server_app

EVERYBODY = ("developer", "supporter", "space-manager", "auditor", "manager", "stranger")


@pytest.fixture(scope="module")
def app(shared_cloud: LocalCloud) -> dict[str, Any]:
    """A stopped app in the space `ab`, with a droplet and an ended task."""
    developer = Pusher(shared_cloud.url, "developer", "a long enough password")
    space = shared_cloud.space("ab")
    developer.apply_manifest(space, manifest("guarded", "guarded", env={"SECRET": "s"}))
    found = developer.app(space, "guarded")
    droplet = developer.stage(found["guid"], server_app("one"))
    current = {"data": {"guid": droplet}}
    developer.call("PATCH", f"/v3/apps/{found['guid']}/relationships/current_droplet", json=current)
    task = developer.run_task(found["guid"], "echo secret command")
    return {**found, "droplet": droplet, "task": task["guid"], "space": space}


def path_of(app: dict[str, Any], path: str) -> str:
    """A path with the app's guids filled in."""
    return path.format(app=app["guid"], droplet=app["droplet"], task=app["task"], space=app["space"])


# (method, path, body) and who may; everybody else who sees the space gets 403, a stranger 404
TABLE: list[tuple[str, str, Any, tuple[str, ...]]] = [
    ("GET", "/v3/apps/{app}", None, EVERYBODY[:5]),
    ("GET", "/v3/apps/{app}/processes/web/stats", None, EVERYBODY[:5]),
    ("GET", "/v3/tasks/{task}", None, EVERYBODY[:5]),
    ("GET", "/v3/droplets/{droplet}/download", None, ("developer", "space-manager", "auditor", "manager")),
    ("GET", "/v3/apps/{app}/env", None, ("developer", "supporter")),
    ("GET", "/v3/apps/{app}/environment_variables", None, ("developer", "supporter")),
    ("GET", "/v3/apps/{app}/manifest", None, ("developer",)),
    ("PATCH", "/v3/apps/{app}", {"metadata": {"labels": {"a": "b"}}}, ("developer",)),
    ("PATCH", "/v3/apps/{app}/environment_variables", {"var": {"A": "b"}}, ("developer", "supporter")),
    ("PATCH", "/v3/apps/{app}/processes/web", {"command": "true"}, ("developer",)),
    ("POST", "/v3/apps/{app}/processes/web/actions/scale", {"instances": 1}, ("developer", "supporter")),
    ("POST", "/v3/apps/{app}/actions/stop", None, ("developer", "supporter")),
    ("POST", "/v3/apps/{app}/tasks", {"command": "true"}, ("developer",)),
    ("PATCH", "/v3/droplets/{droplet}", {"metadata": {}}, ("developer", "supporter")),
]


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize(
    ("method", "path", "body", "may"), TABLE, ids=[f"{one[0]} {one[1]}" for one in TABLE]
)
def test_each_role_may_what_is_documented(cloud, app, method, path, body, may, who):
    answer = cloud.account(who).call(method, path_of(app, path), body)
    if who in may:
        assert answer.ok, answer.text
    else:
        assert answer.status_code == (404 if who == "stranger" else 403), answer.text


@pytest.mark.parametrize("who", EVERYBODY[1:])
def test_only_developers_apply_manifests(cloud, app, who):
    path = path_of(app, "/v3/spaces/{space}/actions/apply_manifest")
    answer = cloud.account(who).call("POST", path, {"applications": [{"name": "x"}]})
    assert answer.status_code == (404 if who == "stranger" else 403)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/v3/packages", {"type": "bits"}),
        ("/v3/droplets", {}),
        ("/v3/deployments", {}),
    ],
)
def test_a_stranger_cannot_even_name_an_app(cloud, app, path, key):
    status, _title, detail = cloud.account("stranger").refusal(
        "POST", path, {**key, "relationships": to("app", app["guid"])}
    )
    assert status == 422
    assert "access" in detail


@pytest.mark.parametrize(
    "kind", ["apps", "processes", "packages", "builds", "droplets", "tasks", "routes", "deployments"]
)
def test_lists_hold_only_what_can_be_seen(cloud, app, kind):
    seen = cloud.account("developer").get(f"/v3/{kind}")["resources"]
    not_seen = cloud.account("stranger").get(f"/v3/{kind}")["resources"]
    assert kind == "deployments" or seen
    assert not {one["guid"] for one in seen} & {one["guid"] for one in not_seen}


@pytest.mark.parametrize("who", ["supporter", "auditor", "manager"])
def test_commands_are_shown_to_developers_alone(cloud, app, who):
    path = f"/v3/tasks/{app['task']}"
    assert cloud.account("developer").get(path)["command"] == "echo secret command"
    assert cloud.account(who).get(path)["command"] == "[PRIVATE DATA HIDDEN]"


def test_supporters_do_not_see_the_services_secrets(cloud, app):
    path = f"/v3/apps/{app['guid']}/env"
    assert "redacted_message" in cloud.account("supporter").get(path)["system_env_json"]
    assert "VCAP_SERVICES" in cloud.account("developer").get(path)["system_env_json"]


def test_lines_are_read_by_whoever_sees_the_app(cloud, app):
    path = f"/api/v1/read/{app['guid']}"
    assert cloud.account("auditor").get(path)["envelopes"]["batch"]
    assert cloud.account("stranger").call("GET", path).status_code == 404
    assert cloud.nobody.call("GET", path).status_code == 404


def test_a_developer_makes_an_app_only_where_he_is_one(cloud):
    elsewhere = {"name": unique("app"), "relationships": to("space", cloud.space("cw"))}
    assert cloud.account("developer").refusal("POST", "/v3/apps", elsewhere)[0] == 422
