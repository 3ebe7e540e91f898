"""Server-sent events: what happens to an operation, and that something happened anywhere.

Who follows the same operation is woken in the same beat (:mod:`opsportal.kit.live`) and reads the same rows:
what is read once they all get for free (:func:`standing`, :func:`lines_event`).
"""

import json
import random
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from django.http import HttpResponseBase

from opsportal.kit.live import News, Topic, let_go, respond, tokens
from opsportal.operations import bell, output
from opsportal.operations.models import ENDED, Operation

HEARTBEAT_SECONDS = 15.0  # a comment that keeps routers from dropping the line and notices who has gone
LIFE_SECONDS = 600.0  # then the browser connects again, to whichever process has room
CHANGED_EVERY_SECONDS = 1.0  # a page fetches its regions again at most this often …
CHANGED_PER_FOLLOWER = 0.05  # … and less often the more follow: each of them asks for the page


def follow_operation(operation_id: UUID, after: int, version: int) -> HttpResponseBase:
    """``lines`` (with the last number as id), ``changed`` and, when it has ended and all is told, ``end``."""
    return respond(
        bell.channel(operation_id),
        lambda topic: _operation_events(topic, operation_id, after, version),
        _ReadsAhead(operation_id),
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
    let_go()
    return Standing(row[0], row[1] in ENDED, row[2]) if row else Standing(0, True, 0)


@lru_cache(maxsize=256)
def lines_event(operation_id: UUID, after: int, upto: int) -> tuple[str, int]:
    """Lines ``after`` < number ≤ ``upto`` as an event, with the last number: read and written once for all."""
    text, last = output.chunk_as_json(operation_id, after, upto)
    let_go()
    return f"id: {last}\nevent: lines\ndata: {text}\n\n", last


class _ReadsAhead:
    """Reads what those who have followed so far will ask for at the next beat."""

    def __init__(self, operation_id: UUID) -> None:
        self._operation_id = operation_id
        self._after: int | None = None

    def __call__(self, news: News) -> None:
        upto = max(standing(self._operation_id, news.token).lines, news.upto)
        while self._after is not None and self._after < upto:
            last = lines_event(self._operation_id, self._after, min(upto, self._after + output.CHUNK))[1]
            if last == self._after:
                return
            self._after = last
        self._after = upto


def _operation_events(topic: Topic, operation_id: UUID, after: int, version: int) -> Iterator[str]:
    until = time.monotonic() + LIFE_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311 (spreads reconnections)
    news, changed_at, token = topic.news, 0.0, next(tokens)
    # Not all alike, so that they do not all ask for the page at the same moment.
    share = CHANGED_PER_FOLLOWER * random.uniform(0.5, 1.5)  # noqa: S311
    while time.monotonic() < until:
        now = standing(operation_id, token)
        upto = max(now.lines, news.upto)
        while after < upto:
            event, last = lines_event(operation_id, after, min(upto, after + output.CHUNK))
            if last == after:
                break
            after = last
            yield event
        due = now.version != version
        pace = max(CHANGED_EVERY_SECONDS, topic.followers * share)
        if due and (now.ended or time.monotonic() - changed_at >= pace):
            version, changed_at, due = now.version, time.monotonic(), False
            yield f"event: changed\ndata: {json.dumps({'version': version})}\n\n"
        if now.ended and after >= now.lines:
            yield "event: end\ndata: {}\n\n"
            return
        before, news = news, topic.wait(news.told, pace if due else HEARTBEAT_SECONDS)
        if news.told == before.told and not due:
            token = next(tokens)  # nothing was told for long: look at the rows, a message may have been lost
            yield ": still here\n\n"
        else:
            token = news.token


def _home_events(topic: Topic) -> Iterator[str]:
    until = time.monotonic() + LIFE_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311
    told = topic.news.told
    let_go()
    while time.monotonic() < until:
        news = topic.wait(told, HEARTBEAT_SECONDS)
        if news.told == told:
            yield ": still here\n\n"
            continue
        told = news.told
        yield "event: changed\ndata: {}\n\n"
        time.sleep(CHANGED_EVERY_SECONDS)
