"""What every test stands on: state of its own, a broker of its own, and no network but loopback."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache

from opsportal.demo import broker

REPOSITORY = Path(__file__).resolve().parents[1]

# --- state: never the developer's own var/, and never the demo's broker ---------------------------

STATE = Path(tempfile.mkdtemp(prefix="ops-test-"))
os.environ["OPSPORTAL_DATA_DIR"] = str(STATE)
# pytest-xdist's processes inherit the environment of the first: a broker that it chose for itself is not theirs,
# or one process's cleared cache, bells and messages would be all the others'.
if "REDIS_URL" not in os.environ or "OPSPORTAL_TESTS_BROKER" in os.environ:
    os.environ["OPSPORTAL_TESTS_BROKER"] = "own"
    os.environ["REDIS_URL"] = broker.url(STATE / "redis.sock")
settings.DATA_DIR = STATE
settings.REDIS_URL = os.environ["REDIS_URL"]
# No timing is ever asserted: a slow machine is no finding.
hypothesis.settings.register_profile(
    "portal", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("portal")
settings.CELERY_BROKER_URL = settings.REDIS_URL.replace("unix://", "redis+socket://", 1)
settings.CELERY_BEAT_SCHEDULE_FILENAME = str(STATE / "celerybeat-schedule")
# Files as they stand in the sources, not as an earlier start collected them.
settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
settings.CACHES["default"]["LOCATION"] = settings.REDIS_URL
settings.PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher"
]  # made to be quick, in tests alone
if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, so that threads and other processes see the same database.
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(STATE / "test.sqlite3")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the broker, unless REDIS_URL named one."""
    path = STATE / "redis.sock"
    if broker.url(path) != settings.REDIS_URL or session.config.option.collectonly:
        return
    server = subprocess.Popen(
        broker.command(STATE, path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    session.config.add_cleanup(lambda: _end(server))
    for _ in range(200):
        if broker.answers(path):
            return
        time.sleep(0.02)
    pytest.exit("the broker did not start", returncode=3)


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    shutil.rmtree(STATE, ignore_errors=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that uses the database meets no session, sign-in failure or bell of an earlier one."""
    yield
    if {"db", "transactional_db", "live_server"} & set(request.fixturenames):
        cache.clear()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The team's real manifests, history and example bodies, kept beside the repository."""
    data = REPOSITORY.parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip(f"there is no {data}: the team's real files are not on this machine")
    return data


# --- no network but loopback ----------------------------------------------------------------------


class OutsideNetwork(RuntimeError):
    """A test tried to reach something that is not on this machine."""


def _is_here(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0])
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.split("%", maxsplit=1)[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Shut every socket of the test process to all but loopback and Unix sockets."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if not _is_here(address):
            raise OutsideNetwork(f"{address} is not on this machine")
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if not _is_here(address):
            raise OutsideNetwork(f"{address} is not on this machine")
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        yield
