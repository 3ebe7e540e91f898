"""What Celery runs to keep tickets and GitHub in step. Safe to run twice, at any time, by anyone."""

from celery import shared_task

from opsportal.bugs.github_client import github
from opsportal.bugs.syncing import rounds


@shared_task(name="bugs.follow_github", soft_time_limit=240, time_limit=300)
def follow_github() -> None:
    """Read pull requests, reviews and issues, and tell what changed here. One worker at a time; nothing without GitHub."""
    client = github()
    if client is not None:
        rounds.follow(client)
