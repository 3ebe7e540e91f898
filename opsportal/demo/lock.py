"""One demo at a time on a data directory."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import IO

PATIENCE_S = 12
"""How long an earlier demo that was killed may take to end what it left running."""


class AlreadyRunning(Exception):
    """Another demo runs on the same data directory; the text says which."""


def acquire(path: Path) -> IO[str]:
    """Hold the lock until the file returned is closed, or the process and its undertaker are gone.

    Raises AlreadyRunning at once while the other demo lives.
    """
    file = path.open("a+")
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            process, _, address = file.read().partition(" ")
            if _lives(process) or time.monotonic() > deadline:
                file.close()
                which = ", ".join(filter(None, [f"process {process or 'unknown'}", address]))
                raise AlreadyRunning(
                    f"A demo already runs on {path.parent} ({which}). "
                    "Stop it with Ctrl-C there, or give another --data-dir."
                ) from None
            time.sleep(0.2)
        else:
            note(file, "")
            return file


def note(file: IO[str], address: str) -> None:
    """Say in the lock who holds it, and where its portal is."""
    file.seek(0)
    file.truncate()
    file.write(f"{os.getpid()} {address}")
    file.flush()


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
