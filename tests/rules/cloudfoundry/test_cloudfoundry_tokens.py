"""Signing in: when a token is asked for, and what a refusal leads to."""

import json
from typing import Any

import pytest
import responses

from opsportal.adapters.cloudfoundry import (
    BadAnswer,
    Foundation,
    Unauthenticated,
    Unavailable,
)
from tests.support.platform_wire import API, PASSWORD, TOKEN, UAA, Time, asked, refused, token


def test_one_token_serves_many_calls_and_is_replaced_before_it_ends(
    wire: responses.RequestsMock, cf: Foundation, time: Time
) -> None:
    wire.get(f"{API}/v3/builds/b1", json={"guid": "b1", "state": "STAGING"})
    for moment in (0, 500, 545, 1000):
        time.now = 1000 + moment
        cf.build("b1")
    assert len(asked(wire, "POST", "/oauth/token")) == 2


def test_a_token_that_the_platform_refuses_is_replaced_once_and_the_call_repeated(
    wire: responses.RequestsMock, cf: Foundation
) -> None:
    wire.post(f"{API}/v3/builds", **refused(401, "CF-InvalidAuthToken"))
    wire.post(f"{API}/v3/builds", status=201, json={"guid": "b1", "state": "STAGING"})
    wire.replace(responses.POST, f"{UAA}/oauth/token", json=token("first"))
    wire.post(f"{UAA}/oauth/token", json=token("second"))
    cf.create_build("p1")
    sent = [one.headers["Authorization"] for one in asked(wire, "POST", "/v3/builds")]
    assert sent == ["bearer first", "bearer second"]


def test_a_platform_that_takes_no_token_is_not_asked_for_ever(
    wire: responses.RequestsMock, cf: Foundation
) -> None:
    wire.get(f"{API}/v3/builds/b1", **refused(401, "CF-InvalidAuthToken"))
    with pytest.raises(Unauthenticated):
        cf.build("b1")
    assert len(asked(wire, "GET", "/v3/builds/b1")) == 2


def test_refused_credentials_are_not_tried_again_at_once_so_that_no_account_is_locked(
    wire: responses.RequestsMock, cf: Foundation, time: Time
) -> None:
    wire.replace(
        responses.POST,
        f"{UAA}/oauth/token",
        status=401,
        json={"error": "unauthorized", "error_description": f"Bad credentials {PASSWORD}"},
    )
    for _ in range(5):
        with pytest.raises(Unauthenticated) as error:
            cf.build("b1")
    assert len(asked(wire, "POST", "/oauth/token")) == 1
    assert PASSWORD not in str(error.value)
    assert "Bad credentials" in str(error.value)
    time.now += 121
    wire.replace(responses.POST, f"{UAA}/oauth/token", json=token(TOKEN))
    wire.get(f"{API}/v3/builds/b1", json={"guid": "b1", "state": "STAGING"})
    assert cf.build("b1").guid == "b1"


def test_a_token_near_its_end_still_serves_while_uaa_is_away(
    wire: responses.RequestsMock, cf: Foundation, time: Time
) -> None:
    wire.get(f"{API}/v3/builds/b1", json={"guid": "b1", "state": "STAGING"})
    cf.build("b1")
    wire.replace(responses.POST, f"{UAA}/oauth/token", status=503)
    time.now += 560
    assert cf.build("b1").guid == "b1"
    assert time.slept == []
    time.now += 60
    with pytest.raises(Unavailable):
        cf.build("b1")


def test_a_password_signs_in_through_the_public_client_and_a_secret_by_itself(
    wire: responses.RequestsMock,
) -> None:
    wire.get(f"{API}/v3/builds/b1", json={"guid": "b1", "state": "STAGING"})
    Foundation(API, username="portal", password=PASSWORD).build("b1")
    Foundation(API, client_id="robot", client_secret="s3cret").build("b1")
    by_password, by_secret = asked(wire, "POST", "/oauth/token")
    assert by_password.headers["Authorization"].startswith("Basic ")
    assert "grant_type=password" in str(by_password.body)
    assert "Authorization" not in by_secret.headers
    assert "grant_type=client_credentials&client_id=robot&client_secret=s3cret" in str(by_secret.body)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"access_token": "", "token_type": "bearer"},
        {"access_token": "a\r\nX-Evil: 1", "token_type": "bearer"},
        {"access_token": "ключ", "token_type": "bearer"},
        {"access_token": 7, "token_type": "bearer"},
        {"access_token": "a", "token_type": "mac"},
        {"access_token": "a", "token_type": "bearer", "expires_in": float("nan")},
    ],
)
def test_an_odd_token_is_the_platforms_bad_answer(
    wire: responses.RequestsMock, cf: Foundation, answer: dict[str, Any]
) -> None:
    wire.replace(responses.POST, f"{UAA}/oauth/token", body=json.dumps(answer))
    with pytest.raises(BadAnswer):
        cf.build("b1")
