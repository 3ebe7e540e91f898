"""Server-sent events: what happens to an operation, and that something happened anywhere.

Who follows the same operation is woken in the same beat (:mod:`opsportal.kit.live`) and reads the same rows:
what one has read the others get for free (:func:`opsportal.operations.output.chunk_as_json`).
"""

import json
import random
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from django.http import HttpResponseBase

from opsportal.kit.live import Topic, let_go, respond, tokens
from opsportal.operations import bell, output
from opsportal.operations.models import ENDED, Operation

HEARTBEAT_SECONDS = 15.0  # a comment that keeps routers from dropping the line and notices who has gone
LIFE_SECONDS = 600.0  # then the browser connects again, to whichever process has room
CHANGED_EVERY_SECONDS = 1.0  # a page fetches its regions again at most this often


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
    let_go()
    return Standing(row[0], row[1] in ENDED, row[2]) if row else Standing(0, True, 0)


def _operation_events(topic: Topic, operation_id: UUID, after: int, version: int) -> Iterator[str]:
    until = time.monotonic() + LIFE_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311 (spreads reconnections)
    news, changed_at, token = topic.news, 0.0, next(tokens)
    while time.monotonic() < until:
        now = standing(operation_id, token)
        upto = max(now.lines, news.upto)
        while after < upto:
            text, last = output.chunk_as_json(operation_id, after, min(upto, after + output.CHUNK))
            let_go()
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
