"""The portal's one foundation and one repository, made from the settings. Only steps and tasks come here."""

from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from opsportal.adapters.cloudfoundry import Foundation
from opsportal.adapters.git import Repository


@lru_cache(maxsize=1)
def foundation() -> Foundation:
    """The platform's client: thread-safe, one per process."""
    return Foundation(
        api_url=settings.CF_API_URL,
        username=settings.CF_USERNAME,
        password=settings.CF_PASSWORD,
        timeout=(3.05, 30),
        user_agent="opsportal/0.1",
    )


@lru_cache(maxsize=1)
def repository() -> Repository:
    """The bare clone in the data directory, of the repository that the settings name."""
    return Repository(
        path=Path(settings.DATA_DIR) / "repository.git",
        url=settings.GIT_REPOSITORY_URL,
        token=settings.GIT_TOKEN or None,
        timeout=60,
    )


def manifest_path(environment: str) -> str:
    """Where an environment's manifest lies in the repository."""
    return str(settings.MANIFEST_PATTERN).format(environment=environment)


def app_name(environment: str) -> str:
    """The name of an environment's application."""
    return str(settings.APP_NAME_PATTERN).format(environment=environment)


def space_name(environment: str) -> str:
    """The name of an environment's space."""
    return str(settings.CF_SPACE_PATTERN).format(environment=environment)


def reachable(route: str) -> str:
    """The address under which a route of the platform is reached from here."""
    host = urlsplit(f"//{route}").hostname or route
    return str(settings.ROUTE_URL).format(route=route, host=host.split(".")[0]).rstrip("/")
