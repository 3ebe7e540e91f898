"""What an error tells, and what it keeps to itself."""

import logging

import pytest
import responses

from opsportal.adapters.cloudfoundry import (
    CloudFoundryError,
    Conflict,
    Foundation,
    NotAuthorized,
    NotFound,
    RateLimited,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from tests.support.platform_wire import API, PASSWORD, TOKEN, refused


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Unprocessable),
        (401, Unauthenticated),
        (403, NotAuthorized),
        (404, NotFound),
        (409, Conflict),
        (410, CloudFoundryError),
        (413, Unprocessable),
        (418, CloudFoundryError),
        (422, Unprocessable),
        (429, RateLimited),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_a_refusal_becomes_the_error_of_its_kind(
    wire: responses.RequestsMock, cf: Foundation, status: int, kind: type[CloudFoundryError]
) -> None:
    wire.post(
        f"{API}/v3/builds",
        **refused(status, "CF-Title", "the reason", 17),
        headers={"X-VCAP-Request-ID": "r-1"},
    )
    with pytest.raises(CloudFoundryError) as error:
        cf.create_build("p1")
    facts = error.value
    assert type(facts) is kind
    assert (facts.status, facts.title, facts.code, facts.detail) == (status, "CF-Title", 17, "the reason")
    assert (facts.request_id, facts.method, facts.path) == ("r-1", "POST", "/v3/builds")
    assert str(facts) == f"POST /v3/builds: {status} CF-Title, the reason (request r-1)"


def test_a_404_from_the_router_does_not_say_that_the_app_is_gone(
    wire: responses.RequestsMock, cf: Foundation
) -> None:
    body = "404 Not Found: Requested route ('api.example.gov') does not exist."
    wire.get(f"{API}/v3/apps/a1/processes", status=404, body=body)
    with pytest.raises(Unavailable):
        cf.processes("a1")


def test_an_app_without_a_droplet_is_told_from_an_app_that_is_gone(
    wire: responses.RequestsMock, cf: Foundation
) -> None:
    wire.get(f"{API}/v3/apps/a1/droplets/current", **refused(404, "CF-ResourceNotFound", "Droplet not found"))
    wire.get(f"{API}/v3/apps/a2/droplets/current", **refused(404, "CF-ResourceNotFound", "App not found"))
    assert cf.current_droplet("a1") is None
    with pytest.raises(NotFound):
        cf.current_droplet("a2")


def test_every_problem_of_a_refused_manifest_is_told(wire: responses.RequestsMock, cf: Foundation) -> None:
    problems = [{"code": 10008, "title": "CF-UnprocessableEntity", "detail": text} for text in ("one", "two")]
    wire.post(f"{API}/v3/spaces/s1/actions/apply_manifest", status=422, json={"errors": problems})
    with pytest.raises(Unprocessable) as error:
        cf.apply_manifest("s1", "applications: []")
    assert [one.detail for one in error.value.problems] == ["one", "two"]
    assert "one; two" in str(error.value)


@pytest.mark.parametrize(
    "said",
    [
        f"bearer {TOKEN}",
        "Authorization: Bearer eyJhbGciOi.eyJqdGki.c2ln",
        "line\nbreak\x1b[31m and \x00 control",
        "x" * 100_000,
    ],
)
def test_an_error_is_one_bounded_line_without_tokens(
    wire: responses.RequestsMock, cf: Foundation, said: str
) -> None:
    wire.get(f"{API}/v3/builds/b1", **refused(422, said, said), headers={"X-VCAP-Request-ID": "r"})
    with pytest.raises(Unprocessable) as error:
        cf.build("b1")
    shown = str(error.value)
    assert TOKEN not in shown
    assert "eyJ" not in shown
    assert shown.isprintable()
    assert len(shown) < 3000


def test_nothing_secret_is_logged_or_shown(
    wire: responses.RequestsMock, cf: Foundation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = f"{API}/v3/apps/a1/environment_variables"
    wire.patch(address, json={"var": {"KEY": "hush-hush"}})
    cf.set_environment_variables("a1", {"KEY": "hush-hush"})
    shown = caplog.text + repr(cf) + str(vars(cf)) + repr(cf.recent_requests)
    for secret in (TOKEN, PASSWORD, "hush-hush"):
        assert secret not in shown


def test_warnings_are_passed_on_in_words(wire: responses.RequestsMock, cf: Foundation) -> None:
    heard: list[str] = []
    cf.on_warning = heard.append
    wire.get(
        f"{API}/v3/builds/b1",
        json={"guid": "b1", "state": "STAGING"},
        headers={"X-Cf-Warnings": "Stack%20is%20old%2C%20really,Second+one, ,"},
    )
    cf.build("b1")
    assert heard == ["Stack is old, really", "Second one"]


def test_each_attempt_is_remembered_with_the_platforms_request_id(
    wire: responses.RequestsMock, cf: Foundation
) -> None:
    wire.get(f"{API}/v3/builds/b1", status=503, headers={"X-VCAP-Request-ID": "r-1"})
    wire.get(
        f"{API}/v3/builds/b1",
        json={"guid": "b1", "state": "STAGING"},
        headers={"X-VCAP-Request-ID": "r-2"},
    )
    cf.build("b1")
    assert [(one.path, one.status, one.request_id) for one in cf.recent_requests[-2:]] == [
        ("/v3/builds/b1", 503, "r-1"),
        ("/v3/builds/b1", 200, "r-2"),
    ]
