"""Ends what the demo started when the demo itself is gone, however it went.

A process of its own, of Python's own library only. Its standard input is a pipe that the demo holds open and
writes to: `+123` and `-123` for process groups that begin and end. When the pipe ends, those left are ended.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_S = 8.0


def end(groups: Iterable[int], grace_s: float = GRACE_S) -> None:
    """Ask each process group to end; after the grace, make it."""
    left = [group for group in groups if _signal(group, signal.SIGTERM)]
    deadline = time.monotonic() + grace_s
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = [group for group in left if _signal(group, 0)]
    for group in left:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    """Follow the demo until its end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    end(groups)


if __name__ == "__main__":
    main()
