"""A browser for the page tests, and people who are signed in to it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser

from opsportal.accounts.models import Person
from opsportal.operations import streams
from tests.support import browser as support

# Playwright keeps an event loop in this thread; the ORM would take that for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
# The files as they lie in static/: nothing has been collected for a test.
settings.WHITENOISE_AUTOREFRESH = True
settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all page tests."""
    if not Path(support.CHROMIUM).exists():
        pytest.skip(f"there is no {support.CHROMIUM}")
    with support.chromium() as started:
        yield started


@pytest.fixture(autouse=True)
def _local_cloud_banner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "CF_IS_LOCAL", True)


@pytest.fixture(autouse=True)
def _streams_notice_at_once_who_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.5)


Cookies = list[dict[str, Any]]


@pytest.fixture
def cookies_of(live_server: Any) -> Callable[[Person], Cookies]:
    """The session of a person, for a browser."""

    def make(person: Person) -> Cookies:
        client = Client()
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        value = client.cookies["sessionid"].value
        return [{"name": "sessionid", "value": value, "url": live_server.url}]

    return make
