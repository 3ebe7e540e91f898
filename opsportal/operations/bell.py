"""The doorbell: Celery carries only an id, publish/subscribe only says "look". Losing either loses nothing.

The sweep (:func:`opsportal.operations.tasks.ring_due`) rings again for every operation that is due and not leased.
"""

import json
import logging
from uuid import UUID

import redis
from django.db import transaction
from kombu.exceptions import OperationalError

from opsportal.kit.pubsub import client

log = logging.getLogger(__name__)

HOME = "operations"


def channel(operation_id: UUID | str) -> str:
    """The publish/subscribe channel of one operation."""
    return f"operation:{operation_id}"


def ring(operation_id: UUID, delay: float = 0.0) -> None:
    """Ask a worker to look at the operation, in ``delay`` seconds. A broker that is away is not an error."""
    from opsportal.operations.tasks import advance  # noqa: PLC0415  tasks import the runner, which imports us

    try:
        advance.apply_async((str(operation_id),), countdown=delay or None, retry=False)
    except (OperationalError, redis.RedisError, OSError) as error:
        log.warning("the bell for operation %s was not heard: %s", operation_id, type(error).__name__)


def ring_on_commit(operation_id: UUID, delay: float = 0.0) -> None:
    """Ring once the transaction is kept; without one, at once."""
    transaction.on_commit(lambda: ring(operation_id, delay))


def announce(operation_id: UUID, output: int | None = None) -> None:
    """Tell live pages that rows of this operation changed. ``output``: number of its newest line, if that is all."""
    try:
        pipeline = client().pipeline(transaction=False)
        pipeline.publish(channel(operation_id), json.dumps({"output": output}))
        if output is None:
            pipeline.publish(HOME, str(operation_id))
        pipeline.execute()
    except (redis.RedisError, OSError) as error:
        log.debug("nobody was told about operation %s: %s", operation_id, type(error).__name__)


def announce_on_commit(operation_id: UUID) -> None:
    """Tell live pages once the transaction is kept."""
    transaction.on_commit(lambda: announce(operation_id))
