"""One round with GitHub: claimed by one worker, bounded, its trouble kept in words."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from opsportal.accounts import queries as accounts
from opsportal.accounts.queries import OnGitHub
from opsportal.adapters import github as hub
from opsportal.bugs.models import GitHubReading
from opsportal.bugs.syncing import comments, issues, pulls
from opsportal.bugs.syncing.trouble import Trouble, trouble_of

log = logging.getLogger(__name__)

#: Longer than one thing that is done between two renewals may take.
LEASE: Final = timedelta(seconds=90)


class Lost(Exception):
    """Somebody else reads now: this round was too slow."""


@dataclass
class Round:
    """What a round knows: the client, how far was read, who is who, and its claim."""

    github: hub.GitHub
    reading: GitHubReading
    people: OnGitHub = field(default_factory=accounts.on_github)

    def renew(self) -> None:
        """Keep the claim while the round goes on. Raises Lost."""
        until = timezone.now() + LEASE
        kept = GitHubReading.objects.filter(pk=self.reading.pk, leased_until=self.reading.leased_until)
        if not kept.update(leased_until=until):
            raise Lost
        self.reading.leased_until = until

    def note(self, **values: object) -> None:
        """Write down how far was read, or what went wrong."""
        GitHubReading.objects.filter(pk=self.reading.pk).update(**values)
        for name, value in values.items():
            setattr(self.reading, name, value)


def follow(github: hub.GitHub) -> bool:
    """Read what changed and tell what changed here. False when somebody else does, or GitHub asked for rest."""
    now = timezone.now()
    reading = _claim(github.repository, now)
    if reading is None:
        return False
    this = Round(github, reading)
    try:
        problems = [each for part in _parts() if (each := _tried(part, this)) is not None]
        if problems:
            _note_trouble(this, problems[0], now)
        else:
            this.note(read_at=now, problem="", remedy="", problem_since=None, resting_until=None)
    except Lost:
        log.warning("this round with GitHub took so long that another worker began one")
    finally:
        mine = GitHubReading.objects.filter(pk=reading.pk, leased_until=reading.leased_until)
        mine.update(leased_until=None)
    return True


def _parts() -> list[Callable[[Round], None]]:
    mirroring: list[Callable[[Round], None]] = [issues.read, comments.read, issues.send]
    return [pulls.read, *(mirroring if settings.GITHUB_MIRROR_ISSUES else [])]


def _tried(part: Callable[[Round], None], this: Round) -> Trouble | None:
    """One part of the round; what keeps GitHub from it, in words."""
    try:
        part(this)
    except hub.GitHubError as error:
        log.warning("GitHub: %s", error)
        return trouble_of(error)
    return None


def _claim(repository: str, now: datetime) -> GitHubReading | None:
    """The row of the repository, ours for a while; None when it is somebody's, or GitHub asked for rest."""
    GitHubReading.objects.get_or_create(repository=repository)
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    rested = Q(resting_until=None) | Q(resting_until__lte=now)
    until = now + LEASE
    mine = GitHubReading.objects.filter(free, rested, repository=repository)
    return GitHubReading.objects.get(repository=repository) if mine.update(leased_until=until) else None


def _note_trouble(this: Round, trouble: Trouble, now: datetime) -> None:
    this.note(
        problem=trouble.problem,
        remedy=trouble.remedy,
        problem_since=this.reading.problem_since or now,
        resting_until=trouble.until,
    )
