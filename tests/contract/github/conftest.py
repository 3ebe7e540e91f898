"""One GitHub for all tests here."""

from collections.abc import Iterator

import pytest

from opsportal.adapters.github import GitHub
from tests.contract.github.hub import Hub, local_hub, real_hub

QUIET = {
    "faults": [],
    "github_rate_limit": {"limit": 5000, "window": 3600},
    "github_secondary_seconds": 0,
    "github_mergeable_seconds": 0,
}


@pytest.fixture(scope="session")
def any_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    directory = tmp_path_factory.mktemp("github")
    real = real_hub(directory)
    if real:
        yield real
        return
    with local_hub(directory) as local:
        yield local


@pytest.fixture
def hub(any_hub: Hub) -> Iterator[Hub]:
    """The GitHub, its knobs turned back after the test."""
    yield any_hub
    if any_hub.admin:
        any_hub.knobs(**QUIET)


@pytest.fixture
def local(hub: Hub) -> Hub:
    """The local one, for what only its knobs can show."""
    if hub.admin is None:
        pytest.skip("a real GitHub has no knobs")
    return hub


@pytest.fixture
def github(hub: Hub) -> GitHub:
    return hub.client()


@pytest.fixture
def reviewer(hub: Hub) -> GitHub:
    return hub.client(hub.reviewer_token)
