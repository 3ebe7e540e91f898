"""What flows share: the whole portal as processes of its own."""

from collections.abc import Iterator

import pytest

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
