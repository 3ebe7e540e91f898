"""One command in its own session, followed by the reactor from its first line to its exit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from . import proc
from .output import OutputReader
from .reactor import READ, Reactor, Timer
from .watchdog import Watchdog

KILLED = 137  # the status of what SIGKILL ended
OUT_OF_MEMORY = " (out of memory)"  # what the platform adds to it
OUTPUT_PATIENCE = 2.0  # how long we wait for the rest of the output once the command itself has ended


class Ledger:
    """The file of process groups that were started: what a later life of the cloud must end first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def kill_leftovers(self) -> int:
        """Kill the groups of an earlier life that still exist, begin a new list; answers how many."""
        killed = 0
        with contextlib.suppress(FileNotFoundError):
            for line in self._path.read_text().splitlines():
                pid, _, started = line.partition(" ")
                if pid.isdigit() and started and proc.start_time(int(pid)) == started:
                    killed += proc.kill_group(int(pid))
        self._path.write_text("")
        return killed

    def add(self, pid: int) -> None:
        """Remember a group before anything depends on it."""
        with self._lock, self._path.open("a") as file:
            file.write(f"{pid} {proc.start_time(pid)}\n")


class Keeper:
    """What every child needs: the reactor that follows it, and the two who end it if the cloud dies."""

    def __init__(self, reactor: Reactor, watchdog: Watchdog, ledger: Ledger) -> None:
        self.reactor = reactor
        self.watchdog = watchdog
        self.ledger = ledger


class Child:
    """A running command. Made in any thread; told of lines and of the end in the reactor's thread."""

    def __init__(
        self,
        keeper: Keeper,
        command: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        on_lines: Callable[[str, list[bytes]], object],
        on_exit: Callable[[int], object],
    ) -> None:
        self._keeper = keeper
        self._on_lines = on_lines
        self._on_exit = on_exit
        self._patience: Timer | None = None
        self._status: int | None = None
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
        self.pid = self._process.pid
        keeper.watchdog.add(self.pid)
        keeper.ledger.add(self.pid)
        keeper.reactor.call_soon(self._follow)

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Signal the whole group, unless the command has ended already."""
        if self._status is None:
            proc.kill_group(self.pid, number)

    def _follow(self) -> None:
        self._exit_descriptor = os.pidfd_open(self.pid)
        self._readers = [self._read("OUT", self._process.stdout), self._read("ERR", self._process.stderr)]
        self._keeper.reactor.watch(self._exit_descriptor, READ, self._ended)

    def _read(self, stream: str, pipe: object) -> OutputReader:
        descriptor = os.dup(pipe.fileno())  # type: ignore[attr-defined]
        pipe.close()  # type: ignore[attr-defined]
        return OutputReader(
            self._keeper.reactor,
            descriptor,
            lambda lines: self._on_lines(stream, lines),
            self._finish_when_read,
        )

    def _ended(self) -> None:
        self._keeper.reactor.unwatch(self._exit_descriptor)
        os.close(self._exit_descriptor)
        # what the command left behind in its group goes before the group's number can be anyone else's
        proc.kill_group(self.pid)
        self._status = self._process.wait()
        self._keeper.watchdog.remove(self.pid)
        self._patience = self._keeper.reactor.call_later(OUTPUT_PATIENCE, self._close_readers)
        self._finish_when_read()

    def _close_readers(self) -> None:
        for reader in self._readers:
            reader.close()

    def _finish_when_read(self) -> None:
        if self._status is None or any(reader.open for reader in self._readers):
            return
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
            self._on_exit(self._status)


def exit_status(returncode: int) -> int:
    """The status a shell would show: 128 + N for a process ended by signal N."""
    return 128 - returncode if returncode < 0 else returncode
