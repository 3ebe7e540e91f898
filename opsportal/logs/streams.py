"""The live tail: server-sent events with what was kept since, woken when the collector has written.

At most :data:`DRAWN` entries come at a time, the newest; of the others the number is told, and where to find them, so
that a browser keeps up with any log. Nothing is missing from the store.
"""

import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from django.http import HttpResponseBase

from opsportal.kit.live import Topic, let_go, respond
from opsportal.logs import channels, matching, present, queries
from opsportal.logs.filters import Search
from opsportal.logs.spans import in_address

HEARTBEAT_SECONDS = 5.0
LIFE_SECONDS = 600.0
#: Between two batches, so that a flood comes in few large ones; seconds that a pattern may take for one batch.
BEAT_SECONDS, PATTERN_SECONDS = 0.4, 2.0
DRAWN = 400


def follow(environment_id: int, search: Search, after: int) -> HttpResponseBase:
    """``entries`` with what came after the entry ``after``, and ``problem`` when a pattern cannot be used."""
    return respond(channels.of(environment_id), lambda topic: _events(topic, environment_id, search, after))


def _events(topic: Topic, environment_id: int, search: Search, after: int) -> Iterator[str]:
    until = time.monotonic() + LIFE_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311 (spreads reconnections)
    told = topic.news.told
    with ExitStack() as stack:
        try:
            matcher = stack.enter_context(pattern(search)) if search.is_pattern and search.text else None
            while time.monotonic() < until:
                channels.watch(environment_id)
                said = batch(environment_id, search, after, matcher)
                let_go()
                if said["last"] != after:
                    after = said["last"]
                    yield f"id: {after}\nevent: entries\ndata: {_json(said)}\n\n"
                    time.sleep(BEAT_SECONDS)
                else:
                    yield ": still here\n\n"
                told = topic.wait(told, HEARTBEAT_SECONDS).told
        except (matching.BadPattern, matching.TooSlow) as error:
            yield f"event: problem\ndata: {_json(str(error))}\n\n"


def pattern(search: Search) -> matching.Matcher:
    """What matches a search's regular expression for as long as a stream lives."""
    return matching.Matcher(search.text, LIFE_SECONDS)


def batch(
    environment_id: int, search: Search, after: int, matcher: matching.Matcher | None
) -> dict[str, Any]:
    """What the page draws next: ``entries``, how many were ``left_out``, the span of all of them, ``last``."""
    news = queries.news(environment_id, search, after, DRAWN)
    rows = news.entries
    if matcher is not None and rows:
        rows = [rows[each] for each in matcher.matches([row.text for row in rows], PATTERN_SECONDS)]
    moments = [row.at_ns for row in news.entries] + ([news.since_ns] if news.left_out else [])
    return {
        "entries": [present.live(row) for row in rows],
        "left_out": news.left_out,
        "since": in_address(min(moments)) if moments else "",
        "until": in_address(max(moments) + 1_000_000) if moments else "",
        "last": news.last,
    }


def _json(said: object) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
