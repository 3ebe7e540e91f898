"""What is asked again, after how long, and what is never sent twice."""

import json

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from opsportal.adapters.cloudfoundry import (
    CloudFoundryError,
    Foundation,
    RateLimited,
    Resource,
    RetryPolicy,
    Unavailable,
)
from opsportal.adapters.cloudfoundry.retry import Failure
from tests.support.platform_wire import API, Time, asked, page, refused


@pytest.mark.parametrize(
    ("failure", "repeatable", "again"),
    [
        (Failure(429), True, True),
        (Failure(429), False, True),
        (Failure(500), True, True),
        (Failure(502), True, True),
        (Failure(503), True, True),
        (Failure(504), True, True),
        (Failure(501), True, False),
        (Failure(500), False, False),
        (Failure(502), False, False),
        (Failure(503), False, False),
        (Failure(503, retry_after=1), False, False),
        (Failure(None), True, True),
        (Failure(None), False, False),
        (Failure(None, sent=False), False, True),
        (Failure(None, sent=False), True, True),
    ],
)
def test_only_what_cannot_be_done_twice_is_asked_again(
    failure: Failure, repeatable: bool, again: bool
) -> None:
    pause = RetryPolicy().pause(failure, repeatable=repeatable, attempt=1, elapsed=0, jitter=0.5)
    assert (pause is not None) is again


@given(
    retry_after=st.none() | st.floats(0, 10_000),
    attempt=st.integers(1, 20),
    elapsed=st.floats(0, 1000),
    jitter=st.floats(0, 1),
)
def test_a_pause_keeps_the_platforms_wish_and_the_callers_patience(
    retry_after: float | None, attempt: int, elapsed: float, jitter: float
) -> None:
    policy = RetryPolicy(attempts=6, budget=30)
    pause = policy.pause(
        Failure(429, retry_after), repeatable=False, attempt=attempt, elapsed=elapsed, jitter=jitter
    )
    if pause is None:
        assert attempt >= 6 or elapsed + (retry_after or 0) + policy.cap > 30
    else:
        assert pause >= (retry_after or 0)
        assert elapsed + pause <= 30
        assert attempt < 6


def test_a_read_is_repeated_until_the_platform_is_back(
    wire: responses.RequestsMock, cf: Foundation, time: Time
) -> None:
    for status in (503, 502, 500):
        wire.get(f"{API}/v3/apps/a1/processes", status=status, body="<html>away</html>")
    wire.get(f"{API}/v3/apps/a1/processes", json=page())
    assert cf.processes("a1") == []
    assert len(time.slept) == 3


@pytest.mark.parametrize(
    ("status", "done"), [(500, True), (502, True), (503, True), (504, True), (422, False), (403, False)]
)
def test_a_creation_is_sent_once_and_says_whether_it_may_have_happened(
    wire: responses.RequestsMock, cf: Foundation, status: int, done: bool
) -> None:
    wire.post(f"{API}/v3/builds", **refused(status))
    with pytest.raises(CloudFoundryError) as error:
        cf.create_build("p1", {"opsportal-operation": "7"})
    assert error.value.maybe_done is done
    assert len(asked(wire, "POST", "/v3/builds")) == 1


def test_a_read_that_fails_has_done_nothing(wire: responses.RequestsMock, cf: Foundation) -> None:
    wire.get(f"{API}/v3/builds/b1", status=503)
    with pytest.raises(Unavailable) as error:
        cf.build("b1")
    assert not error.value.maybe_done


def test_asking_which_files_are_known_changes_nothing_and_is_repeated(
    wire: responses.RequestsMock, cf: Foundation
) -> None:
    wire.post(f"{API}/v3/resource_matches", status=502)
    wire.post(f"{API}/v3/resource_matches", status=201, json={"resources": []})
    assert cf.match_resources([Resource("a", "0" * 40, 3)]) == []


def test_variables_and_labels_are_set_again_since_saying_so_twice_is_the_same(
    wire: responses.RequestsMock, cf: Foundation
) -> None:
    address = f"{API}/v3/apps/a1/environment_variables"
    wire.patch(address, status=502)
    wire.patch(address, json={"var": {"A": "1"}})
    assert cf.set_environment_variables("a1", {"A": "1", "OLD": None}) == {"A": "1"}
    sent = asked(wire, "PATCH", "/v3/apps/a1/environment_variables")
    assert [json.loads(one.body or "") for one in sent] == [{"var": {"A": "1", "OLD": None}}] * 2


def test_a_rate_limited_creation_waits_as_long_as_the_platform_asks(
    wire: responses.RequestsMock, cf: Foundation, time: Time
) -> None:
    limited = json.dumps(refused(429, "CF-RateLimitExceeded")["json"])
    wire.post(
        f"{API}/v3/builds", status=429, body=limited, content_type="text/plain", headers={"Retry-After": "7"}
    )
    wire.post(f"{API}/v3/builds", status=201, json={"guid": "b1", "state": "STAGING"})
    assert cf.create_build("p1").guid == "b1"
    assert len(time.slept) == 1
    assert 7 <= time.slept[0] < 8


def test_a_wait_longer_than_patience_is_handed_to_the_caller(
    wire: responses.RequestsMock, cf: Foundation, time: Time
) -> None:
    body = json.dumps(refused(429, "CF-RateLimitExceeded", "slow down", 10013)["json"])
    wire.get(
        f"{API}/v3/builds/b1",
        status=429,
        body=body,
        content_type="text/plain",
        headers={"Retry-After": "900"},
    )
    with pytest.raises(RateLimited) as error:
        cf.build("b1")
    assert (error.value.retry_after, error.value.title, error.value.code) == (
        900.0,
        "CF-RateLimitExceeded",
        10013,
    )
    assert time.slept == []


@pytest.mark.parametrize("header", ["soon", "-5", "nan", "inf", "1e99", "", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_an_odd_retry_after_is_an_ordinary_pause(
    wire: responses.RequestsMock, cf: Foundation, time: Time, header: str
) -> None:
    wire.get(f"{API}/v3/builds/b1", status=429, body="?", headers={"Retry-After": header})
    wire.get(f"{API}/v3/builds/b1", json={"guid": "b1", "state": "FAILED"})
    assert cf.build("b1").failed
    assert 0 < time.slept[0] < 1


def test_the_newest_rate_limit_is_kept_and_odd_ones_are_ignored(
    wire: responses.RequestsMock, cf: Foundation
) -> None:
    names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
    for values in (("20000", "18000", "1795411726"), ("20000", "many", "1"), ("9" * 30, "1", "1")):
        wire.get(
            f"{API}/v3/builds/b1",
            json={"guid": "b1", "state": "STAGING"},
            headers=dict(zip(names, values, strict=True)),
        )
        cf.build("b1")
    assert cf.rate_limit is not None
    assert (cf.rate_limit.limit, cf.rate_limit.remaining, cf.rate_limit.reset) == (20000, 18000, 1795411726)
