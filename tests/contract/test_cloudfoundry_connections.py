"""The platform client on real connections: dropped, hung, dripping, refused, and shared by many threads."""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path

import pytest

from opsportal.adapters.cloudfoundry import (
    BadAnswer,
    BodyUnreadable,
    Foundation,
    Resource,
    RetryPolicy,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from opsportal.kit.http import session
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

BUILD = {"guid": "b1", "state": "STAGING"}
PACKAGE = {"guid": "p1", "state": "PROCESSING_UPLOAD"}


@pytest.fixture
def platform() -> Iterator[tuple[str, Script]]:
    with scripted_server() as (url, script):
        script.on("GET /", says({"links": {"login": {"href": url}, "log_cache": {"href": url}}}))
        script.on(
            "POST /oauth/token", says({"access_token": "t1", "token_type": "bearer", "expires_in": 599})
        )
        yield url, script


def client(url: str, **more: object) -> Foundation:
    patience = {"timeout": (1.0, 0.3), "upload_timeout": (1.0, 5.0), "retry": RetryPolicy(3, 5.0, 0.01)}
    return Foundation(url, username="portal", password="secret", **{**patience, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("broken", [hangs_up, stops_halfway, says_nothing])
def test_a_read_survives_a_broken_connection(platform: tuple[str, Script], broken: object) -> None:
    url, script = platform
    script.on("GET /v3/builds/b1", broken, says(BUILD))  # type: ignore[arg-type]
    assert client(url).build("b1").guid == "b1"
    assert len(script.asked("GET /v3/builds/b1")) == 2


@pytest.mark.parametrize("broken", [hangs_up, stops_halfway, says_nothing])
def test_a_creation_that_broke_off_is_not_repeated_and_may_be_done(
    platform: tuple[str, Script], broken: object
) -> None:
    url, script = platform
    script.on("POST /v3/builds", broken)  # type: ignore[arg-type]
    with pytest.raises(Unavailable) as error:
        client(url).create_build("p1")
    assert error.value.maybe_done
    assert len(script.asked("POST /v3/builds")) == 1


def test_nothing_listening_means_that_nothing_was_done() -> None:
    slept: list[float] = []
    cf = client(f"http://127.0.0.1:{free_port()}", sleep=slept.append)
    with pytest.raises(Unavailable, match="refused") as error:
        cf.create_build("p1")
    assert not error.value.maybe_done
    assert len(slept) == 2


def test_an_earlier_refused_call_does_not_make_a_broken_one_safe_to_repeat(
    platform: tuple[str, Script],
) -> None:
    url, script = platform
    script.on("POST /v3/builds", hangs_up)
    try:
        client(f"http://127.0.0.1:{free_port()}").build("b1")
    except Unavailable:
        with pytest.raises(Unavailable) as error:
            client(url).create_build("p1")
    assert error.value.maybe_done
    assert len(script.asked("POST /v3/builds")) == 1


def test_an_answer_that_only_drips_comes_to_an_end(
    platform: tuple[str, Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    from opsportal.adapters.cloudfoundry import transport

    monkeypatch.setattr(transport, "_ANSWER_SECONDS", 0.3)
    url, script = platform
    script.on("GET /v3/builds/b1", drips)
    with pytest.raises(Unavailable, match="too long"):
        client(url, retry=RetryPolicy(1)).build("b1")


def test_a_small_answer_that_unpacks_into_a_huge_one_is_refused(platform: tuple[str, Script]) -> None:
    import gzip

    url, script = platform
    bomb = gzip.compress(b" " * 50_000_000)
    script.on("GET /v3/builds/b1", text(bomb, Content_Encoding="gzip"))
    with pytest.raises(BadAnswer, match="larger"):
        client(url, max_answer_bytes=1_000_000).build("b1")


def test_a_broken_compression_is_a_failed_read(platform: tuple[str, Script]) -> None:
    url, script = platform
    script.on("GET /v3/builds/b1", text(b"not gzip at all", Content_Encoding="gzip"), says(BUILD))
    assert client(url).build("b1").guid == "b1"


def test_a_platform_that_moved_is_found_through_its_root(platform: tuple[str, Script]) -> None:
    url, script = platform
    with scripted_server() as (logs, elsewhere):
        script.on("GET /", says({"links": {"login": {"href": url}, "log_cache": {"href": logs}}}))
        elsewhere.on("GET /api/v1/read/a1", says({"envelopes": {"batch": []}}, Connection="close"))
        cf = client(url)
        assert cf.read_logs("a1", 0) == []
    script.on("GET /", says({"links": {"login": {"href": url}, "log_cache": {"href": url}}}))
    script.on("GET /api/v1/read/a1", says({"envelopes": {"batch": []}}))
    with pytest.raises(Unavailable):
        cf.read_logs("a1", 0)
    assert cf.read_logs("a1", 0) == []


def test_names_under_localhost_are_reached_on_this_machine_by_their_name(
    platform: tuple[str, Script],
) -> None:
    url, script = platform
    named = url.replace("127.0.0.1", "api.cloud.localhost")
    script.on("GET /", says({"links": {"login": {"href": named}}}))
    script.on("GET /v3/builds/b1", says(BUILD))
    assert client(named).build("b1").guid == "b1"
    assert {one.headers["Host"] for one in script.seen} == {named.removeprefix("http://")}


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(
    platform: tuple[str, Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, script = platform
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    script.on("GET /v3/builds/b1", says(BUILD))
    assert client(url).build("b1").guid == "b1"


def test_the_proxy_variables_are_read_once_for_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def proxies(url: str, no_proxy: str | None = None) -> dict[str, str]:
        read.append(url)
        return {"https": f"http://127.0.0.1:{free_port()}"}

    monkeypatch.setattr("requests.sessions.get_environ_proxies", proxies)
    made = session(user_agent="test")
    for path in ("a", "b", "c"):
        chosen = made.merge_environment_settings(f"https://api.example.test/{path}", {}, True, None, None)
        assert set(chosen["proxies"]) == {"https"}
    made.merge_environment_settings("https://uaa.example.test/", {}, True, None, None)
    assert read == ["https://api.example.test/a", "https://uaa.example.test/"]


# Many at once


def test_a_crowd_signs_in_once(platform: tuple[str, Script]) -> None:
    url, script = platform
    script.on("GET /v3/builds/b1", says(BUILD))
    cf, gate = client(url, timeout=(5.0, 10.0)), threading.Barrier(24)

    def ask(_: int) -> str:
        gate.wait(20)
        return cf.build("b1").guid

    with ThreadPoolExecutor(24) as crowd:
        assert set(crowd.map(ask, range(24))) == {"b1"}
    assert len(script.asked("POST /oauth/token")) == 1
    assert len(script.asked("GET /")) == 1


def test_a_crowd_with_refused_credentials_tries_them_once(platform: tuple[str, Script]) -> None:
    url, script = platform
    script.on(
        "POST /oauth/token", says({"error": "unauthorized", "error_description": "Bad credentials"}, 401)
    )
    cf = client(url, timeout=(5.0, 10.0))

    def ask(_: int) -> type[Exception]:
        with pytest.raises(Unauthenticated) as error:
            cf.build("b1")
        return type(error.value)

    with ThreadPoolExecutor(12) as crowd:
        assert set(crowd.map(ask, range(12))) == {Unauthenticated}
    assert len(script.asked("POST /oauth/token")) == 1


def test_connections_are_kept_and_used_again(platform: tuple[str, Script]) -> None:
    url, script = platform
    script.on("GET /v3/builds/b1", says(BUILD))
    script.on("GET /v3/builds/gone", says({"errors": []}, 422))
    cf = client(url)
    for _ in range(5):
        cf.build("b1")
        with pytest.raises(Unprocessable):
            cf.build("gone")
    assert len({one.peer for one in script.seen}) == 1


# Uploads


def parts(seen: object) -> dict[str, bytes]:
    """Take a form apart with the standard library's own parser."""
    head = f"Content-Type: {seen.headers['Content-Type']}\r\n\r\n".encode()  # type: ignore[attr-defined]
    message = BytesParser(policy=HTTP).parsebytes(head + seen.body)  # type: ignore[attr-defined]
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
        for part in message.iter_parts()  # type: ignore[attr-defined]
    }


@pytest.mark.parametrize("as_path", [True, False])
def test_an_upload_is_a_form_of_known_length_with_both_parts(
    platform: tuple[str, Script], tmp_path: Path, as_path: bool
) -> None:
    url, script = platform
    script.on("POST /v3/packages/p1/upload", says(PACKAGE))
    content, told = os.urandom(300_001), []
    (tmp_path / "bits.zip").write_bytes(content)
    known = [Resource("manage.py", "a" * 40, 12, "755")]
    bits = tmp_path / "bits.zip" if as_path else io.BytesIO(content)
    package = client(url).upload_bits("p1", known, bits, lambda sent, total: told.append((sent, total)))
    [seen] = script.asked("POST /v3/packages/p1/upload")
    form = parts(seen)
    assert package.state == "PROCESSING_UPLOAD"
    assert list(form) == ["resources", "bits"]
    assert form["bits"] == content
    assert json.loads(form["resources"])[0]["checksum"] == {"value": "a" * 40}
    assert int(seen.headers["Content-Length"]) == len(seen.body)
    assert "Transfer-Encoding" not in seen.headers
    assert told == sorted(told)
    assert told[-1] == (300_001, 300_001)


def test_when_all_is_known_only_the_list_is_sent(platform: tuple[str, Script]) -> None:
    url, script = platform
    script.on("POST /v3/packages/p1/upload", says(PACKAGE))
    client(url).upload_bits("p1", [Resource("a", "a" * 40, 1)], None)
    assert list(parts(script.asked("POST /v3/packages/p1/upload")[0])) == ["resources"]


def test_an_upload_goes_again_from_its_start_with_a_new_token_or_after_a_rate_limit(
    platform: tuple[str, Script],
) -> None:
    url, script = platform
    script.on("POST /v3/packages/p1/upload", says({"errors": []}, 401), text("{}", 429), says(PACKAGE))
    bits = io.BytesIO(b"skipped" + b"z" * 100_000)
    bits.seek(7)
    client(url).upload_bits("p1", [], bits)
    seen = script.asked("POST /v3/packages/p1/upload")
    assert [parts(one)["bits"] for one in seen] == [b"z" * 100_000] * 3


def test_an_upload_that_broke_off_may_be_done(platform: tuple[str, Script]) -> None:
    url, script = platform
    script.on("POST /v3/packages/p1/upload", hangs_up)
    with pytest.raises(Unavailable) as error:
        client(url).upload_bits("p1", [], io.BytesIO(b"z" * 10))
    assert error.value.maybe_done
    assert len(script.asked("POST /v3/packages/p1/upload")) == 1


def test_an_upload_over_the_size_limit_is_refused_in_words(platform: tuple[str, Script]) -> None:
    url, script = platform
    script.on("POST /v3/packages/p1/upload", text("<html>413</html>", 413))
    with pytest.raises(Unprocessable, match="larger"):
        client(url).upload_bits("p1", [], io.BytesIO(b"z" * 10))


class Shrinking(io.BytesIO):
    """A file that someone truncates while it is sent."""

    def read(self, size: int | None = -1, /) -> bytes:
        return b""


class Failing(io.BytesIO):
    """A file on a disk that fails."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("bits", [Shrinking(b"z" * 10), Failing(b"z" * 10), Path("/nowhere/bits.zip")])
def test_a_file_that_cannot_be_read_is_not_blamed_on_the_platform(
    platform: tuple[str, Script], bits: io.BytesIO | Path
) -> None:
    url, _ = platform
    with pytest.raises(BodyUnreadable):
        client(url).upload_bits("p1", [], bits)


def test_someone_who_watches_can_stop_an_upload(platform: tuple[str, Script]) -> None:
    class Stopped(Exception):
        pass

    def stop(_sent: int, _total: int) -> None:
        raise Stopped

    url, _ = platform
    with pytest.raises(Stopped):
        client(url).upload_bits("p1", [], io.BytesIO(b"z" * 1_000_000), stop)


UPLOADER = """
import pathlib, resource, sys
from opsportal.adapters.cloudfoundry import Foundation
cf = Foundation(sys.argv[1], username="u", password="p")
cf.labels("packages", "p1")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cf.upload_bits("p1", [], pathlib.Path(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_big_upload_is_never_in_memory(tmp_path: Path) -> None:
    with scripted_server() as (url, script):
        script.on("GET /", says({"links": {"login": {"href": url}}}))
        script.on("POST /oauth/token", says({"access_token": "t", "token_type": "bearer"}))
        script.on("GET /v3/packages/p1", says({"guid": "p1"}))
        script.on("POST /v3/packages/p1/upload", says(PACKAGE))
        with (tmp_path / "bits.zip").open("wb") as file:
            file.truncate(120 * 1024 * 1024)
        command = [sys.executable, "-c", UPLOADER, url, str(tmp_path / "bits.zip")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    grown_kb = int(done.stdout) if done.returncode == 0 else pytest.fail(done.stderr)
    assert grown_kb < 16 * 1024
