"""The doorbell: Celery carries only an id, publish/subscribe only says "look". Losing either loses nothing.

The sweep (:func:`opsportal.operations.tasks.ring_due`) rings again for every operation that is due and not leased.
"""

import json
import logging
import threading
from collections.abc import Iterator
from uuid import UUID

import redis
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

HOME = "operations"
_clients: dict[str, redis.Redis] = {}
_making = threading.Lock()


def channel(operation_id: UUID | str) -> str:
    """The publish/subscribe channel of one operation."""
    return f"operation:{operation_id}"


def client() -> redis.Redis:
    """One connection pool per process. Socket timeouts keep a dead broker from holding anyone."""
    # A second client that lost the race would close its connections under whoever got it first.
    with _making:
        if settings.REDIS_URL not in _clients:
            _clients[settings.REDIS_URL] = redis.Redis.from_url(
                settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=5, health_check_interval=30
            )
        return _clients[settings.REDIS_URL]


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


def listen(*channels: str, heartbeat: float = 15.0) -> Iterator[str | None]:
    """Yield the data of each message on ``channels``, or None when ``heartbeat`` seconds passed without one.

    Raises redis.RedisError when the broker is away: the caller falls back to polling.
    """
    listener = client().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    try:
        listener.subscribe(*channels)
        while True:
            message = listener.get_message(timeout=heartbeat)
            yield message["data"].decode() if message else None
    finally:
        listener.close()
