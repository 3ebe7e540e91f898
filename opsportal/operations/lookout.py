"""One question to the platform for all operations that wait for it to finish the same kind of work.

Who is no longer among what the platform works on is looked at now, instead of when its time would have come. Rows are
the truth here too: what is on this list may be lost at any moment, and each operation is looked at when it is due.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from django.db import DatabaseError, close_old_connections, connections

from opsportal.operations.outcomes import Until
from opsportal.operations.trouble import EXPECTED

log = logging.getLogger(__name__)

#: Seconds between two questions; more, the more wait, since an answer names each; pauses after trouble.
BEAT_SECONDS, EACH_SECONDS, TROUBLE_SECONDS = 0.25, 0.002, 5.0
#: Seconds after which nobody is waited for any longer here: it has been looked at in the meantime. Wakings remembered.
LONGEST_SECONDS, REMEMBERED = 120.0, 2_000

#: What is asked of the platform: guids of everything of a kind that it works on just now.
Question = Callable[[], Collection[str]]


class Lookout:
    """Calls ``wake`` with a kind of work and the operations for which the platform has ended it, once for each work.

    ``questions``: for each kind of work, what answers which guids are worked on. The thread begins with the first that
    waits, so that it is never inherited by a fork, and ends when nobody waits.
    """

    def __init__(
        self, questions: Mapping[str, Question], wake: Callable[[str, Collection[UUID]], object]
    ) -> None:
        self._questions, self._wake = questions, wake
        self._waiting: dict[UUID, tuple[Until, float]] = {}
        self._woken: dict[UUID, Until] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def expect(self, operation_id: UUID, until: Until) -> None:
        """Wake this operation once the platform no longer works on what it waits for.

        Not twice for the same: who still waits then knows better than the list, and comes back in its own time.
        """
        with self._changed:
            if self._stopped or until.kind not in self._questions or self._woken.get(operation_id) == until:
                return
            self._waiting[operation_id] = (until, time.monotonic())
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._go, name="lookout", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Ask nothing more. Returns at once."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def thread(self) -> threading.Thread | None:
        """The thread that asks; to be waited for after :meth:`stop`."""
        return self._thread

    def _go(self) -> None:
        try:
            while self._pause(BEAT_SECONDS + EACH_SECONDS * len(self._waiting)):
                try:
                    self._look()
                except (*EXPECTED, DatabaseError) as error:
                    log.warning("what the platform works on could not be asked: %s", type(error).__name__)
                    self._pause(TROUBLE_SECONDS)
                finally:
                    close_old_connections()
        finally:
            connections.close_all()

    def _pause(self, seconds: float) -> bool:
        """Wait so long, or until the process is to end. False when there is nothing left to do."""
        with self._changed:
            if not self._stopped:
                self._changed.wait(seconds)
            if self._stopped or not self._waiting:
                self._thread = None
                return False
            return True

    def _look(self) -> None:
        for kind, ask in self._questions.items():
            asked = time.monotonic()
            with self._changed:
                waiting = {key: each for key, each in self._waiting.items() if each[0].kind == kind}
            if not waiting:
                continue
            at_work = ask()
            ended = [key for key, (until, _) in waiting.items() if until.guid not in at_work]
            old = {key for key, (_, since) in waiting.items() if asked - since > LONGEST_SECONDS}
            with self._changed:
                for key in {*ended, *old}:
                    if self._waiting.get(key) == waiting[key]:  # else it waits for something else by now
                        del self._waiting[key]
                self._woken |= {key: waiting[key][0] for key in ended}
                while len(self._woken) > REMEMBERED:
                    del self._woken[next(iter(self._woken))]
            if ended:
                self._wake(kind, ended)
