"""Answers that are not the platform's, or are meant to harm."""

import json
from collections.abc import Callable

import pytest
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsportal.adapters.cloudfoundry import (
    BadAnswer,
    CloudFoundryError,
    Foundation,
    Resource,
)
from opsportal.adapters.cloudfoundry.wire import Fields
from tests.support.platform_wire import API, LOGS, TOKEN, UAA, Time, token

ASKS: list[tuple[str, str, Callable[[Foundation], object]]] = [
    ("GET", "/v3/builds/x", lambda cf: cf.build("x")),
    ("GET", "/v3/packages/x", lambda cf: cf.package("x")),
    ("GET", "/v3/droplets/x", lambda cf: cf.droplet("x")),
    ("GET", "/v3/deployments/x", lambda cf: cf.deployment("x")),
    ("GET", "/v3/processes/x", lambda cf: cf.process("x")),
    ("GET", "/v3/processes/x/stats", lambda cf: cf.stats("x")),
    ("GET", "/v3/tasks/x", lambda cf: cf.task("x")),
    ("GET", "/v3/jobs/x", lambda cf: cf.job("x")),
    ("GET", "/v3/apps/x/processes", lambda cf: cf.processes("x")),
    ("GET", "/v3/apps/x/routes", lambda cf: cf.routes("x")),
    ("GET", "/v3/apps/x/revisions", lambda cf: cf.revisions("x")),
    ("GET", "/v3/apps/x/tasks", lambda cf: cf.tasks("x")),
    ("GET", "/v3/apps", lambda cf: cf.apps(space_guids=["x"])),
    ("GET", "/v3/spaces", lambda cf: cf.spaces("x")),
    ("GET", "/v3/service_credential_bindings", lambda cf: cf.bindings("x")),
    ("GET", "/v3/service_instances", lambda cf: cf.service_instances("x")),
    ("GET", "/v3/audit_events", lambda cf: cf.audit_events(["x"])),
    ("GET", "/v3/apps/x/environment_variables", lambda cf: cf.environment_variables("x")),
    ("POST", "/v3/builds", lambda cf: cf.create_build("x")),
    ("POST", "/v3/packages", lambda cf: cf.create_package("x", {})),
    ("POST", "/v3/deployments", lambda cf: cf.create_deployment("x")),
    ("POST", "/v3/apps/x/tasks", lambda cf: cf.create_task("x", "true", "t")),
    ("POST", "/v3/resource_matches", lambda cf: cf.match_resources([Resource("a", "0" * 40, 1)])),
]
HOSTILE = {
    "HTML": b"<!doctype html><title>Sign in to the proxy</title>",
    "nothing": b"",
    "half an object": b'{"guid": "x", "state": "STAG',
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"7",
    "null": b"null",
    "too deep": b"[" * 100_000,
    "binary": bytes(range(256)),
    "a number too long": b'{"guid": ' + b"9" * 5000 + b"}",
    "a wrong list": b'{"resources": {"a": 1}, "guid": 7, "var": 7, "envelopes": 7}',
    "a list of wrong things": b'{"resources": [null, 7], "guid": [], "var": [1]}',
}


@pytest.mark.parametrize(("method", "path", "ask"), ASKS, ids=[f"{one[0]} {one[1]}" for one in ASKS])
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_answer_that_is_not_the_platforms_is_a_bad_answer(
    wire: responses.RequestsMock,
    cf: Foundation,
    method: str,
    path: str,
    ask: Callable[[Foundation], object],
    body: bytes,
) -> None:
    wire.add(method, API + path, body=body, status=200, headers={"X-VCAP-Request-ID": "r-9"})
    with pytest.raises(BadAnswer) as error:
        ask(cf)
    assert error.value.request_id == "r-9"
    assert error.value.maybe_done is (method == "POST" and "resource_matches" not in path)


def test_an_answer_larger_than_accepted_is_not_kept(wire: responses.RequestsMock, time: Time) -> None:
    small = Foundation(
        API, username="u", password="p", max_answer_bytes=1000, sleep=time.sleep, clock=time.clock
    )
    wire.get(f"{API}/v3/builds/b1", body=b'{"guid": "' + b"x" * 100_000 + b'"}')
    with pytest.raises(BadAnswer, match="larger"):
        small.build("b1")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["STAGED", "2026-11-23T07:00:00Z", "9999-99-99T99:99:99Z"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "guid",
                    "name",
                    "state",
                    "type",
                    "data",
                    "app",
                    "metadata",
                    "labels",
                    "relationships",
                    "status",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
KEYS = [
    "guid",
    "name",
    "state",
    "type",
    "url",
    "version",
    "instances",
    "resources",
    "metadata",
    "relationships",
    "status",
    "lifecycle",
    "droplet",
    "data",
    "result",
    "usage",
    "created_at",
    "updated_at",
    "pagination",
    "included",
    "errors",
    "envelopes",
    "var",
    "actor",
    "target",
    "health_check",
]


@given(
    body=st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, JSON)) | JSON,
    which=st.sampled_from(range(len(ASKS))),
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_answer_whatever_breaks_the_client(body: object, which: int) -> None:
    method, path, ask = ASKS[which]
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(f"{API}/", json={"links": {"login": {"href": UAA}}})
        mock.post(f"{UAA}/oauth/token", json=token(TOKEN))
        mock.add(method, API + path, body=json.dumps(body))
        try:
            shown = repr(ask(Foundation(API, username="u", password="p", sleep=lambda _: None)))
        except CloudFoundryError as error:
            shown = str(error)
    assert shown


@given(body=JSON)
@settings(max_examples=60, deadline=None)
def test_no_log_answer_whatever_breaks_the_client(body: object) -> None:
    envelope = {
        "timestamp": "1",
        "log": {"payload": "eA==", "type": "OUT"},
        "tags": body,
        "instance_id": body,
    }
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(f"{API}/", json={"links": {"login": {"href": UAA}, "log_cache": {"href": LOGS}}})
        mock.post(f"{UAA}/oauth/token", json=token(TOKEN))
        mock.get(f"{LOGS}/api/v1/read/a1", body=json.dumps({"envelopes": {"batch": [envelope]}}))
        cf = Foundation(API, username="u", password="p", sleep=lambda _: None)
        assert len(cf.read_logs("a1", 0)) <= 1


@given(text=st.text(alphabet=st.characters()))
def test_no_text_of_the_platforms_is_one_that_a_database_cannot_keep(text: str) -> None:
    kept = Fields({"name": text, "more": {"a": text}}).texts("more")["a"]
    assert kept == Fields({"name": text}).text("name")
    assert "\x00" not in kept
    assert kept.encode("utf-8").decode("utf-8") == kept
