"""Keeps the leases of the operations this process works on, from one thread per process.

A step that works past its deadline is no longer kept: its lease runs out and another worker takes over.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, close_old_connections, connections

from opsportal.operations import store
from opsportal.operations.store import Claim

log = logging.getLogger(__name__)

_kept: dict[Claim, float] = {}
_lock = threading.Lock()
_thread: threading.Thread | None = None


@contextmanager
def keeping(held: Claim, *, seconds: float) -> Iterator[None]:
    """Renew the lease while the block runs, for ``seconds`` at the most."""
    global _thread  # noqa: PLW0603  one thread per process
    with _lock:
        _kept[held] = time.monotonic() + seconds
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_beat, name="heart", daemon=True)
            _thread.start()
    try:
        yield
    finally:
        with _lock:
            _kept.pop(held, None)


def _beat() -> None:
    while True:
        time.sleep(store.LEASE_SECONDS / 4)
        with _lock:
            alive = [held for held, deadline in _kept.items() if time.monotonic() < deadline]
        if not alive:
            connections.close_all()  # nobody needs it for a while
            continue
        try:
            close_old_connections()
            store.renew(alive)
        except DatabaseError as error:
            log.warning("leases could not be renewed: %s", type(error).__name__)
        finally:
            close_old_connections()
