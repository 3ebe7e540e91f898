"""The client that tasks are given, made from the settings."""

from typing import Any

import pytest

from opsportal.adapters.github import Unauthenticated
from opsportal.bugs.github_client import github

from .hub import Hub


def test_without_a_repository_there_is_no_github(settings: Any) -> None:
    settings.GITHUB_REPOSITORY = ""
    assert github() is None


def test_the_client_is_the_same_until_the_settings_change(settings: Any, hub: Hub) -> None:
    settings.GITHUB_API_URL, settings.GITHUB_REPOSITORY = hub.api, hub.repository
    settings.GITHUB_TOKEN = ""
    before = github()
    assert before is not None
    with pytest.raises(Unauthenticated):
        before.describe()
    settings.GITHUB_TOKEN = hub.token
    after = github()
    assert after is github()
    assert after is not None
    assert after.describe().full_name == hub.repository
