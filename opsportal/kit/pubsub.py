"""Publish/subscribe over the broker: one connection pool per process, and a broker that is away harms nobody."""

import threading
import time
from collections.abc import Callable, Iterator

import redis
from django.conf import settings

_clients: dict[str, redis.Redis] = {}
_making = threading.Lock()


def client() -> redis.Redis:
    """One connection pool per process. Socket timeouts keep a dead broker from holding anyone."""
    # A second client that lost the race would close its connections under whoever got it first.
    with _making:
        if settings.REDIS_URL not in _clients:
            _clients[settings.REDIS_URL] = redis.Redis.from_url(
                settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=5, health_check_interval=30
            )
        return _clients[settings.REDIS_URL]


def listen(
    *channels: str, heartbeat: float = 15.0, gather: Callable[[], float] | None = None
) -> Iterator[list[str]]:
    """Yield the data of what was published on ``channels``; an empty list after ``heartbeat`` seconds of silence.

    ``gather``: for how many seconds from the first message on others are waited for, to be told of together.
    Raises redis.RedisError when the broker is away: the caller falls back to polling.
    """
    listener = client().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    try:
        listener.subscribe(*channels)
        while True:
            message = listener.get_message(timeout=heartbeat)
            found = []
            if message and gather:
                time.sleep(gather())
            while message:
                found.append(message["data"].decode())
                message = listener.get_message(timeout=0)
            yield found
    finally:
        listener.close()
