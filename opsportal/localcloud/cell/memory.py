"""Holds containers to their memory: whoever uses more than its limit is ended, as a kernel would end it.

Tasks are looked at often and by their own tree of processes; all containers now and then in one pass over /proc.
What counts is what belongs to the container alone: pages shared between its processes count once, files not at all.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from . import proc

log = logging.getLogger(__name__)

SLOWER = 8  # looks at tasks for one look at everything
Limits = Callable[[], Mapping[int, int]]


class MemoryWatch:
    """One thread. ``tasks()`` and ``instances()`` say which process groups may use how many bytes.

    ``over(group)`` is called in this thread for each that uses more; ``seconds()`` is the time between two looks,
    0 for none.
    """

    def __init__(
        self, tasks: Limits, instances: Limits, over: Callable[[int], object], seconds: Callable[[], float]
    ) -> None:
        self._tasks = tasks
        self._instances = instances
        self._over = over
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="localcloud-memory", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def _watch(self) -> None:
        turn = 0
        while not self._stopping.wait(self._seconds() or 1.0):
            if not self._seconds():
                continue
            turn += 1
            try:
                self._look(everything=turn % SLOWER == 0)
            except Exception:  # a look that failed must not be the last one
                log.exception("memory could not be looked at")

    def _look(self, *, everything: bool) -> None:
        tasks = self._tasks()
        found = {group: proc.tree_memory(group) for group in tasks}
        limits = dict(tasks)
        if everything:
            limits |= self._instances()
            if limits:
                found |= {group: usage.memory_bytes for group, usage in proc.groups_usage().items()}
        for group, limit in limits.items():
            # resident memory counts shared pages again and again: only whoever is over by that is looked at closely
            if found.get(group, 0) > limit and proc.own_memory(group) > limit:
                self._over(group)
