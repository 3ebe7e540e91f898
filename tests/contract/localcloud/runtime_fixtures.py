"""A cloud that is killed and started again at will, and a client that pushes as the cf CLI does."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

REPOSITORY = Path(__file__).resolve().parents[3]
PATIENCE = 30.0
T = TypeVar("T")

SERVER = """
import http.server, os, signal, socketserver, sys, threading, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/crash":
            os._exit(7)
        if self.path == "/slow":
            time.sleep(0.3)
        names = [k for k in os.environ] if self.path == "/env" else []
        text = "\\n".join(f"{k}={os.environ[k]}" for k in names)
        text = text or "VERSION " + os.environ.get("CF_INSTANCE_INDEX", "")
        self.answer(UNWELL_STATUS if self.path == "/health" else 200, text.encode())
    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while (size := int(self.rfile.readline(), 16)):
                data += self.rfile.read(size); self.rfile.readline()
            self.rfile.readline()
        else:
            data = self.rfile.read(length)
        self.answer(200, data)
    def answer(self, status, data):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Vcap-Request-Id", "Host"):
            self.send_header("Seen-" + name, self.headers.get(name, ""))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *args):
        pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 100
print("serving VERSION", flush=True)
Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def server_app(version: str, *, well: bool = True) -> dict[str, bytes]:
    """The files of a tiny web application that answers with its version."""
    text = SERVER.replace("VERSION", version).replace("UNWELL_STATUS", "200" if well else "500")
    return {
        "server.py": text.encode(),
        "requirements.txt": b"",
        "Procfile": b"web: exec python server.py\n",
        "big.txt": b"x" * 3000,
    }


def until(what: Callable[[], T], patience: float = PATIENCE) -> T:
    """What `what` gives as soon as it gives something true; fails when it never does."""
    end = time.monotonic() + patience
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"it never happened; last answer {found!r}")
        time.sleep(0.03)


