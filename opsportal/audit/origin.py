"""From where the thing being done now was asked for: an address, "shell", "schedule".

Told once at the edge (a request, a command, a task) and read when an entry is written, so that actions need
not pass it along.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_origin: ContextVar[str] = ContextVar("audit_origin", default="portal")


def current() -> str:
    """The origin told last, "portal" when nothing was told."""
    return _origin.get()


@contextmanager
def told(origin: str) -> Iterator[None]:
    """Entries written inside come from ``origin``."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)
