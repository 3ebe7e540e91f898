"""Downloading a droplet: where the token goes along, and what is no whole download."""

from pathlib import Path

import pytest
import responses

from opsportal.adapters.cloudfoundry import BadAnswer, Foundation, NotAuthorized, Unavailable
from tests.support.platform_wire import API, PASSWORD, TOKEN
from tests.support.scripted_server import says, scripted_server, stops_halfway, text

WHERE = f"{API}/v3/droplets/d1/download"
SIGNED = "https://blobs.example.org/bits?signature=abc"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where it is written to."""
    return tmp_path / "droplet.tgz"


def test_a_signed_address_elsewhere_is_followed_without_the_token(
    wire: responses.RequestsMock, cf: Foundation, target: Path
) -> None:
    wire.get(WHERE, status=302, headers={"Location": SIGNED})
    wire.get(SIGNED, body=b"the bits")
    assert cf.download_droplet("d1", target, max_bytes=100) == 8
    assert target.read_bytes() == b"the bits"
    asked = {call.request.url: call.request.headers.get("Authorization", "") for call in wire.calls}
    assert TOKEN in asked[WHERE]
    assert asked[SIGNED] == ""


@pytest.mark.parametrize("link", ["http://blobs.example.org/bits", "file:///etc/passwd", "ftp://x/y"])
def test_a_redirect_to_somewhere_less_private_is_not_followed(
    wire: responses.RequestsMock, cf: Foundation, target: Path, link: str
) -> None:
    wire.get(WHERE, status=302, headers={"Location": link})
    with pytest.raises(BadAnswer, match="nowhere safe"):
        cf.download_droplet("d1", target, max_bytes=100)


def test_a_redirect_in_a_circle_comes_to_an_end(
    wire: responses.RequestsMock, cf: Foundation, target: Path
) -> None:
    wire.get(WHERE, status=302, headers={"Location": WHERE})
    with pytest.raises(BadAnswer, match="again and again"):
        cf.download_droplet("d1", target, max_bytes=100)


def test_what_may_not_be_downloaded_is_told_as_the_platform_tells_it(
    wire: responses.RequestsMock, cf: Foundation, target: Path
) -> None:
    no = {"errors": [{"code": 10003, "title": "CF-NotAuthorized", "detail": "You are not authorized"}]}
    wire.get(WHERE, status=403, json=no)
    with pytest.raises(NotAuthorized, match="not authorized"):
        cf.download_droplet("d1", target, max_bytes=100)


def test_more_than_allowed_is_given_up_before_it_is_all_here(target: Path) -> None:
    with scripted_server() as (url, script):
        _platform(url, script)
        script.on("GET /v3/droplets/d1/download", text(b"x" * 5_000_000))
        cf = Foundation(url, username="portal", password=PASSWORD)
        with pytest.raises(BadAnswer, match="larger than 1000000"):
            cf.download_droplet("d1", target, max_bytes=1_000_000)
    assert target.stat().st_size <= 1_000_000


def test_a_download_that_ends_early_is_no_download(target: Path) -> None:
    with scripted_server() as (url, script):
        _platform(url, script)
        script.on("GET /v3/droplets/d1/download", stops_halfway)
        cf = Foundation(url, username="portal", password=PASSWORD)
        with pytest.raises(Unavailable):
            cf.download_droplet("d1", target, max_bytes=1_000_000)


def _platform(url: str, script: object) -> None:
    """A root and a token."""
    links = {name: {"href": url} for name in ("cloud_controller_v3", "login", "uaa")}
    script.on("GET /", says({"links": links}))
    script.on("POST /oauth/token", says({"access_token": "a.b.c", "token_type": "bearer", "expires_in": 600}))
