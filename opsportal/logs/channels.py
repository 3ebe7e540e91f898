"""Who watches a log, and waking them: through the broker, which may be away without harm."""

import logging
from collections.abc import Iterable

import redis
from django.core.cache import cache

from opsportal.kit import pubsub

log = logging.getLogger(__name__)

WATCHED_FOR_SECONDS = 60


def of(environment_id: int) -> str:
    """The publish/subscribe channel of one environment's log."""
    return f"log:{environment_id}"


def announce(environment_id: int) -> None:
    """Wake the live tails of an environment. A broker that is away leaves them looking by themselves."""
    try:
        pubsub.client().publish(of(environment_id), "look")
    except (redis.RedisError, OSError) as error:
        log.debug("nobody was told about the log of %s: %s", environment_id, type(error).__name__)


def watch(environment_id: int) -> None:
    """Somebody looks at this log: for a minute it is read every second."""
    try:
        cache.set(f"log-watched:{environment_id}", 1, timeout=WATCHED_FOR_SECONDS)
    except (redis.RedisError, OSError):
        return


def is_watched(environment_id: int) -> bool:
    """Whether somebody looked within the last minute."""
    return bool(watched([environment_id]))


def watched(environment_ids: Iterable[int]) -> set[int]:
    """Of these, the ones that somebody looked at within the last minute: asked once for all."""
    keys = {f"log-watched:{each}": each for each in environment_ids}
    try:
        return {keys[key] for key in cache.get_many(keys)}
    except (redis.RedisError, OSError):
        return set()
