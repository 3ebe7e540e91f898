"""A small child that outlives the cloud by a moment: when that dies, it kills what was running.

The cloud holds the only writing end of a pipe; the kernel closes it however the cloud dies, SIGKILL included.
The file runs as a script of its own (`python -I -S watchdog.py MARKER`): nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import IO


class Watchdog:
    """The cloud's side: tells the child which process groups live."""

    def __init__(self, marker: str) -> None:
        self._lock = threading.Lock()
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-S", os.path.abspath(__file__), marker],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={"PATH": os.defpath},
            cwd="/",
        )

    def add(self, group: int) -> None:
        """This group must not outlive the cloud."""
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """This group has ended; its number may be given to somebody else."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Let the child end (it kills what was never removed)."""
        if self._child.stdin is not None and not self._child.stdin.closed:
            self._child.stdin.close()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _tell(self, line: str) -> None:
        pipe = self._child.stdin
        if pipe is None or pipe.closed:
            return
        with self._lock:
            try:
                pipe.write(line.encode())
                pipe.flush()
            except (
                BrokenPipeError
            ):  # somebody killed the child: the scan at the next start still finds leftovers
                return


def _carriers(marker: bytes) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if marker in file.read().split(b"\0"):
                    found.append(int(name))
        except OSError:
            continue
    return found


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def watch(lines: IO[bytes], marker: str) -> None:
    """Follow the cloud's word to its end, then kill the groups that are left and all carriers."""
    groups: set[int] = set()
    for line in lines:
        number = int(line[1:])
        if line.startswith(b"+"):
            groups.add(number)
        else:
            groups.discard(number)
    for group in groups:
        _kill(-group)
    for _round in range(20):
        found = _carriers(marker.encode())
        if not found:
            break
        for pid in found:
            _kill(pid)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    watch(sys.stdin.buffer, sys.argv[1])
