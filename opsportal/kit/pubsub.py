"""Publish/subscribe over the broker: one connection pool per process, and a broker that is away harms nobody."""

import threading
from collections.abc import Iterator

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
