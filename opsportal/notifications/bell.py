"""The doorbell: the scheduler's round sends what is due anyway, so that a bell that nobody hears loses nothing."""

import logging

import redis
from django.core.cache import cache
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def ring() -> None:
    """Ask a worker to send what is due. A broker that is away is not an error."""
    from opsportal.notifications.tasks import send_due  # noqa: PLC0415  tasks import the actions, which import us

    try:
        if cache.add("notifications-rung", 1, timeout=1):
            send_due.apply_async(expires=30, retry=False)
    except (OperationalError, redis.RedisError, OSError) as error:
        log.warning("the bell for messages was not heard: %s", type(error).__name__)


def ring_on_commit() -> None:
    """Ring once the transaction is kept; without one, at once."""
    transaction.on_commit(ring, robust=True)
