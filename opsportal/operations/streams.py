"""Server-sent events: what happens to an operation, and that something happened anywhere.

Each process listens once per topic and wakes all who follow it in the same beat, so that they read the same rows:
what one has read the others get for free (:func:`opsportal.operations.output.chunk_as_json`).
A process holds a limited number of streams; above it the answer is 204 and pages ask every few seconds instead.
"""

import itertools
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from opsportal.operations import bell, output
from opsportal.operations.models import ENDED, Operation

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0  # a comment that keeps routers from dropping the line and notices who has gone
LIFE_SECONDS = 600.0  # then the browser connects again, to whichever process has room
BEAT_SECONDS = 0.1  # news is handed on at these ticks, together
CHANGED_EVERY_SECONDS = 1.0  # a page fetches its regions again at most this often
RETRY_MS = 1000
BROKER_AWAY_SECONDS = 2.0

_tokens = itertools.count(1)
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
        self.news = News(next(_tokens), 0, 0)
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
            token = self.news.token if newest else next(_tokens)
            self.news = News(token, max(self.news.upto, newest), self.news.told + 1)
            self._wake.notify_all()

    def _listen(self) -> None:
        while self.followers:
            try:
                for message in bell.listen(self.channel, heartbeat=1.0):
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


def follow_operation(operation_id: UUID, after: int, version: int) -> HttpResponseBase:
    """``lines`` (with the last number as id), ``changed`` and, when it has ended and all is told, ``end``."""
    return respond(
        bell.channel(operation_id), lambda topic: _operation_events(topic, operation_id, after, version)
    )


def follow_everything() -> HttpResponseBase:
    """``changed`` whenever any operation changed, at most every few seconds."""
    return respond(bell.HOME, _home_events)


class Standing(NamedTuple):
    """Where an operation stands, as far as a stream needs to know."""

    version: int
    ended: bool
    lines: int


@lru_cache(maxsize=512)
def standing(operation_id: UUID, token: int) -> Standing:
    """Read once per change for all who follow: ``token`` names the change."""
    row = Operation.objects.filter(id=operation_id).values_list("version", "state", "output_count").first()
    _let_go()
    return Standing(row[0], row[1] in ENDED, row[2]) if row else Standing(0, True, 0)


def _operation_events(topic: Topic, operation_id: UUID, after: int, version: int) -> Iterator[str]:
    until = time.monotonic() + LIFE_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311 (spreads reconnections)
    news, changed_at, token = topic.news, 0.0, next(_tokens)
    while time.monotonic() < until:
        now = standing(operation_id, token)
        upto = max(now.lines, news.upto)
        while after < upto:
            text, last = output.chunk_as_json(operation_id, after, min(upto, after + output.CHUNK))
            _let_go()
            if last == after:
                break
            after = last
            yield f"id: {after}\nevent: lines\ndata: {text}\n\n"
        due = now.version != version
        if due and (now.ended or time.monotonic() - changed_at >= CHANGED_EVERY_SECONDS):
            version, changed_at, due = now.version, time.monotonic(), False
            yield f"event: changed\ndata: {json.dumps({'version': version})}\n\n"
        if now.ended and after >= now.lines:
            yield "event: end\ndata: {}\n\n"
            return
        before, news = news, topic.wait(news.told, CHANGED_EVERY_SECONDS if due else HEARTBEAT_SECONDS)
        if news.told == before.told and not due:
            token = next(_tokens)  # nothing was told for long: look at the rows, a message may have been lost
            yield ": still here\n\n"
        else:
            token = news.token


def _home_events(topic: Topic) -> Iterator[str]:
    until = time.monotonic() + LIFE_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311
    told = topic.news.told
    _let_go()
    while time.monotonic() < until:
        news = topic.wait(told, HEARTBEAT_SECONDS)
        if news.told == told:
            yield ": still here\n\n"
            continue
        told = news.told
        yield "event: changed\ndata: {}\n\n"
        time.sleep(CHANGED_EVERY_SECONDS)


def _newest_line(message: str | None) -> int:
    """The number of the newest line when a message is about output alone, else 0."""
    try:
        said = json.loads(message or "null")
    except ValueError:
        return 0
    return int(said["output"] or 0) if isinstance(said, dict) and "output" in said else 0


def _let_go() -> None:
    """A stream waits for minutes: it keeps no database connection meanwhile."""
    if not connection.in_atomic_block:
        connection.close()
