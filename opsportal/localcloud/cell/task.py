"""A command that runs once in a copy of a droplet, with its true exit status."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .child import KILLED, OUT_OF_MEMORY, Child, exit_status
from .spec import TaskSpec

if TYPE_CHECKING:
    from .cell import Cell


class Task:
    """One run of a command (reactor's thread)."""

    def __init__(
        self,
        cell: Cell,
        spec: TaskSpec,
        on_start: Callable[[str], object],
        on_end: Callable[[str, int | None, str], object],
    ) -> None:
        """`on_end(guid, status, problem)`: with a status, `problem` is what the platform adds to it."""
        self.cell = cell
        self.spec = spec
        self.directory: Path | None = None
        self.stopping = False
        self._out_of_memory = False
        self._on_start = on_start
        self._on_end = on_end
        self._child: Child | None = None

    def spawned(self, child: Child | None, problem: str) -> None:
        """The cell has started the command, or could not."""
        self._child = child
        if child is None:
            self._end(None, problem)
            return
        self._on_start(self.spec.guid)
        if self.stopping:
            self._terminate()

    def cancel(self) -> None:
        """End the command, or never start it."""
        if self.stopping:
            return
        self.stopping = True
        if self._child is not None:
            self._terminate()
        elif not self.cell.is_spawning(self):
            self._end(None, "cancelled")

    def lines(self, stream: str, lines: list[bytes]) -> None:
        """What the command printed."""
        self.cell.outside.log(self.spec.app_guid, f"APP/TASK/{self.spec.name}", "0", stream, lines)

    def exited(self, returncode: int) -> None:
        """The command has ended and all it printed has been read."""
        status = exit_status(returncode)
        remark = OUT_OF_MEMORY if self._out_of_memory and status == KILLED else ""
        self.lines("OUT", [f"Exit status {status}{remark}".encode()])
        self.cell.release(self)
        self._end(status, remark)

    def usage_group(self) -> int | None:
        """The process group, while the command runs."""
        return self._child.pid if self._child is not None else None

    def over_memory(self) -> None:
        """It uses more memory than it has."""
        if self._child is not None:
            self._out_of_memory = True
            self._child.signal(signal.SIGKILL)

    def _terminate(self) -> None:
        if self._child is not None:
            self._child.signal(signal.SIGTERM)
            self.cell.reactor.call_later(self.cell.outside.stop_seconds(), self._child.signal, signal.SIGKILL)

    def _end(self, status: int | None, problem: str) -> None:
        self.cell.give_place(self)
        self.cell.task_ended(self)
        self._on_end(self.spec.guid, status, problem)
