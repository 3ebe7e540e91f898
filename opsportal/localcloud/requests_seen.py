"""The requests that were answered lately, so that a test can prove that nothing was done twice."""

import itertools
import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 50_000


@dataclass(frozen=True)
class Seen:
    """One request: its number (from 1, growing), what was asked, what was answered, by whom, in how many ms.

    ``status`` 0: the connection was closed and nothing was done. ``dropped``: closed without an answer; with a
    status it was done all the same.
    """

    number: int
    method: str
    path: str
    status: int
    user: str
    ms: float
    dropped: bool = False


class RequestsSeen:
    """A ring of the last 50,000 requests."""

    def __init__(self) -> None:
        self._ring: deque[Seen] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, method: str, path: str, status: int, user: str, ms: float, dropped: bool = False) -> None:
        """Note a request that was dealt with; ``path`` with its query."""
        with self._lock:
            seen = Seen(next(self._numbers), method, path, status, user, round(ms, 1), dropped)
            self._ring.append(seen)

    def since(self, number: int) -> list[dict[str, Any]]:
        """The requests numbered above ``number`` that are still kept, oldest first."""
        with self._lock:
            return [asdict(one) for one in self._ring if one.number > number]
