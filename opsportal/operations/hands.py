"""A worker comes back by itself to what it has put down: no message through the broker for each look.

Rows are the truth here too. What is on this list is lost with the process, and the sweep rings for it.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable
from uuid import UUID

from django.db import close_old_connections, connections

log = logging.getLogger(__name__)

#: Threads that look. A look mostly waits for the platform's answer; a build or an upload keeps one for long.
HANDS = 12


class Hands:
    """Calls ``work`` with an operation's id when its time has come, once for the last time it was put down.

    ``work`` answers whether it worked on it. ``hand_over``: who is told what is left, and in how many seconds, when the
    process is to end. Threads begin with the first operation put down, so that they are never inherited by a fork.
    """

    def __init__(
        self,
        work: Callable[[UUID], bool],
        hand_over: Callable[[UUID, float], None],
        threads: int = HANDS,
    ) -> None:
        self._work, self._hand_over, self._most = work, hand_over, threads
        self._due: list[tuple[float, UUID]] = []
        self._put_down: dict[UUID, float] = {}
        self._now: dict[UUID, float] = {}
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def come_back(self, operation_id: UUID, seconds: float) -> None:
        """It was put down: look at it in so many seconds. Handed over at once when the process is to end."""
        self._note(self._put_down, operation_id, seconds)

    def look_now(self, operation_id: UUID, *, ahead: float = 0.0) -> None:
        """Somebody rang: look at it as soon as a hand is free, and when it was put down for, should it be too early.

        ``ahead``: before everything that has not been due for longer than so many seconds.
        """
        if operation_id not in self._now:
            self._note(self._now, operation_id, -ahead)

    def has(self, operation_id: UUID) -> bool:
        """Whether it is on the list of this process."""
        return operation_id in self._put_down or operation_id in self._now

    def _note(self, when: dict[UUID, float], operation_id: UUID, seconds: float) -> None:
        moment = time.monotonic() + seconds
        with self._changed:
            stopped = self._stopped
            if not stopped:
                when[operation_id] = moment
                heapq.heappush(self._due, (moment, operation_id))
                self._begin_thread()
                self._changed.notify()
        if stopped:
            self._hand_over(operation_id, max(0.0, seconds))

    def stop(self) -> None:
        """Look at nothing more; what is left is handed over. Returns at once, the threads end by themselves."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def threads(self) -> list[threading.Thread]:
        """The threads that look; to be waited for after :meth:`stop`."""
        return list(self._threads)

    def _begin_thread(self) -> None:
        self._threads = [each for each in self._threads if each.is_alive()]
        if len(self._threads) < self._most:
            thread = threading.Thread(target=self._go, name=f"hand-{len(self._threads) + 1}")
            self._threads.append(thread)
            thread.start()

    def _go(self) -> None:
        try:
            while (operation_id := self._next()) is not None:
                self._look(operation_id)
            self._hand_the_rest_over()
        finally:
            connections.close_all()

    def _look(self, operation_id: UUID) -> None:
        put_down = self._put_down.get(operation_id)
        try:
            if self._work(operation_id):
                self._forget(self._put_down, operation_id, put_down)
        except Exception:
            # Its row says what is true, and the sweep rings for it; the thread is there for the others as well.
            log.exception("a look at operation %s ended badly", operation_id)
        finally:
            close_old_connections()

    def _next(self) -> UUID | None:
        """Wait for the next that is due; None when the process is to end."""
        with self._changed:
            while not self._stopped:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is None or left > 0:
                    self._changed.wait(left)
                    continue
                moment, operation_id = heapq.heappop(self._due)
                for when in (self._now, self._put_down):
                    if self._forget(when, operation_id, moment):
                        return operation_id
        return None

    def _forget(self, when: dict[UUID, float], operation_id: UUID, moment: float | None) -> bool:
        """Take it off a list, unless it stands there for another moment by now. Whether it was taken off."""
        with self._changed:
            stands = moment is not None and when.get(operation_id) == moment
            if stands:
                del when[operation_id]
            return stands

    def _hand_the_rest_over(self) -> None:
        with self._changed:
            left, self._due = self._put_down | self._now, []
            self._put_down, self._now = {}, {}
        for operation_id, moment in left.items():
            self._hand_over(operation_id, max(0.0, moment - time.monotonic()))
