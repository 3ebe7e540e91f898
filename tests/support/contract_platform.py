"""A platform to hold the client against: the local cloud always, a real one when credentials are given.

For a real one set OPSPORTAL_CONTRACT_API, _USERNAME, _PASSWORD, _ORGANIZATION and _SPACE (a space that may be
played in), and OPSPORTAL_CONTRACT_DOMAIN to a domain whose routes can be reached from here.
"""

import io
import json
import os
import selectors
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any, TypeVar

from opsportal.adapters.cloudfoundry import App, Build, Deployment, Foundation, Package, Resource, Space

T = TypeVar("T")
APP = "opsportal-contract"
NO_GUID = "00000000-0000-4000-8000-000000000000"
LABEL = "opsportal-operation"
BIG = bytes(range(256)) * 400  # real platforms match no file under 64 KiB
FIRST = {"Staticfile": b"root: .\n", "version.json": b'{"commit": "first"}', "big.bin": BIG}
SECOND = FIRST | {"version.json": b'{"commit": "second"}'}
UNKNOWN = {"what-no-buildpack-knows": b"x"}
USERNAME, PASSWORD = "portal", "portal-password"
ESTATE: dict[str, Any] = {
    "organization": "contract",
    "domains": ["app.localhost"],
    "users": [
        {
            "username": USERNAME,
            "password": PASSWORD,
            "roles": [],
            "spaces": {"sandbox": ["space_developer"], "watched": ["space_auditor"]},
        }
    ],
    "clients": [
        {
            "id": "robot",
            "secret": "robot-secret",
            "grants": ["client_credentials"],
            "authorities": ["cloud_controller.admin"],
        }
    ],
    "spaces": [
        {
            "name": "sandbox",
            "services": [{"name": "contract-secrets", "user_provided": {"KEY": "value"}}],
        },
        {"name": "watched"},
        {"name": "hidden"},
    ],
}


@dataclass(frozen=True)
class Platform:
    """Where a platform is and where one may play on it."""

    api: str
    username: str
    password: str
    organization: str
    space: str
    domain: str
    is_local: bool

    def client(self, **more: Any) -> Foundation:
        """Make a client with the platform's credentials."""
        named = {"username": self.username, "password": self.password, **more}
        return Foundation(self.api, user_agent="opsportal-contract", **named)

    def address_of(self, route: str) -> str:
        """Make the address under which a route is reached from here."""
        port = self.api.rpartition(":")[2] if self.is_local else ""
        return f"http://{route.partition(':')[0]}:{port}" if self.is_local else f"https://{route}"


def real_platform() -> Platform | None:
    """Read the real platform from the environment; None when there is none."""
    names = ("API", "USERNAME", "PASSWORD", "ORGANIZATION", "SPACE", "DOMAIN")
    values = [os.environ.get(f"OPSPORTAL_CONTRACT_{name}", "") for name in names]
    return Platform(*values, is_local=False) if all(values) else None


@contextmanager
def local_cloud(directory: Path, holds: dict[str, Any] = ESTATE) -> Iterator[Platform]:
    """Run a local cloud of its own process on a free port, with its state in ``directory``; ``holds``: its estate."""
    estate = directory / "estate.json"
    estate.write_text(json.dumps(holds))
    command = [sys.executable, "-m", "opsportal.localcloud", "--data-dir", str(directory / "cloud")]
    with (directory / "localcloud.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", "0", "--estate", str(estate)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )
    try:
        url = _first_line(process, directory / "localcloud.log").rpartition(" ")[2].strip()
        yield Platform(url, USERNAME, PASSWORD, "contract", "sandbox", "app.localhost", is_local=True)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        if process.stdout:
            process.stdout.close()


def _first_line(process: subprocess.Popen[str], log: Path) -> str:
    """Wait until the local cloud says where it is."""
    stdout = process.stdout
    if stdout is None:
        raise AssertionError("the local cloud was started without a pipe")
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        line = stdout.readline() if selector.select(60) else ""
    if not line:
        process.kill()
        raise AssertionError(f"the local cloud did not start: {log.read_text()[-2000:]}")
    return line


def eventually(look: Callable[[], T], good: Callable[[T], bool], seconds: float = 120.0) -> T:
    """Look again and again until what is seen is good; gives it, or fails with what was seen last."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if good(seen):
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"not in {seconds} s; last seen: {seen}")
        time.sleep(0.2)


def resources_of(files: dict[str, bytes]) -> list[Resource]:
    """List some files by their content."""
    return [Resource(path, sha1(body).hexdigest(), len(body)) for path, body in files.items()]


def archive(files: dict[str, bytes]) -> io.BytesIO:
    """Zip some files in memory."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path, body in files.items():
            zipped.writestr(path, body)
    packed.seek(0)
    return packed


def upload(cf: Foundation, app_guid: str, files: dict[str, bytes], labels: dict[str, str]) -> Package:
    """Send some files as a new package, only those that the platform lacks, and wait until it is ready."""
    package = cf.create_package(app_guid, labels)
    known = cf.match_resources(resources_of(files))
    lacking = {path: files[path] for path in files if path not in {one.path for one in known}}
    cf.upload_bits(package.guid, known, archive(lacking) if lacking else None)
    return eventually(lambda: cf.package(package.guid), lambda one: one.ready or one.failed)


@dataclass(frozen=True)
class Pushed:
    """The app after its first deployment, and what that made."""

    app: App
    space: Space
    build: Build
    deployment: Deployment
    url: str


def manifest(platform: Platform, **more: object) -> str:
    """Write the app's manifest; JSON is YAML too."""
    app: dict[str, object] = {
        "name": APP,
        "buildpacks": ["staticfile_buildpack"],
        "memory": "64M",
        "instances": 1,
        "health-check-type": "http",
        "health-check-http-endpoint": "/version.json",
        "routes": [{"route": f"{APP}.{platform.domain}"}],
        "env": {"GREETING": "hello", "NUMBER": 5, "EMPTY": ""},
        "metadata": {"labels": {"team": "getgov"}},
        **({"services": ["contract-secrets"]} if platform.is_local else {}),
        **more,
    }
    return json.dumps({"applications": [app]})


def staged(cf: Foundation, package_guid: str, label: str) -> Build:
    build = cf.create_build(package_guid, {LABEL: label})
    return eventually(lambda: cf.build(build.guid), lambda one: one.finished)


def running(cf: Foundation, app_guid: str) -> None:
    def all_running() -> list[str]:
        web = [one for one in cf.processes(app_guid) if one.type == "web"]
        return [stats.state for process in web for stats in cf.stats(process.guid)]

    eventually(all_running, lambda states: set(states) == {"RUNNING"})