class Account:
    """Somebody who has signed in."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = url
        self.session = requests.Session()
        form = {"grant_type": "password", "username": username, "password": password}
        answer = self.session.post(f"{url}/oauth/token", data=form, auth=("cf", ""), timeout=PATIENCE)
        answer.raise_for_status()
        self.session.headers["Authorization"] = f"bearer {answer.json()['access_token']}"

    def call(self, method: str, path: str, status: int | None = None, **options: Any) -> requests.Response:
        """Call the API; fails unless the answer has `status` (or is a success when none is named)."""
        url = path if path.startswith("http") else self.url + path
        answer = self.session.request(method, url, timeout=PATIENCE, **options)
        wanted = answer.ok if status is None else answer.status_code == status
        assert wanted, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def get(self, path: str, status: int | None = None, **options: Any) -> Any:
        """The JSON of a GET."""
        return self.call("GET", path, status, **options).json()

    def post(self, path: str, body: Any = None, status: int | None = None) -> Any:
        """The JSON of a POST, {} when it has none."""
        answer = self.call("POST", path, status, json=body)
        return answer.json() if answer.content else {}

    # -- what the cf CLI does, in its order --------------------

    def job(self, answer: requests.Response) -> dict[str, Any]:
        """The finished job of a 202."""
        location = answer.headers["Location"]
        assert location.startswith("http")
        return until(lambda: _ended(self.get(location), ("COMPLETE", "FAILED")))

    def apply_manifest(self, space: str, manifest: str | Mapping[str, Any]) -> dict[str, Any]:
        """Apply a manifest and wait; the finished job."""
        data = manifest if isinstance(manifest, str) else json.dumps(manifest)
        headers = {"Content-Type": "application/x-yaml"}
        path = f"/v3/spaces/{space}/actions/apply_manifest"
        return self.job(self.call("POST", path, 202, data=data.encode(), headers=headers))

    def app(self, space: str, name: str) -> dict[str, Any]:
        """An app by name."""
        found = self.get(f"/v3/apps?names={name}&space_guids={space}")["resources"]
        assert len(found) == 1
        return dict(found[0])

    def match(self, files: Mapping[str, bytes]) -> list[dict[str, Any]]:
        """Which files the platform has."""
        asked = [
            {
                "path": name,
                "mode": "644",
                "checksum": {"value": hashlib.sha1(data).hexdigest()},
                "size_in_bytes": len(data),
            }
            for name, data in files.items()
            if data
        ]
        found = self.post("/v3/resource_matches", {"resources": asked}, 201)["resources"]
        return list(found)

    def package(self, app_guid: str, files: Mapping[str, bytes]) -> dict[str, Any]:
        """Upload files, only those that the platform lacks; the package when it is READY or FAILED."""
        matched = self.match(files)
        known = {one["path"] for one in matched}
        made = self.post("/v3/packages", {"type": "bits", "relationships": _to_app(app_guid)}, 201)
        self.upload(made["guid"], zipped({k: v for k, v in files.items() if k not in known}), matched)
        return self.ended_package(made["guid"])

    def upload(
        self, guid: str, bits: bytes, matched: list[dict[str, Any]] | None = None
    ) -> requests.Response:
        """Send the bits of a package."""
        parts = {"bits": ("package.zip", bits, "application/zip")}
        form = {"resources": json.dumps(matched or [])}
        return self.call("POST", f"/v3/packages/{guid}/upload", 200, data=form, files=parts)

    def ended_package(self, guid: str) -> dict[str, Any]:
        """A package when it is no longer being processed."""
        return until(lambda: _ended(self.get(f"/v3/packages/{guid}"), ("READY", "FAILED")))

    def build(self, package_guid: str) -> dict[str, Any]:
        """Stage a package; the build when it has ended."""
        made = self.post("/v3/builds", {"package": {"guid": package_guid}}, 201)
        return until(lambda: _ended(self.get(f"/v3/builds/{made['guid']}"), ("STAGED", "FAILED")))

    def stage(self, app_guid: str, files: Mapping[str, bytes]) -> str:
        """Upload and stage; the droplet's guid."""
        build = self.build(self.package(app_guid, files)["guid"])
        assert build["state"] == "STAGED", build
        return str(build["droplet"]["guid"])

    def deploy(self, app_guid: str, droplet: str | None = None, **more: Any) -> dict[str, Any]:
        """Begin a deployment."""
        body = {"relationships": _to_app(app_guid), **more}
        if droplet:
            body["droplet"] = {"guid": droplet}
        return dict(self.post("/v3/deployments", body, 201))

    def finished(self, deployment: Mapping[str, Any]) -> dict[str, Any]:
        """A deployment's status when it is over."""
        path = f"/v3/deployments/{deployment['guid']}"
        return until(lambda: _finalized(self.get(path)["status"]))

    def push(self, space: str, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, Any]:
        """Push one app, rolling, in the CLI's order of calls; the app."""
        assert self.apply_manifest(space, manifest)["state"] == "COMPLETE"
        app = self.app(space, manifest["applications"][0]["name"])
        droplet = self.stage(app["guid"], files)
        assert self.finished(self.deploy(app["guid"], droplet))["reason"] == "DEPLOYED"
        until(lambda: self.running(app["guid"]))
        return app

    def stats(self, app_guid: str, kind: str = "web") -> list[dict[str, Any]]:
        """The stats of an app's newest process of a type."""
        return list(self.get(f"/v3/apps/{app_guid}/processes/{kind}/stats")["resources"])

    def running(self, app_guid: str) -> bool:
        """Whether all instances of all web processes run."""
        found = self.stats(app_guid)
        return bool(found) and all(one["state"] == "RUNNING" for one in found)

    def lines(self, app_guid: str, **params: Any) -> list[tuple[str, str]]:
        """(source type, text) of the newest thousand lines, oldest first."""
        query = {
            "envelope_types": "LOG",
            "descending": "true",
            "limit": 1000,
            "start_time": -6795364578871345152,
        }
        answer = self.get(f"/api/v1/read/{app_guid}", params={**query, **params})
        batch = answer["envelopes"]["batch"][::-1]
        return [
            (one["tags"]["source_type"], base64.b64decode(one["log"]["payload"]).decode(errors="replace"))
            for one in batch
        ]

    def run_task(self, app_guid: str, command: str, **more: Any) -> dict[str, Any]:
        """Run a task; it, when it has ended."""
        made = self.post(f"/v3/apps/{app_guid}/tasks", {"command": command, **more}, 202)
        return self.ended_task(made["guid"])

    def ended_task(self, guid: str) -> dict[str, Any]:
        """A task that has ended."""
        return until(lambda: _ended(self.get(f"/v3/tasks/{guid}"), ("SUCCEEDED", "FAILED")))


