"""One thread that waits for everything: output, exits, health probes and timers of all processes.

Two hundred applications must cost next to nothing while they idle, so nothing here has a thread of its own:
the thread sleeps in the kernel until a descriptor is ready or the next timer is due.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

Callback = Callable[..., Any]
READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE


class Timer:
    """A call that is due later; `cancel()` forgets it."""

    __slots__ = ("arguments", "callback", "cancelled", "due")

    def __init__(self, due: float, callback: Callback, arguments: tuple[Any, ...]) -> None:
        self.due = due
        self.callback = callback
        self.arguments = arguments
        self.cancelled = False

    def cancel(self) -> None:
        """Never call it; harmless when it has been called already."""
        self.cancelled = True


class Reactor:
    """Calls back in one thread, in order: what is ready, what is due, what other threads asked for."""

    def __init__(self, name: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._asked: deque[tuple[Callback, tuple[Any, ...]]] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._awake = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to wait and to call back."""
        self.watch(self._wake_read, READ, self._drain_wakeups)
        self._thread.start()

    def stop(self) -> None:
        """End after what was asked so far; returns when the thread has ended."""
        self.call_soon(self._end)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(10)

    def call_soon(self, callback: Callback, *arguments: Any) -> None:
        """Call in the reactor's thread as soon as it is free; any thread may ask."""
        self._asked.append((callback, arguments))
        if not self._awake:
            self._awake = True
            with contextlib.suppress(BlockingIOError):  # full of wake-ups already
                os.write(self._wake_write, b"!")

    def call_later(self, seconds: float, callback: Callback, *arguments: Any) -> Timer:
        """Call in the reactor's thread after `seconds`; any thread may ask."""
        timer = Timer(time.monotonic() + seconds, callback, arguments)
        self.call_soon(self._push, timer)
        return timer

    def watch(self, descriptor: int, events: int, callback: Callback) -> None:
        """Call `callback()` whenever the descriptor is ready (reactor's thread only)."""
        self._selector.register(descriptor, events, callback)

    def rewatch(self, descriptor: int, events: int, callback: Callback) -> None:
        """Wait for something else on a watched descriptor (reactor's thread only)."""
        self._selector.modify(descriptor, events, callback)

    def unwatch(self, descriptor: int) -> None:
        """Forget a descriptor before it is closed (reactor's thread only); an unknown one is fine."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(descriptor)

    def _push(self, timer: Timer) -> None:
        heapq.heappush(self._timers, (timer.due, next(self._numbers), timer))

    def _end(self) -> None:
        self._stopping = True

    def _drain_wakeups(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        self._awake = False

    def _run(self) -> None:
        while not self._stopping:
            for key, _events in self._selector.select(self._patience()):
                self._call(key.data, ())
            while self._asked:
                self._call(*self._asked.popleft())
            self._call_due()

    def _patience(self) -> float | None:
        if self._asked:
            return 0
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _call_due(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled:
                self._call(timer.callback, timer.arguments)

    def _call(self, callback: Callback, arguments: tuple[Any, ...]) -> None:
        try:
            callback(*arguments)
        except Exception:  # one bad callback must not end the life of all others
            log.exception("a callback of the cell failed")
