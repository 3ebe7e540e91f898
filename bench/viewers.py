"""Many viewers of one operation, in a process of their own: each reads the stream as a browser does.

A viewer drops its connection now and then, waits as long as the stream told it to, and goes on with Last-Event-ID.
Turned away (204), it does what the page does: asks for lines every three seconds and tries the stream again.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

POLL_S = 3.0
SILENCE_S = 60.0


@dataclass
class Plan:
    """What to watch: where, with whose cookies, how many viewers, for about how long, how often each drops."""

    portal: str
    operation_id: str
    cookies: str
    viewers: int
    seconds: float
    drops: int


@dataclass
class Seen:
    """What one viewer saw: line numbers in order, delays in seconds of lines printed while it was connected."""

    numbers: list[int] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    connections: int = 0
    turned_away: int = 0
    ended: bool = False

    @property
    def last(self) -> int:
        """The number of the newest line."""
        return self.numbers[-1] if self.numbers else 0


def watch(plan: Plan) -> dict[str, Any]:
    """All viewers at once, until the operation has ended. Plain values, to be sent between processes."""
    seen = asyncio.run(_all(plan))
    return {
        "delays": [delay for each in seen for delay in each.delays],
        "counts": [len(each.numbers) for each in seen],
        "whole": [each.numbers == list(range(1, each.last + 1)) for each in seen],
        "ended": sum(each.ended for each in seen),
        "connections": sum(each.connections for each in seen),
        "turned_away": sum(each.turned_away for each in seen),
    }


async def _all(plan: Plan) -> list[Seen]:
    return list(await asyncio.gather(*(_viewer(plan, number) for number in range(plan.viewers))))


async def _viewer(plan: Plan, number: int) -> Seen:
    seen, chance, began = Seen(), random.Random(number), time.monotonic()
    part = plan.seconds / (plan.drops + 1)
    drops = [began + part * (each + chance.uniform(0.6, 1.4)) for each in range(plan.drops)]
    until = began + plan.seconds * 4 + 60
    while not seen.ended and time.monotonic() < until:
        retry = 1.0
        try:
            retry = await _connection(plan, seen, drops)
        except (OSError, asyncio.IncompleteReadError):
            retry = 1.0
        if not seen.ended:
            await asyncio.sleep(retry)
    return seen


async def _connection(plan: Plan, seen: Seen, drops: list[float]) -> float:
    """One connection until it is dropped, ends, or the next drop is due. Seconds until the next try."""
    reader, writer = await _get(plan, f"/operations/{plan.operation_id}/stream", seen.last)
    try:
        status = await _status(reader)
        if status == 204:
            seen.turned_away += 1
            await _poll(plan, seen)
            return POLL_S
        if status != 200:
            raise OSError(f"the stream answered {status}")
        seen.connections += 1
        await _read(reader, seen, time.time(), drops)
        return 1.0
    finally:
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader, seen: Seen, connected: float, drops: list[float]) -> None:
    event, data = "", ""
    while not seen.ended:
        left = drops[0] - time.monotonic() if drops else SILENCE_S
        try:
            line = await asyncio.wait_for(reader.readline(), max(0.001, min(left, SILENCE_S)))
        except TimeoutError:
            if drops and time.monotonic() >= drops[0]:
                drops.pop(0)
            return
        if not line:
            return
        text = line.decode().rstrip("\n")
        if text:
            name, _, value = text.partition(": ")
            event, data = (value, data) if name == "event" else (event, value if name == "data" else data)
            continue
        if event == "lines":
            _take(seen, json.loads(data), connected)
        elif event == "end":
            seen.ended = True
        event, data = "", ""


def _take(seen: Seen, lines: list[Any], connected: float) -> None:
    now = time.time()
    for number, _, _, _, text in lines:
        seen.numbers.append(number)
        printed = text.rpartition(" at ")[2]
        if text.startswith("line ") and float(printed) >= connected:
            seen.delays.append(now - float(printed))


async def _poll(plan: Plan, seen: Seen) -> None:
    reader, writer = await _get(plan, f"/operations/{plan.operation_id}/output", seen.last)
    try:
        await _status(reader)
        body = await reader.read()
        _take(seen, json.loads(body)["lines"], float("inf"))
    finally:
        writer.transport.abort()


async def _get(plan: Plan, path: str, after: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    place = urlsplit(plan.portal)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=1 << 22)
    head = [f"GET {path}?after={after} HTTP/1.0", f"Host: {place.netloc}", f"Cookie: {plan.cookies}"]
    head += [f"Last-Event-ID: {after}"] if after else []
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
    await writer.drain()
    return reader, writer


async def _status(reader: asyncio.StreamReader) -> int:
    first = await reader.readline()
    while (await reader.readline()).strip():
        pass
    words = first.split()
    return int(words[1]) if len(words) > 1 else 0
