"""What the estate says of GitHub: users and repositories at each start, pull requests when a repository is new."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from . import pull_actions, world
from .errors import GitHubError
from .git import GitFailed

if TYPE_CHECKING:
    from ..context import Cloud
    from ..store import Document

log = logging.getLogger(__name__)


class SeedError(ValueError):
    """Something that the estate names cannot be made."""


def apply(cloud: Cloud, wanted: dict[str, Any]) -> None:
    """Make what is missing; a pull request that cannot be opened is left out. :class:`SeedError`: nobody has that login."""
    for repository, pull in world.apply(cloud, wanted):
        try:
            _open(cloud, repository, pull)
        except (GitHubError, GitFailed) as error:
            # A repository that was there before may lack the branch; that is no reason not to start.
            log.warning("the pull request of %s is not opened: %s", pull.get("head"), error)


def _open(cloud: Cloud, repository: Document, wanted: dict[str, Any]) -> None:
    author = _known(cloud, wanted["author"])
    pull = pull_actions.open_pull(cloud, repository, author, {"base": repository["default_branch"], **wanted})
    pull = pull_actions.request_reviewers(cloud, repository, pull, wanted.get("reviewers", []))
    for one in wanted.get("reviews", ()):
        event = {state: event for event, state in pull_actions.EVENTS.items()}[one["state"]]
        pull_actions.review(cloud, pull, _known(cloud, one["author"]), event, one.get("body"))
        pull = cloud.store.get("github_issue", pull["guid"]) or pull


def _known(cloud: Cloud, login: str) -> Document:
    found = world.user(cloud, login)
    if found is None:
        raise SeedError(f"The estate names {login}, who is no user of GitHub there.")
    return found
