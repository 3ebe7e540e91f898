"""Server-sent events for many viewers: each process listens once per channel and wakes all who follow it together.

So they read the same rows in the same beat, and what one has read the others can get for free. A process holds a
limited number of streams (``STREAMS_PER_PROCESS``); above it the answer is 204, and pages ask every few seconds.
"""

import itertools
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from opsportal.kit import pubsub

log = logging.getLogger(__name__)

#: News is handed on in beats, to all together. Waking one follower costs a process about half a millisecond: the more
#: there are, the longer the beat, so that a page asked for meanwhile finds the process free.
BEAT_SECONDS, LONGEST_BEAT_SECONDS, BEAT_PER_FOLLOWER = 0.1, 0.4, 0.005
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


class _Channel:
    """One channel of the broker, listened to by one thread for everybody in this process."""

    def __init__(self, name: str, prepare: Callable[[News], None] | None) -> None:
        self.name = name
        self.news = News(next(tokens), 0, 0)
        self.bells: set[queue.SimpleQueue[None]] = set()
        self._prepare = prepare

    def start(self) -> None:
        """Begin to listen; ends by itself when nobody follows any more."""
        threading.Thread(target=self._listen, name=f"channel {self.name}", daemon=True).start()

    def tell(self, *messages: str | None) -> None:
        """Take in messages and wake everybody, once. ``None``: nothing is known, look at the rows.

        What all are going to need is read before they wake: together they would all read it.
        """
        newest = [_newest_line(each) for each in messages]
        token = self.news.token if all(newest) else next(tokens)
        news = News(token, max(self.news.upto, *newest), self.news.told + 1)
        if self._prepare is not None:
            try:
                self._prepare(news)
            except Error as error:
                log.warning("news could not be read ahead: %s", type(error).__name__)
        self.news = news
        for bell in list(self.bells):
            if bell.empty():
                bell.put(None)

    def until_the_beat(self) -> float:
        """Seconds to the next beat."""
        beat = min(max(BEAT_SECONDS, len(self.bells) * BEAT_PER_FOLLOWER), LONGEST_BEAT_SECONDS)
        return beat - time.monotonic() % beat

    def _listen(self) -> None:
        while self.bells:
            try:
                for messages in pubsub.listen(self.name, heartbeat=1.0, gather=self.until_the_beat):
                    if messages:
                        self.tell(*messages)
                    if not self.bells:
                        return
            except (redis.RedisError, OSError) as error:
                log.warning("live pages look by themselves, the broker is away: %s", type(error).__name__)
                self.tell(None)
                time.sleep(BROKER_AWAY_SECONDS)


_channels: dict[str, _Channel] = {}


class Topic:
    """One follower's place at a channel. It waits at a bell of its own: at a shared one all would queue to wake up."""

    def __init__(self, channel: str, prepare: Callable[[News], None] | None = None) -> None:
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        with _lock:
            found = _channels.get(channel)
            begins = found is None or not found.bells
            self._channel = _Channel(channel, prepare) if found is None or begins else found
            self._channel.bells.add(self._bell)
            _channels[channel] = self._channel
        if begins:
            self._channel.start()

    @property
    def news(self) -> News:
        """What is known now."""
        return self._channel.news

    @property
    def followers(self) -> int:
        """How many follow the same in this process."""
        return len(self._channel.bells)

    def wait(self, told: int, timeout: float) -> News:
        """The news, as soon as there is any since ``told``, or after ``timeout`` seconds."""
        until = time.monotonic() + timeout
        while self.news.told == told and (left := until - time.monotonic()) > 0:
            with suppress(queue.Empty):
                self._bell.get(timeout=left)
        return self.news

    def leave(self) -> None:
        """Follow no longer."""
        with _lock:
            self._channel.bells.discard(self._bell)
            if not self._channel.bells and _channels.get(self._channel.name) is self._channel:
                del _channels[self._channel.name]


class Stream:
    """The body of one response. The place it takes is given back when the response is closed, always once."""

    def __init__(
        self,
        channel: str,
        events: Callable[[Topic], Iterator[str]],
        prepare: Callable[[News], None] | None = None,
    ) -> None:
        self._topic = Topic(channel, prepare)
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
        self._topic.leave()
        with _lock:
            _open_streams -= 1


def respond(
    channel: str, events: Callable[[Topic], Iterator[str]], prepare: Callable[[News], None] | None = None
) -> HttpResponseBase:
    """A response that streams, or 204 when this process has no room for one more.

    ``prepare`` is called once with each news, before all who follow are woken: what it reads they find read.
    """
    global _open_streams  # noqa: PLW0603
    with _lock:
        if _open_streams >= settings.STREAMS_PER_PROCESS:
            return HttpResponse(status=204)
        _open_streams += 1
    response = StreamingHttpResponse(Stream(channel, events, prepare), content_type="text/event-stream")
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