class CloudProcess:
    """A local cloud in a process of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self, port: int = 0) -> CloudProcess:
        """Start it and wait until it answers."""
        command = [
            sys.executable,
            "-m",
            "opsportal.localcloud",
            "--data-dir",
            str(self.data_dir),
            "--port",
            str(port),
        ]
        environment = {
            "PATH": os.environ["PATH"],
            "PORTAL_SECRET": "must not leak",
            "PYTHONFAULTHANDLER": "1",
        }
        self.process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("local cloud at http://127.0.0.1:"), line
        self.url = line.split()[-1]
        return self

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self) -> None:
        """SIGTERM, as a person's Ctrl-C."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        self._close()

    def _close(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
            self.process = None

    def admin(self) -> Account:
        """The admin of the default estate."""
        return Account(self.url, "admin", "admin")

    def knobs(self, **changes: Any) -> None:
        """Turn knobs."""
        token = (self.data_dir / "admin-token").read_text().strip()
        headers = {"Authorization": f"bearer {token}"}
        answer = requests.patch(
            f"{self.url}/localcloud/knobs", json=changes, headers=headers, timeout=PATIENCE
        )
        answer.raise_for_status()

    def visit(self, host: str, path: str = "/", method: str = "GET", **options: Any) -> requests.Response:
        """Ask an application through the router."""
        headers = {"Host": host, **options.pop("headers", {})}
        return requests.request(method, self.url + path, headers=headers, timeout=PATIENCE, **options)

    def leftovers(self) -> list[int]:
        """Processes of this cloud's containers that are alive."""
        marker = f"LOCALCLOUD_CELL={self.data_dir.resolve() / 'cell'}".encode()
        return [int(one.parent.name) for one in Path("/proc").glob("[0-9]*/environ") if marker in _read(one)]


def _read(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\0")
    except OSError:
        return []


def _ended(document: dict[str, Any], states: tuple[str, ...]) -> dict[str, Any] | None:
    return document if document["state"] in states else None


def _finalized(status: dict[str, Any]) -> dict[str, Any] | None:
    return status if status["value"] == "FINALIZED" else None


def _to_app(guid: str) -> dict[str, Any]:
    return {"app": {"data": {"guid": guid}}}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def manifest(name: str, host: str = "", **keys: Any) -> dict[str, Any]:
    """A manifest of one small app with a route on app.localhost."""
    routes = [{"route": f"{host}.app.localhost"}] if host else []
    settings = {"memory": "64M", "health-check-type": "http", "health-check-http-endpoint": "/health"}
    extra: dict[str, Any] = {"routes": routes} if routes else {}
    return {"applications": [{"name": name, **settings, **extra, **keys}]}


@pytest.fixture(scope="session")
def own_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """A cloud for all tests that push, each with apps of names of its own."""
    cloud = CloudProcess(tmp_path_factory.mktemp("cloud")).start()
    yield cloud
    cloud.stop()
    assert not cloud.leftovers(), "something kept running after its cloud had ended"


@pytest.fixture(scope="module")
def admin(own_cloud: CloudProcess) -> Account:
    """Its admin."""
    return own_cloud.admin()


@pytest.fixture(scope="module")
def space(admin: Account) -> str:
    """The guid of its space `dev`."""
    return str(admin.get("/v3/spaces?names=dev")["resources"][0]["guid"])
