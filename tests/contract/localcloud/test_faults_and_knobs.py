"""The knobs: faults that are shown on purpose, limits, slowness, and the ring of answered requests."""

from __future__ import annotations

import pytest
import requests

from .control_plane import ESTATE, Account, LocalCloud, to, unique


def test_only_the_admin_token_turns_knobs(cloud, boss):
    assert cloud.nobody.refusal("GET", "/localcloud/knobs")[:2] == (401, "CF-NotAuthenticated")
    assert boss.refusal("PATCH", "/localcloud/knobs", {"job_seconds": 1})[:2] == (401, "CF-InvalidAuthToken")
    assert cloud.operator.get("/localcloud/knobs")["job_seconds"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"no_such_knob": 1},
        {"job_seconds": "slow"},
        {"job_seconds": -1},
        {"job_seconds": True},
        {"faults": [{"match": "GET ("}]},
        {"faults": [{"matches": "GET /"}]},
        {"rate_limit": {"limits": 3}},
    ],
)
def test_a_wrong_knob_turns_nothing(cloud, changes):
    before = cloud.operator.get("/localcloud/knobs")
    assert cloud.operator.refusal("PATCH", "/localcloud/knobs", {"service_seconds": 9, **changes})[0] == 422
    assert cloud.operator.get("/localcloud/knobs") == before


def test_a_fault_answers_as_often_as_it_was_told(cloud, boss):
    cloud.fault("GET ^/v3/spaces", times=2, status=503, body="<html>", content_type="text/html")
    for _ in range(2):
        answer = boss.call("GET", "/v3/spaces")
        assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (
            503,
            "<html>",
            "text/html",
        )
        assert boss.call("GET", "/v3/organizations").status_code == 200
    assert boss.call("GET", "/v3/spaces").status_code == 200


def test_a_dropped_request_is_neither_answered_nor_done(cloud, boss):
    name = unique("org")
    cloud.fault("POST /v3/organizations", drop=True)
    with pytest.raises(requests.ConnectionError):
        boss.call("POST", "/v3/organizations", {"name": name})
    assert boss.names(f"/v3/organizations?names={name}") == []


def test_a_request_dropped_afterwards_is_done_and_not_answered(cloud, boss):
    name = unique("org")
    cloud.fault("POST /v3/organizations", drop_after=True)
    with pytest.raises(requests.ConnectionError):
        boss.call("POST", "/v3/organizations", {"name": name})
    assert boss.names(f"/v3/organizations?names={name}") == [name]


def test_a_hanging_request_ends_without_an_answer(cloud, boss):
    cloud.fault("GET /v3/stacks", hang=0.2)
    with pytest.raises(requests.ConnectionError):
        boss.call("GET", "/v3/stacks")


def test_a_delayed_request_is_answered_all_the_same(cloud, boss):
    cloud.fault("* /v3/stacks", delay=0.2)
    assert boss.names("/v3/stacks") == ["cflinuxfs4"]
    seen = [one for one in cloud.seen() if one["path"] == "/v3/stacks"]
    assert seen[-1]["ms"] >= 200


def test_the_ring_tells_what_was_asked_by_whom_and_what_was_done(cloud, boss):
    since = cloud.seen()[-1]["number"]
    name = unique("org")
    boss.make("/v3/organizations", {"name": name})
    cloud.nobody.call("GET", "/v3/apps?names=x")
    cloud.fault("DELETE /v3/organizations", drop=True)
    with pytest.raises(requests.ConnectionError):
        boss.call("DELETE", "/v3/organizations/x")
    seen = [
        (one["method"], one["path"], one["status"], one["user"], one["dropped"]) for one in cloud.seen(since)
    ]
    assert seen == [
        ("POST", "/v3/organizations", 201, "admin", False),
        ("GET", "/v3/apps?names=x", 401, "", False),
        ("DELETE", "/v3/organizations/x", 0, "", True),
    ]


def test_too_many_requests_are_told_when_to_come_back(cloud):
    reader = cloud.sign_in("auditor")
    cloud.knobs(rate_limit={"limit": 20, "window": 3600})
    answers = [reader.call("GET", "/v3/stacks") for _ in range(21)]
    assert [one.status_code for one in answers] == [200] * 20 + [429]
    first, last = answers[0], answers[-1]
    assert first.headers["X-RateLimit-Limit"] == "20"
    assert int(first.headers["X-RateLimit-Remaining"]) == 18
    assert last.headers["X-RateLimit-Remaining"] == "0"
    assert last.headers["Content-Type"].startswith("text/plain")
    assert 0 < int(last.headers["Retry-After"]) <= 3600
    assert last.json()["errors"][0]["title"] == "CF-RateLimitExceeded"
    assert reader.call("GET", "/v3").status_code == 200
    assert cloud.sign_in("developer").call("GET", "/v3/stacks").status_code == 200


def test_requests_without_a_token_share_the_limit_of_their_address(cloud):
    cloud.knobs(rate_limit={"limit": 2, "window": 3600})
    titles = [cloud.nobody.refusal("GET", "/v3/stacks")[1] for _ in range(3)]
    assert titles == ["CF-NotAuthenticated", "CF-NotAuthenticated", "CF-IPBasedRateLimitExceeded"]


def test_no_limit_means_no_headers(boss):
    assert not [name for name in boss.call("GET", "/v3/stacks").headers if name.startswith("X-RateLimit")]


def test_a_slow_job_is_seen_processing(cloud, boss):
    organization = boss.make("/v3/organizations", {"name": unique("org")})["guid"]
    body = {"name": "slow", "relationships": to("organization", organization)}
    space = boss.make("/v3/spaces", body)["guid"]
    cloud.knobs(job_seconds=0.4)
    answer = boss.call("DELETE", f"/v3/spaces/{space}")
    job = boss.get(answer.headers["Location"])
    assert job["state"] == "PROCESSING"
    assert job["links"]["space"]["href"] == f"{cloud.url}/v3/spaces/{space}"
    assert boss.job(answer)["state"] == "COMPLETE"


def test_every_answer_carries_a_request_id_that_begins_with_the_askers(cloud):
    for account in (cloud.nobody, cloud.admin):
        for path in ("/v3/spaces", "/v3", "/nonsense", "/oauth/token"):
            answer = account.call("GET", path, headers={"X-Vcap-Request-Id": "mine"})
            assert answer.headers["X-VCAP-Request-ID"].startswith("mine::")
    assert Account(cloud.url).call("GET", "/").headers["X-VCAP-Request-ID"]


@pytest.mark.parametrize(
    ("flags", "sharing"),
    [
        (None, True),
        ({}, False),
        ({"service_instance_sharing": False}, False),
        ({"service_instance_sharing": True}, True),
    ],
)
def test_an_estate_says_whether_services_can_be_shared(tmp_path, flags, sharing):
    estate = {"organization": "gov", "users": ESTATE["users"][:1], "spaces": []}
    cloud = LocalCloud(tmp_path, estate | ({} if flags is None else {"feature_flags": flags})).start()
    path = "/v3/feature_flags/service_instance_sharing"
    try:
        assert cloud.admin.get(path)["enabled"] is sharing
        cloud.admin.call("PATCH", path, {"enabled": not sharing})
        cloud.end()
        cloud.start()
        assert cloud.admin.get(path)["enabled"] is not sharing, "what an admin switched stays"
    finally:
        cloud.end()
