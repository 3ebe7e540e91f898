"""Server-sent events for many viewers: each process listens once per channel and wakes all who follow it together.

So they read the same rows in the same beat, and what one has read the others can get for free. A process holds a
limited number of streams (``STREAMS_PER_PROCESS``); above it the answer is 204, and pages ask every few seconds.
"""

import itertools
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from opsportal.kit import pubsub

log = logging.getLogger(__name__)

BEAT_SECONDS = 0.1  # news is handed on at these ticks, together
RETRY_MS = 1000
BROKER_AWAY_SECONDS = 2.0

tokens = itertools.count(1)
_open_streams = 0
_lock = threading.Lock()


class News(NamedTuple):
    """What a topic knows: a token that is new with every change of rows, the newest output line, how often told."""

    token: int
    upto: int
    told: int


class Topic:
    """One channel of the broker, followed by one thread for everybody in this process."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.followers = 0
        self.news = News(next(tokens), 0, 0)
        self._wake = threading.Condition()

    def start(self) -> None:
        """Begin to listen; ends by itself when nobody follows any more."""
        threading.Thread(target=self._listen, name=f"topic {self.channel}", daemon=True).start()

    def wait(self, told: int, timeout: float) -> News:
        """The news, as soon as there is any since ``told``, or after ``timeout`` seconds."""
        with self._wake:
            self._wake.wait_for(lambda: self.news.told != told, timeout)
        if self.news.told != told:
            time.sleep(BEAT_SECONDS - time.monotonic() % BEAT_SECONDS)
        return self.news

    def tell(self, message: str | None) -> None:
        """Take in one message and wake everybody. ``None``: nothing is known, look at the rows."""
        newest = _newest_line(message)
        with self._wake:
            token = self.news.token if newest else next(tokens)
            self.news = News(token, max(self.news.upto, newest), self.news.told + 1)
            self._wake.notify_all()

    def _listen(self) -> None:
        while self.followers:
            try:
                for message in pubsub.listen(self.channel, heartbeat=1.0):
                    if message is not None:
                        self.tell(message)
                    if not self.followers:
                        return
            except (redis.RedisError, OSError) as error:
                log.warning("live pages look by themselves, the broker is away: %s", type(error).__name__)
                self.tell(None)
                time.sleep(BROKER_AWAY_SECONDS)


_topics: dict[str, Topic] = {}


def join(channel: str) -> Topic:
    """Follow a channel; the first to come starts its thread."""
    with _lock:
        topic = _topics.get(channel)
        if topic is None or not topic.followers:
            topic = _topics[channel] = Topic(channel)
            topic.followers = 1
            topic.start()
        else:
            topic.followers += 1
    return topic


def leave(topic: Topic) -> None:
    """Follow no longer."""
    with _lock:
        topic.followers -= 1
        if not topic.followers and _topics.get(topic.channel) is topic:
            del _topics[topic.channel]


class Stream:
    """The body of one response. The place it takes is given back when the response is closed, always once."""

    def __init__(self, channel: str, events: Callable[[Topic], Iterator[str]]) -> None:
        self._topic = join(channel)
        self._events = events(self._topic)
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[str]:
        yield f"retry: {RETRY_MS}\n\n"
        yield from self._events

    def close(self) -> None:
        """Called by the server when the response ends, whoever ended it."""
        global _open_streams  # noqa: PLW0603 (one count per process is what is limited)
        if self._closed.is_set():
            return
        self._closed.set()
        leave(self._topic)
        with _lock:
            _open_streams -= 1


def respond(channel: str, events: Callable[[Topic], Iterator[str]]) -> HttpResponseBase:
    """A response that streams, or 204 when this process has no room for one more."""
    global _open_streams  # noqa: PLW0603
    with _lock:
        if _open_streams >= settings.STREAMS_PER_PROCESS:
            return HttpResponse(status=204)
        _open_streams += 1
    response = StreamingHttpResponse(Stream(channel, events), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def let_go() -> None:
    """A stream waits for minutes: it keeps no database connection meanwhile."""
    if not connection.in_atomic_block:
        connection.close()


def _newest_line(message: str | None) -> int:
    """The number of the newest line when a message is about output alone, else 0."""
    try:
        said = json.loads(message or "null")
    except ValueError:
        return 0
    return int(said["output"] or 0) if isinstance(said, dict) and "output" in said else 0
