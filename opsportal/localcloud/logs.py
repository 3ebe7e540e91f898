"""The log cache: the last lines of each source in memory, and in SQLite so that a restart does not lose them."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5
SLACK = 1.25  # a ring may grow this much beyond its size before it is cut, so that cutting is rare; nobody sees it
MAX_PAYLOAD = 60_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS lines (
    source TEXT NOT NULL, stamp INTEGER NOT NULL, source_type TEXT NOT NULL,
    instance TEXT NOT NULL, stream TEXT NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (source, stamp)
) WITHOUT ROWID
"""


class Line(NamedTuple):
    """One line: `stamp` in nanoseconds since the epoch, unique and rising within its source."""

    stamp: int
    source_type: str
    instance: str
    stream: str
    payload: bytes


class Ring:
    """The lines of one source, oldest first."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.lines: list[Line] = list(lines)
        self.last = self.lines[-1].stamp if self.lines else 0
        self.expired = 0

    def add(
        self, source_type: str, instance: str, stream: str, payloads: Sequence[bytes], most: int
    ) -> list[Line]:
        """Stamp lines and keep them; the lines as kept."""
        stamp = max(time.time_ns(), self.last + 1)
        added = [
            Line(stamp + number, source_type, instance, stream, payload)
            for number, payload in enumerate(payloads)
        ]
        self.lines.extend(added)
        self.last = added[-1].stamp
        if len(self.lines) > most * SLACK:
            surplus = len(self.lines) - most
            del self.lines[:surplus]
            self.expired += surplus
        return added


class LogStore:
    """All sources. `append` and `read` may be called from any thread."""

    def __init__(self, path: Path, most: Callable[[], int]) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._rings: dict[str, Ring] = {}
        self._pending: list[tuple[str, int, str, str, str, bytes]] = []
        self._forgotten: list[str] = []
        self._writing = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute(_SCHEMA)
        self._load()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._writer = threading.Thread(target=self._write, name="localcloud-logs", daemon=True)
        self._writer.start()

    def append(
        self, source: str, source_type: str, instance: str, stream: str, payloads: Sequence[bytes]
    ) -> None:
        """Keep lines of one source, in order; `stream` is OUT or ERR."""
        if not payloads:
            return
        payloads = [part for payload in payloads for part in _bounded(payload)]
        with self._lock:
            ring = self._rings.setdefault(source, Ring())
            added = ring.add(source_type, instance, stream, payloads, max(1, self._most()))
            self._pending.extend((source, *line) for line in added)
        self._wake.set()

    def read(self, source: str, start: int, end: int, limit: int, *, descending: bool = False) -> list[Line]:
        """The lines with start <= stamp < end: the oldest `limit` of them, or newest first when descending."""
        with self._lock:
            lines = self._rings[source].lines if source in self._rings else []
            first = max(bisect_left(lines, start, key=_stamp), len(lines) - max(1, self._most()))
            behind = bisect_left(lines, end, key=_stamp)
            if descending:
                return lines[max(first, behind - limit) : behind][::-1]
            return lines[first : min(behind, first + limit)]

    def meta(self, source: str) -> tuple[int, int, int, int] | None:
        """(lines kept, lines expired, oldest stamp, newest stamp); None when there is nothing."""
        with self._lock:
            ring = self._rings.get(source)
            if ring is None or not ring.lines:
                return None
            surplus = max(0, len(ring.lines) - max(1, self._most()))
            kept = len(ring.lines) - surplus
            return kept, ring.expired + surplus, ring.lines[surplus].stamp, ring.lines[-1].stamp

    def forget(self, source: str) -> None:
        """Drop everything of a source."""
        with self._lock:
            self._rings.pop(source, None)
            self._pending = [row for row in self._pending if row[0] != source]
            self._forgotten.append(source)
        self._wake.set()

    def close(self) -> None:
        """Write what is left and end."""
        self._stopping.set()
        self._wake.set()
        self._writer.join(10)
        self.flush()
        self._database.close()

    def flush(self) -> None:
        """Write what has come since the last time."""
        with self._writing:
            with self._lock:
                rows, self._pending = self._pending, []
                gone, self._forgotten = self._forgotten, []
                oldest = {
                    source: self._rings[source].lines[0].stamp
                    for source in {row[0] for row in rows}
                    if source in self._rings
                }
            if not rows and not gone:
                return
            self._database.execute("BEGIN")
            self._database.executemany("DELETE FROM lines WHERE source = ?", [(source,) for source in gone])
            self._database.executemany("INSERT OR IGNORE INTO lines VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._database.executemany(
                "DELETE FROM lines WHERE source = ? AND stamp < ?", list(oldest.items())
            )
            self._database.execute("COMMIT")

    def _write(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self.flush()
            except sqlite3.Error:
                log.exception("log lines could not be written")
            self._stopping.wait(FLUSH_SECONDS)

    def _load(self) -> None:
        found: dict[str, list[Line]] = {}
        for source, *rest in self._database.execute("SELECT * FROM lines ORDER BY source, stamp"):
            found.setdefault(source, []).append(Line(*rest))
        self._rings = {source: Ring(lines) for source, lines in found.items()}


def _stamp(line: Line) -> int:
    return line.stamp


def _bounded(payload: bytes) -> list[bytes]:
    if len(payload) <= MAX_PAYLOAD:
        return [payload]
    return [payload[at : at + MAX_PAYLOAD] for at in range(0, len(payload), MAX_PAYLOAD)]
