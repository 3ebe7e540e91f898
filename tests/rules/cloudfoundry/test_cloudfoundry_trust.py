"""Where the token may go: to the places that the API's root names, and nowhere else."""

from typing import Any

import pytest
import responses

from opsportal.adapters.cloudfoundry import (
    BadAnswer,
    Foundation,
)
from tests.support.platform_wire import API, TOKEN, asked


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example.org/v3/apps?page=2",
        "http://api.example.gov/v3/apps?page=2",
        "https://api.example.gov:8443/v3/apps?page=2",
        "https://api.example.gov@evil.example.org/v3/apps",
        "https://evil.example.org\\@api.example.gov/v3/apps",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://api.example.gov .evil.org/",
        "https://[::1/",
        "",
    ],
)
def test_a_next_page_elsewhere_is_refused(wire: responses.RequestsMock, cf: Foundation, link: str) -> None:
    wire.get(f"{API}/v3/spaces", json={"pagination": {"next": {"href": link}}, "resources": []}, status=200)
    before = len(wire.calls)
    if link == "":
        assert cf.spaces("o1") == []
        return
    with pytest.raises(BadAnswer):
        cf.spaces("o1")
    assert len(wire.calls) == before + 3  # the root, the token, the first page


@pytest.mark.parametrize(
    "location",
    [
        None,
        "",
        "https://evil.example.org/v3/jobs/j1",
        f"{API}/v3/jobs/",
        f"{API}/v3/apps/j1",
        f"{API}/v3/jobs/..",
    ],
)
def test_a_job_elsewhere_is_refused_and_may_be_running(
    wire: responses.RequestsMock, cf: Foundation, location: str | None
) -> None:
    headers = {} if location is None else {"Location": location}
    wire.post(f"{API}/v3/spaces/s1/actions/apply_manifest", status=202, headers=headers)
    with pytest.raises(BadAnswer) as error:
        cf.apply_manifest("s1", "applications: []")
    assert error.value.maybe_done


@pytest.mark.parametrize("location", [f"{API}/v3/jobs/j1", "/v3/jobs/j1"])
def test_a_manifest_is_sent_as_yaml_and_its_job_followed(
    wire: responses.RequestsMock, cf: Foundation, location: str
) -> None:
    wire.post(f"{API}/v3/spaces/s1/actions/apply_manifest", status=202, headers={"Location": location})
    wire.get(
        f"{API}/v3/jobs/j1",
        json={
            "guid": "j1",
            "state": "FAILED",
            "errors": [{"code": 10008, "title": "CF-UnprocessableEntity", "detail": "no such service"}],
            "warnings": [{"detail": "old stack"}],
        },
    )
    started = cf.apply_manifest("s1", "applications: [{name: é}]")
    job = cf.job(started)
    sent = asked(wire, "POST", "/v3/spaces/s1/actions/apply_manifest")[0]
    assert (sent.body, sent.headers["Content-Type"]) == (
        "applications: [{name: é}]".encode(),
        "application/x-yaml",
    )
    assert (job.finished, job.failed, job.errors[0].detail, job.warnings) == (
        True,
        True,
        "no such service",
        ("old stack",),
    )


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(wire: responses.RequestsMock, cf: Foundation, status: int) -> None:
    wire.get(f"{API}/v3/builds/b1", status=status, headers={"Location": "https://evil.example.org/"})
    with pytest.raises(BadAnswer):
        cf.build("b1")
    assert all("evil" not in str(call.request.url) for call in wire.calls)


def test_an_https_platform_cannot_send_the_password_over_http(
    wire: responses.RequestsMock, cf: Foundation
) -> None:
    wire.replace(responses.GET, f"{API}/", json={"links": {"login": {"href": "http://login.example.gov"}}})
    with pytest.raises(BadAnswer, match="https"):
        cf.build("b1")
    assert len(wire.calls) == 1


def test_a_netrc_file_does_not_replace_the_token(
    wire: responses.RequestsMock, cf: Foundation, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    wire.get(f"{API}/v3/builds/b1", json={"guid": "b1", "state": "STAGING"})
    cf.build("b1")
    assert "Authorization" not in asked(wire, "GET", "/")[0].headers
    assert asked(wire, "GET", "/v3/builds/b1")[0].headers["Authorization"] == f"bearer {TOKEN}"
