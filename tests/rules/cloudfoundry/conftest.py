"""A client and a mocked platform for it."""

from collections.abc import Iterator

import pytest
import responses

from opsportal.adapters.cloudfoundry import Foundation
from tests.support.platform_wire import API, LOGS, PASSWORD, TOKEN, UAA, Time, token


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        links = {"cloud_controller_v3": {"href": f"{API}/v3"}, "login": {"href": UAA}, "uaa": {"href": UAA}}
        mock.get(f"{API}/", json={"links": {**links, "log_cache": {"href": LOGS}}})
        mock.post(f"{UAA}/oauth/token", json=token(TOKEN))
        yield mock


@pytest.fixture
def cf(wire: responses.RequestsMock, time: Time) -> Foundation:
    return Foundation(API, username="portal", password=PASSWORD, sleep=time.sleep, clock=time.clock)
