"""One local cloud for all tests of its control plane, and the switches back to normal after each."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

import pytest

from .control_plane import ESTATE, Account, LocalCloud

QUIET = {
    "service_seconds": 0,
    "binding_seconds": 0,
    "job_seconds": 0,
    "token_seconds": 600,
    "service_failure": "",
    "rate_limit": {"limit": 0},
    "faults": [],
}


@pytest.fixture(scope="session")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The cloud."""
    running = LocalCloud(tmp_path_factory.mktemp("localcloud"), ESTATE).start()
    yield running
    assert running.end() == 0


@pytest.fixture
def cloud(shared_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """The cloud, its knobs turned back after the test."""
    yield shared_cloud
    shared_cloud.knobs(**QUIET)


@pytest.fixture
def boss(cloud: LocalCloud) -> Account:
    """Its admin."""
    return cloud.admin


@pytest.fixture
def mode() -> object:
    """Tells a file's permission bits."""
    return lambda path: stat.S_IMODE(os.stat(path).st_mode)
