"""Asking an application for its small pages, and sessions that time out, over real connections."""

from collections.abc import Callable, Iterator

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from opsportal.kit.http import DEFAULT_TIMEOUT, fetch_json, is_localhost_name, origin, session
from tests.support.scripted_server import (
    Script,
    drips,
    free_port,
    hangs_up,
    says,
    says_nothing,
    scripted_server,
    stops_halfway,
    text,
)


@pytest.fixture
def app() -> Iterator[tuple[str, Script]]:
    with scripted_server() as (url, script):
        yield url.replace("127.0.0.1", "getgov-ab.app.localhost"), script


def test_an_apps_version_is_read_by_its_name_on_this_machine(app: tuple[str, Script]) -> None:
    url, script = app
    script.on("GET /version", says({"commit": "abc"}))
    found = fetch_json(f"{url}/version")
    assert (found.ok, found.status, found.data, found.problem) == (True, 200, {"commit": "abc"}, "")
    assert script.seen[0].headers["Host"] == url.removeprefix("http://")
    assert "Authorization" not in script.seen[0].headers


def test_a_health_page_need_not_be_json(app: tuple[str, Script]) -> None:
    url, script = app
    script.on("GET /health", text("OK"))
    found = fetch_json(f"{url}/health")
    assert (found.ok, found.data, found.text) == (True, None, "OK")


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_failing_page_tells_its_status(app: tuple[str, Script], status: int) -> None:
    url, script = app
    script.on("GET /health", text("<h1>no</h1>", status))
    found = fetch_json(f"{url}/health")
    assert (found.ok, found.status, found.problem) == (False, status, "")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (hangs_up, "closed"),
        (stops_halfway, "closed"),
        (says_nothing, "no answer"),
        (drips, "too long"),
        (text("x" * 5000), "larger"),
        (text("not gzip at all", Content_Encoding="gzip"), "compression"),
        (text("", 302, Location="http://other.app.localhost:1/"), "another host"),
        (text("", 302, Location="https://evil.example.org/"), "another host"),
        (text("", 302, Location="file:///etc/passwd"), "another host"),
        (text("", 302, Location="/health"), "again and again"),
    ],
)
def test_whatever_the_app_does_there_are_words_for_it(
    app: tuple[str, Script], answer: Callable[..., None], words: str
) -> None:
    url, script = app
    script.on("GET /health", answer)
    found = fetch_json(f"{url}/health", timeout=0.2, max_bytes=1000)
    assert not found.ok
    assert words in found.problem


def test_an_app_that_is_not_there_is_no_exception() -> None:
    found = fetch_json(f"http://gone.app.localhost:{free_port()}/health")
    assert (found.status, found.problem) == (None, "the connection was refused")


@pytest.mark.parametrize(
    "url", ["", "health", "ftp://a/", "file:///etc/passwd", "http://", "http://a:b@c/", "//a"]
)
def test_only_web_addresses_are_asked(url: str) -> None:
    assert fetch_json(url).problem == "the address is not valid"


def test_a_redirect_on_the_same_host_is_followed(app: tuple[str, Script]) -> None:
    url, script = app
    script.on("GET /health", text("", 301, Location="/health/"))
    script.on("GET /health/", says({"fine": True}))
    found = fetch_json(f"{url}/health")
    assert (found.ok, found.data, found.url) == (True, {"fine": True}, f"{url}/health/")


@pytest.mark.parametrize("body", ["[" * 100_000, "9" * 5000, "\ud800".encode("utf-8", "surrogatepass")])
def test_a_body_that_is_nearly_json_is_text(app: tuple[str, Script], body: str | bytes) -> None:
    url, script = app
    script.on("GET /version", text(body))
    found = fetch_json(f"{url}/version")
    assert (found.ok, found.data) == (True, None)
    assert len(found.text) <= 2000


def test_a_session_gives_up_by_itself_and_repeats_only_reads(app: tuple[str, Script]) -> None:
    url, script = app
    http = session(user_agent="test", timeout=(1.0, 0.2), retries=2)
    script.on("GET /", text("", 503), text("", 502), says({}))
    script.on("POST /", says_nothing)
    assert http.get(url).status_code == 200
    with pytest.raises(requests.ReadTimeout):
        http.post(url)
    assert len(script.asked("POST /")) == 1
    assert script.seen[0].headers["User-Agent"] == "test"
    assert DEFAULT_TIMEOUT == (3.05, 30.0)


def test_a_session_keeps_no_cookies(app: tuple[str, Script]) -> None:
    url, script = app
    script.on("GET /", says({}, Set_Cookie="session=stolen; Path=/"))
    http = session(user_agent="test")
    http.get(url)
    http.get(url)
    assert "Cookie" not in script.seen[-1].headers


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("A.LocalHost.", True),
        ("notlocalhost", False),
        ("localhost.example.gov", False),
        ("", False),
    ],
)
def test_names_under_localhost_are_known(host: str, here: bool) -> None:
    assert is_localhost_name(host) is here


@given(st.text())
def test_an_origin_is_a_place_or_a_value_error(url: str) -> None:
    try:
        scheme, host, port = origin(url)
    except ValueError:
        return
    assert scheme in {"http", "https"}
    assert host
    assert 0 <= port < 65536


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.gov", "https://A.gov:443/x?y", True),
        ("http://a.gov:80", "http://a.gov./", True),
        ("http://a.gov", "https://a.gov", False),
        ("http://a.gov", "http://a.gov:8080", False),
        ("http://a.gov", "http://b.a.gov", False),
    ],
)
def test_two_addresses_are_the_same_place_or_not(one: str, other: str, same: bool) -> None:
    assert (origin(one) == origin(other)) is same
