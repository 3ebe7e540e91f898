"""What keeps the environments' rows true: fetch Git, answer comparisons, look at the platform."""

from celery import shared_task
from django.core.cache import cache
from django.db import DatabaseError
from django.utils import timezone
from kombu.exceptions import OperationalError

from opsportal.environments import mirror, platform, witnesses
from opsportal.environments.models import Comparison, Environment

#: How many looks one round starts, and how long two looks at the same environment are kept apart, in seconds.
ROUND, APART = 40, 10


@shared_task(name="environments.refresh_repository", soft_time_limit=300, time_limit=330)
def refresh_repository() -> None:
    """Fetch the repository and bring the mirror up to date."""
    if cache.add("refreshing-the-repository", 1, timeout=120):
        try:
            mirror.refresh(platform.repository())
        finally:
            cache.delete("refreshing-the-repository")


@shared_task(name="environments.refresh_due", soft_time_limit=30, time_limit=60)
def refresh_due() -> None:
    """Start a look at each environment whose time has come."""
    due = Environment.objects.filter(refresh_due_at__lte=timezone.now()).order_by("refresh_due_at")
    for name in due.values_list("name", flat=True)[:ROUND]:
        if cache.add(f"looking-at:{name}", 1, timeout=APART):
            refresh_environment.apply_async((name,), expires=60)


@shared_task(name="environments.refresh_environment", soft_time_limit=120, time_limit=150)
def refresh_environment(name: str) -> None:
    """Look at one environment: the platform's word and the application's own."""
    environment = Environment.objects.filter(name=name).first()
    if environment is not None:
        witnesses.refresh(environment, platform.foundation())


@shared_task(name="environments.answer_comparison", soft_time_limit=120, time_limit=150)
def answer_comparison(comparison_id: int) -> None:
    """Answer what a page asked about two commits."""
    comparison = Comparison.objects.filter(pk=comparison_id, answered_at__isnull=True).first()
    if comparison is not None:
        mirror.answer(comparison, platform.repository())


def ask_soon(comparison: Comparison) -> None:
    """Ring for a comparison; a broker that is away leaves the page asking again."""
    try:
        answer_comparison.apply_async((comparison.pk,), retry=False)
    except (OperationalError, OSError, DatabaseError):
        return
