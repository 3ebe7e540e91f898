"""What flows share: the whole portal as processes of its own."""

from collections.abc import Iterator

import pytest

from tests.support.chores import World, a_world, fill, settings_for
from tests.support.rig import Rig


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """One rig for all tests of this run that want one."""
    made = Rig()
    try:
        made.begin()
        yield made
    finally:
        made.end()


@pytest.fixture(scope="session")
def _chores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One local cloud and repository for all chores of this run."""
    with a_world(tmp_path_factory.mktemp("chores")) as made:
        yield made


@pytest.fixture
def world(_chores: World, transactional_db: None) -> Iterator[World]:
    """The world of chores, with rows of its own for each test and quiet knobs."""
    with settings_for(_chores):
        fill(_chores)
        yield _chores
        _chores.knobs(faults=[], service_failure="", service_seconds=0, max_log_lines=100_000)
