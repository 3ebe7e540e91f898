"""What keeps the logs: look at each source whose time has come, forget what is too old or too much."""

import threading
import time
from datetime import timedelta

import redis
from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from kombu.exceptions import OperationalError

from opsportal.environments import platform
from opsportal.environments.models import Environment
from opsportal.logs import collecting, store
from opsportal.logs.lines import SECOND
from opsportal.logs.models import Tail

#: Seconds one round may begin reading in; rounds at once in a process (a hanging source holds up its own round alone).
ROUND_SECONDS, ROUNDS = 5.0, 3
#: Seconds until a look that was rung for may be rung for again; seconds to delete in.
APART, DELETING_SECONDS = 5, 60
MEGABYTE = 1_000_000

_rounds = threading.BoundedSemaphore(ROUNDS)


@shared_task(name="logs.collect_due", soft_time_limit=120, time_limit=150)
def collect_due() -> None:
    """Read every log that is due, the longest waiting first: one round for all of them."""
    if not _rounds.acquire(blocking=False):
        return
    try:
        _begin_new()
        collecting.look_at_due(platform.foundation(), until=time.monotonic() + ROUND_SECONDS)
    finally:
        _rounds.release()


def _begin_new() -> None:
    new = Environment.objects.exclude(app_guid="").filter(log_tail=None).values_list("pk", flat=True)
    for pk in new:
        Tail.objects.get_or_create(pk=pk)


@shared_task(name="logs.collect", soft_time_limit=120, time_limit=150)
def collect(environment_id: int) -> None:
    """Read what is new in one environment's log."""
    cache.delete(f"log-rung:{environment_id}")
    environment = Environment.objects.filter(pk=environment_id).exclude(app_guid="").first()
    if environment is not None:
        collecting.look(environment, platform.foundation())


@shared_task(name="logs.forget_old", soft_time_limit=120, time_limit=150)
def forget_old() -> None:
    """Delete what is older or more than is to be kept, in chunks; what is left over waits for the next round."""
    until = time.monotonic() + DELETING_SECONDS
    oldest = round((timezone.now() - timedelta(days=settings.LOG_KEEP_DAYS)).timestamp()) * SECOND
    most = settings.LOG_KEEP_MB * MEGABYTE
    for pk in Tail.objects.order_by("pk").values_list("pk", flat=True):
        while time.monotonic() < until and store.forget_before(pk, oldest):
            pass
        while time.monotonic() < until and Tail.objects.filter(pk=pk, kept_bytes__gt=most).exists():
            if not store.forget_oldest(pk):
                break


def ring(environment_id: int) -> None:
    """Ask for a look, once until it begins. A broker that is away leaves the next round to ask again."""
    try:
        if cache.add(f"log-rung:{environment_id}", 1, timeout=APART):
            collect.apply_async((environment_id,), expires=30, retry=False)
    except (OperationalError, redis.RedisError, OSError):
        return
