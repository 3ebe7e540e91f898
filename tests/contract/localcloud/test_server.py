"""The wire itself: connections kept alive, bodies of all kinds, hosts, and who may listen where."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading

import pytest
import requests

from .control_plane import REPOSITORY, SECONDS, LocalCloud


def exchange(cloud: LocalCloud, text: bytes) -> bytes:
    """What the server sends for these bytes until it hangs up."""
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=SECONDS) as wire:
        wire.sendall(text)
        wire.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: wire.recv(65536), b""))


def test_one_connection_serves_request_after_request(cloud):
    wire = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=SECONDS)
    wire.connect()
    first = wire.sock
    for _ in range(3):
        wire.request("POST", "/v3/apps", body=b"x" * 100_000)
        answer = wire.getresponse()
        assert answer.status == 401
        assert answer.version == 11
        answer.read()
    assert wire.sock is first
    wire.close()


def test_a_body_may_come_in_chunks(cloud, boss):
    parts = (part for part in (b'{"name":', b' "gov"}'))
    answer = boss.session.post(f"{cloud.url}/v3/organizations", data=parts, timeout=SECONDS)
    assert answer.json()["errors"][0]["detail"] == "Organization 'gov' already exists."


def test_head_has_the_headers_and_no_body(cloud):
    whole = exchange(cloud, b"HEAD /v3 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    head, _, body = whole.partition(b"\r\n\r\n")
    assert b"200 OK" in head
    assert b"Content-Length" in head
    assert body == b""


def test_an_old_client_gets_its_answer_and_the_connection_ends(cloud):
    whole = exchange(cloud, b"GET /v3 HTTP/1.0\r\n\r\n")
    assert whole.startswith(b"HTTP/1.1 200 OK")
    assert whole.endswith(b"}")


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense\r\n\r\n",
        b"GET /v3 HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n",
        b"GET /v3 HTTP/9.9\r\n\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /v3/apps HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v3/apps HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"POST /v3/apps HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nshort",
        b"\x16\x03\x01\x00\xa5",
    ],
)
def test_nonsense_on_the_wire_hurts_nobody(cloud, text):
    exchange(cloud, text)
    assert cloud.nobody.call("GET", "/v3").status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:{port}", "api.localhost:{port}", "uaa.localhost"])
def test_the_api_answers_under_its_own_names_with_links_to_the_same(cloud, host):
    named = host.format(port=cloud.port)
    answer = requests.get(f"{cloud.url}/", headers={"Host": named}, timeout=SECONDS)
    assert answer.json()["links"]["self"]["href"] == f"http://{named}"


def test_any_other_host_is_an_applications(cloud):
    answer = requests.get(f"{cloud.url}/v3", headers={"Host": "nobody.app.localhost"}, timeout=SECONDS)
    assert answer.status_code == 404
    assert answer.headers["X-Cf-RouterError"] == "unknown_route"


def test_two_hundred_clients_at_once_are_all_answered(cloud):
    path = f"{cloud.url}/v3/spaces"
    headers = dict(cloud.account("developer").session.headers)
    answers: list[int] = []
    gate = threading.Barrier(200)

    def poll() -> None:
        with requests.Session() as session:
            gate.wait()
            answers.extend(session.get(path, headers=headers, timeout=60).status_code for _ in range(3))

    threads = [threading.Thread(target=poll) for _ in range(200)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert answers == [200] * 600


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "opsportal.localcloud", *options]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "example.gov", "192.168.0.1", "::"])
def test_it_listens_on_loopback_only(tmp_path, host):
    ended = run("--data-dir", str(tmp_path / "d"), "--port", "0", "--host", host)
    assert ended.returncode == 2
    assert f"{host} is not a loopback address" in ended.stderr
    assert not (tmp_path / "d").exists()


def test_a_second_cloud_on_the_same_directory_is_refused(cloud):
    ended = run("--data-dir", str(cloud.data_dir / "cloud"), "--port", "0")
    assert ended.returncode == 2
    assert "Another local cloud runs on" in ended.stderr


def test_a_port_that_is_taken_is_said(cloud, tmp_path):
    ended = run("--data-dir", str(tmp_path), "--port", str(cloud.port))
    assert ended.returncode == 2
    assert f"Port {cloud.port}" in ended.stderr


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"organization": "x", "colour": 1}',
        '{"organization": "x", "users": [{"username": "u"}]}',
        '{"organization": "x", "users": [{"username": "u", "password": "p", "roles": ["king"]}]}',
        '{"organization": "x", "users": [{"username": "u", "password": "p", "spaces": {"nowhere": []}}]}',
        '{"organization": "x", "spaces": ["ab"]}',
        '{"organization": "x", "spaces": [{"name": "ab", "services": [{"name": "d", "offering": "o", "plan": "p"}]}]}',
    ],
)
def test_a_malformed_estate_is_said(tmp_path, text):
    (tmp_path / "estate.json").write_text(text)
    ended = run("--data-dir", str(tmp_path / "d"), "--port", "0", "--estate", str(tmp_path / "estate.json"))
    assert ended.returncode == 2
    assert "estate" in ended.stderr or "There is no plan" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_manage_py_runs_it_too(tmp_path):
    command = [sys.executable, "manage.py", "localcloud", "--data-dir", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert requests.get(line.split()[-1], timeout=SECONDS).status_code == 200
        finally:
            process.terminate()
        assert process.stdout.read() == ""
        assert process.wait(SECONDS) == 0
