"""The router: which app a host leads to, what is passed through, and what it says when nobody answers."""

from __future__ import annotations

import pytest

from .runtime_fixtures import admin, manifest, own_cloud, server_app, space, until

__all__ = ["admin", "own_cloud", "space"]


@pytest.fixture(scope="module")
def app(admin, space):
    """An app on a domain that is not this machine's."""
    wanted = manifest("routed", routes=[{"route": "routed.app.cloud.gov"}])
    return admin.push(space, wanted, server_app("one"))


@pytest.mark.parametrize(
    "host", ["routed.app.cloud.gov", "routed.app.localhost", "ROUTED.app.localhost:8080"]
)
def test_an_app_is_found_by_its_route_and_by_its_local_name(app, own_cloud, host):
    assert own_cloud.visit(host).text == "one 0"


def test_an_unknown_host_is_told_so(own_cloud):
    answer = own_cloud.visit("nobody.app.localhost")
    assert answer.status_code == 404
    assert answer.headers["X-Cf-RouterError"] == "unknown_route"
    assert answer.text == "404 Not Found: Requested route ('nobody.app.localhost') does not exist.\n"


def test_the_app_learns_where_the_request_came_from(app, own_cloud):
    answer = own_cloud.visit("routed.app.localhost", headers={"X-Forwarded-For": "10.0.0.1"})
    assert answer.headers["Seen-X-Forwarded-For"] == "10.0.0.1, 127.0.0.1"
    assert answer.headers["Seen-X-Forwarded-Proto"] == "http"
    assert answer.headers["Seen-X-Forwarded-Host"] == answer.headers["Seen-Host"] == "routed.app.localhost"
    assert answer.headers["Seen-X-Vcap-Request-Id"] == answer.headers["X-Vcap-Request-Id"]


@pytest.mark.parametrize("data", [b"x" * 300_000, iter([b"a" * 10, b"b" * 70_000])], ids=["sized", "chunked"])
def test_a_body_is_passed_both_ways(app, own_cloud, data):
    answer = own_cloud.visit("routed.app.localhost", method="POST", data=data)
    assert len(answer.content) in (300_000, 70_010)


def test_the_access_log_has_the_request(app, own_cloud, admin):
    own_cloud.visit("routed.app.localhost", "/look?a=b")
    line = until(lambda: _access(admin, app, "/look?a=b"))
    assert line.startswith("routed.app.localhost - [")
    assert '"GET /look?a=b HTTP/1.1" 200 0 5 ' in line
    assert f'app_id:"{app["guid"]}"' in line


def _access(admin, app, path):
    found = [text for kind, text in admin.lines(app["guid"]) if kind == "RTR" and path in text]
    return found[0] if found else None


def test_an_instance_that_dies_in_a_request_is_a_bad_gateway_and_comes_back(app, own_cloud, admin):
    answer = own_cloud.visit("routed.app.localhost", "/crash", method="GET")
    assert answer.status_code in (502, 503)
    events = until(
        lambda: admin.get(f"/v3/audit_events?types=app.crash&target_guids={app['guid']}")["resources"]
    )
    assert (events[0]["data"]["index"], events[0]["data"]["exit_status"]) == (0, 7)
    assert events[0]["actor"]["type"] == "process"
    until(lambda: admin.running(app["guid"]))
    assert own_cloud.visit("routed.app.localhost").text == "one 0"


def test_a_stopped_app_has_no_endpoints(admin, space, own_cloud):
    stopped = admin.push(space, manifest("stopped", "stopped"), server_app("one"))
    admin.post(f"/v3/apps/{stopped['guid']}/actions/stop")
    until(lambda: own_cloud.visit("stopped.app.localhost").status_code == 503)
    assert admin.stats(stopped["guid"])[0]["state"] == "DOWN"
    admin.post(f"/v3/apps/{stopped['guid']}/actions/start")
    until(lambda: own_cloud.visit("stopped.app.localhost").status_code == 200)


def test_requests_go_to_all_instances_in_turn(admin, space, own_cloud):
    found = admin.push(space, manifest("many", "many", instances=3), server_app("one"))
    seen = {own_cloud.visit("many.app.localhost").text for _ in range(12)}
    assert seen == {"one 0", "one 1", "one 2"}
    scaled = admin.call(
        "POST", f"/v3/apps/{found['guid']}/processes/web/actions/scale", 202, json={"instances": 1}
    )
    assert scaled.json()["instances"] == 1
    until(lambda: {own_cloud.visit("many.app.localhost").text for _ in range(4)} == {"one 0"})


def test_a_route_can_be_led_elsewhere_in_one_move(admin, space, own_cloud):
    blue = admin.push(space, manifest("blue", "colour"), server_app("one"))
    green = admin.push(space, manifest("green", "green"), server_app("two"))
    route = admin.get(f"/v3/apps/{blue['guid']}/routes")["resources"][0]
    path = f"/v3/routes/{route['guid']}/destinations"
    answer = admin.call("PATCH", path, 200, json={"destinations": [{"app": {"guid": green["guid"]}}]}).json()
    assert [one["app"]["guid"] for one in answer["destinations"]] == [green["guid"]]
    assert own_cloud.visit("colour.app.localhost").text == "two 0"


def test_an_address_is_taken_once(admin, space):
    domain = admin.get("/v3/domains?names=app.localhost")["resources"][0]["guid"]
    relationships = {"space": {"data": {"guid": space}}, "domain": {"data": {"guid": domain}}}
    body = {"host": "taken", "relationships": relationships}
    admin.post("/v3/routes", body, 201)
    refused = admin.call("POST", "/v3/routes", 422, json=body)
    expected = "Route already exists with host 'taken' for domain 'app.localhost'."
    assert refused.json()["errors"][0]["detail"] == expected
    assert admin.get(f"/v3/domains/{domain}/route_reservations?host=taken") == {"matching_route": True}
    assert admin.get(f"/v3/domains/{domain}/route_reservations?host=free") == {"matching_route": False}


def test_the_longest_path_wins(admin, space, own_cloud):
    admin.push(space, manifest("root", routes=[{"route": "paths.app.localhost"}]), server_app("one"))
    admin.push(space, manifest("deep", routes=[{"route": "paths.app.localhost/deep"}]), server_app("two"))
    answers = {
        path: own_cloud.visit("paths.app.localhost", path).text[:3]
        for path in ("/", "/deep", "/deeper", "/deep/x")
    }
    assert answers == {"/": "one", "/deep": "two", "/deeper": "one", "/deep/x": "two"}
