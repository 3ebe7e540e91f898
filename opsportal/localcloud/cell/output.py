"""Bytes that a process prints, cut into lines as they come: also binary, endless and unfinished ones."""

from __future__ import annotations

import os
from collections.abc import Callable

from .reactor import READ, Reactor

MAX_LINE = 60_000
CHUNK = 65_536
FAIR_SHARE = 4  # chunks read from one process before the others get their turn

OnLines = Callable[[list[bytes]], object]


class LineCutter:
    """Collects bytes and gives back whole lines, none longer than `MAX_LINE` bytes."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, in order."""
        pieces = (self._rest + data).split(b"\n")
        self._rest = pieces.pop()
        lines = [part for piece in pieces for part in _bounded(piece)]
        while len(self._rest) > MAX_LINE:
            lines.append(self._rest[:MAX_LINE])
            self._rest = self._rest[MAX_LINE:]
        return lines

    def finish(self) -> list[bytes]:
        """What was printed last without a newline."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []


def _bounded(line: bytes) -> list[bytes]:
    line = line.removesuffix(b"\r")
    if len(line) <= MAX_LINE:
        return [line]
    return [line[at : at + MAX_LINE] for at in range(0, len(line), MAX_LINE)]


class OutputReader:
    """Reads one pipe in the reactor until its end, then closes it and says so."""

    def __init__(
        self, reactor: Reactor, descriptor: int, on_lines: OnLines, on_end: Callable[[], object]
    ) -> None:
        self._reactor = reactor
        self._descriptor = descriptor
        self._on_lines = on_lines
        self._on_end = on_end
        self._cutter = LineCutter()
        self.open = True
        os.set_blocking(descriptor, False)
        reactor.watch(descriptor, READ, self._ready)

    def close(self) -> None:
        """Read no more, even if somebody still holds the other end."""
        if self.open:
            self._give(self._cutter.finish())
            self.open = False
            self._reactor.unwatch(self._descriptor)
            os.close(self._descriptor)
            self._on_end()

    def _ready(self) -> None:
        for _turn in range(FAIR_SHARE):
            try:
                data = os.read(self._descriptor, CHUNK)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.close()
                return
            self._give(self._cutter.feed(data))

    def _give(self, lines: list[bytes]) -> None:
        if lines:
            self._on_lines(lines)
