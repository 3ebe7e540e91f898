"""Reading log lines as the command line client does (platform API §11): its paths, its two phases, its line format."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from . import go_types
from .go_types import decode
from .wire import Cf, CommandFailed, query_text

NO_START = -6795364578871345152
RECENT = 1000
ERRORS_IN_A_ROW = 5
Envelope = dict[str, Any]


def base(cf: Cf) -> str:
    """The log cache's address up to the source: its own path is thrown away, and its version chooses the new one."""
    parts = urlsplit(cf.links["log_cache"])
    root = f"{parts.scheme}://{parts.netloc}"
    answer = cf.send("GET", f"{root}/api/v1/info", auth=False)
    if answer.status_code == 404:
        return f"{root}/v1/read/"
    version = decode(go_types.LOG_INFO, answer.json(), "the log cache's version")["version"]
    return f"{root}/api/v1/read/" if int(version.split(".")[0]) >= 2 else f"{root}/v1/read/"


def read(cf: Cf, where: str, **query: Any) -> list[Envelope]:
    """One batch, decoded strictly."""
    answer = cf.send("GET", f"{where}?{query_text(query)}")
    if answer.status_code != 200:
        raise CommandFailed(f"unexpected status code {answer.status_code}", str(answer.status_code))
    found = decode(go_types.ENVELOPES, answer.json(), "the log", strict=True)
    batch: list[Envelope] = found["envelopes"]["batch"]
    return [one for one in batch if int(one["timestamp"]) and one["log"]["type"] in {"OUT", "ERR", ""}]


def recent(cf: Cf, app_guid: str) -> list[Envelope]:
    """The newest lines, oldest first; fewer are asked for when there are too many requests."""
    where, limit = base(cf) + app_guid, RECENT
    while True:
        try:
            found = read(cf, where, descending="true", envelope_types="LOG", limit=limit, start_time=NO_START)
        except CommandFailed as error:
            if error.kind != "429" or limit < 2:
                raise
            limit //= 2
        else:
            return found[::-1]


def follow(cf: Cf, app_guid: str, ended: Callable[[], bool]) -> Iterator[Envelope]:
    """Lines as they come, until ``ended`` says so and nothing more is there."""
    where = base(cf) + app_guid
    start = _first_start(cf, where, ended)
    errors = 0
    while True:
        over = ended()
        try:
            batch = read(cf, where, envelope_types="LOG", start_time=start)
            errors = 0
        except CommandFailed:
            errors += 1
            if errors >= ERRORS_IN_A_ROW:
                raise
            batch = []
        young = time.time_ns() - int(cf.walk * 1e9)
        accepted = [one for one in batch if int(one["timestamp"]) <= young]
        yield from accepted
        if accepted:
            start = int(accepted[-1]["timestamp"]) + 1
        elif not batch and over:
            return
        if not accepted:
            time.sleep(cf.pause)


def _first_start(cf: Cf, where: str, ended: Callable[[], bool]) -> int:
    """Phase one: ask for the newest envelope of any kind until there is one that is old enough; a second before it."""
    while True:
        found = read(cf, where, descending="true", limit=1, start_time=NO_START)
        if found and int(found[0]["timestamp"]) <= time.time_ns() - int(cf.walk * 5e8):
            return int(found[0]["timestamp"]) - 10**9
        if ended() and not found:
            raise CommandFailed("The log has no line at all, and the client asks for ever.")
        time.sleep(cf.pause)


def text(envelope: Envelope) -> str:
    """What a line says."""
    return base64.b64decode(envelope["log"]["payload"], validate=True).decode().rstrip("\n")


def printed(envelope: Envelope) -> list[str]:
    """A line as the terminal shows it, its header again before each line of a text of several (§11.6)."""
    moment = datetime.fromtimestamp(int(envelope["timestamp"]) / 1e9).astimezone()
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 10000:02d}{moment:%z}"
    source = f"{envelope['tags']['source_type']}/{envelope['instance_id']}"
    return [
        f"   {stamp} [{source}] {envelope['log']['type'] or 'OUT'} {line}"
        for line in text(envelope).split("\n")
    ]
