"""One instance of a process, from the wish to its end.

queued → started → healthy (RUNNING) → stopped, with crashes and their growing pauses in between.
Everything here runs in the reactor's thread, except `enter` and `leave`, which the router calls.
"""

from __future__ import annotations

import signal
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from . import proc
from .child import KILLED, OUT_OF_MEMORY, Child, exit_status
from .health import Probe
from .reactor import Timer
from .spec import Crash, HealthCheck, InstanceView, Readiness, Spec

if TYPE_CHECKING:
    from .cell import Cell

FIRST_LOOKS = 0.1  # seconds between looks while starting, growing to…
SLOW_LOOKS = 1.0
DRAIN = 5.0  # seconds that requests under way get before SIGTERM
PAUSES = (2, 4, 8, 16, 30, 60)  # seconds before the next start, by how often it crashed
FORGIVEN_AFTER = 300  # an instance that ran this long starts counting its crashes anew


class Instance:
    """Keeps one instance of a spec alive until `stop()`."""

    def __init__(self, cell: Cell, spec: Spec, index: int) -> None:
        self.cell = cell
        self.spec = spec
        self.index = index
        self.crash_count = 0
        self.details: str | None = None
        self._lock = threading.Lock()
        self._in_flight = 0
        self._on_gone: Callable[[], object] = bool
        self.stopping = False
        self._reset()

    def _reset(self) -> None:
        self.guid = str(uuid.uuid4())
        self.state = "STARTING"
        self.routable = False
        self.port = 0
        self.wanted_at = self.since = time.time()
        self._healthy = False
        self._failure = ""
        self._ended_for = ""
        self._out_of_memory = False
        self._look_every = FIRST_LOOKS
        self._child: Child | None = None
        self._probe: Probe | None = None
        self._timers: list[Timer] = []
        self.directory: Path | None = None

    # -- starting --------------------

    def begin(self) -> None:
        """Ask for one of the few places in which instances start side by side."""
        self.cell.ask_place(self)

    def spawned(self, child: Child | None, problem: str) -> None:
        """The cell has started the command, or could not."""
        self._child = child
        if child is None:
            self.log_cell(f"Cell failed to create container: {problem}")
            self.cell.give_place(self)
            if not self.stopping:
                self._crashed(1, problem)
            else:
                self._gone()
            return
        self.started_at = time.time()
        if self.stopping:
            self._terminate()
            return
        self.log_cell(f"Cell successfully created container for instance {self.guid}")
        if self.spec.health.kind == "process":
            self._well()
            return
        self.log_cell("Starting health monitoring of container")
        self._later(self.spec.health.timeout, self._never_healthy)
        self._look()

    def _look(self) -> None:
        if self._child is not None and not self.stopping:
            self._probe = Probe(self.cell.reactor, self.spec.health, self.port, self._looked)

    def _looked(self, problem: str | None) -> None:
        if problem is None:
            self._well()
            return
        self._failure = problem
        self._look_every = min(SLOW_LOOKS, self._look_every * 1.3)
        self._later(self._look_every, self._look)

    def _well(self) -> None:
        self.cell.give_place(self)
        self._healthy = True
        wait = self.wanted_at + self.cell.outside.start_seconds() - time.time()
        if wait > 0:
            self._later(wait, self._run)
        else:
            self._run()

    def _run(self) -> None:
        if self.stopping or self._child is None:
            return
        self._forget_timers()
        self.state, self.details = "RUNNING", None
        self.since = time.time()
        self.log_cell(
            "Container became healthy" if self.spec.health.kind != "process" else "Container is running"
        )
        if self.spec.readiness.kind == "process":
            self.routable = True
        else:
            self._look_ready()
        if self.spec.health.kind != "process":
            self._later(self.spec.health.interval, self._look_alive)
        self._later(FORGIVEN_AFTER, self._forgive)
        self.cell.outside.changed(self.spec.process_guid)

    def _forgive(self) -> None:
        self.crash_count = 0

    def _never_healthy(self) -> None:
        seconds = f"{self.spec.health.timeout:g}s"
        self._fail(f"Instance never healthy after {seconds}: {self._failure}", self._failure)
        whole = int(self.spec.health.timeout)
        passed = f"{whole // 60}m{whole % 60}s" if whole >= 60 else f"{self.spec.health.timeout:g}s"
        self.log("CELL", "ERR", f"Timed out after {passed}: health check never passed.")

    # -- running --------------------

    def _look_alive(self) -> None:
        if self.state == "RUNNING":
            self._probe = Probe(self.cell.reactor, self.spec.health, self.port, self._looked_alive)

    def _looked_alive(self, problem: str | None) -> None:
        if problem is None:
            self._later(self.spec.health.interval, self._look_alive)
        else:
            self._fail(f"Instance became unhealthy: {problem}", problem)

    def _look_ready(self) -> None:
        if self.state == "RUNNING":
            check = self.spec.readiness
            ready = HealthCheck(check.kind, check.endpoint, check.timeout, check.invocation_timeout)
            Probe(self.cell.reactor, ready, self.port, self._looked_ready)

    def _looked_ready(self, problem: str | None) -> None:
        if self.state != "RUNNING":
            return
        if self.routable != (problem is None):
            self.routable = problem is None
            self.log_cell("Container is ready" if self.routable else f"Container is not ready: {problem}")
            self.cell.outside.readied(
                Readiness(
                    self.spec.app_guid,
                    self.spec.process_guid,
                    self.spec.process_type,
                    self.guid,
                    self.index,
                    self.routable,
                )
            )
            self.cell.outside.changed(self.spec.process_guid)
        self._later(self.spec.readiness.interval, self._look_ready)

    def _fail(self, details: str, line: str) -> None:
        if self.stopping or self._child is None:
            return
        self.log("HEALTH", "ERR", line)
        self.details = self._ended_for = details
        self.routable = False
        self._forget_timers()
        self._child.signal(signal.SIGKILL)

    # -- ending --------------------

    def stop(self, on_gone: Callable[[], object] | None = None, *, drain: bool = True) -> None:
        """Take no more requests, finish those under way, SIGTERM, and after the grace SIGKILL."""
        if on_gone is not None:
            self._on_gone = on_gone
        if self.stopping:
            return
        self.stopping = True
        with self._lock:
            self.routable = False
        self.state = "STOPPING"
        self._forget_timers()
        self.cell.give_place(self)
        if self._child is None and not self.cell.is_spawning(self):
            self._gone()
        elif self._child is not None:
            self._drain(time.monotonic() + (DRAIN if drain else 0))

    def _drain(self, until: float) -> None:
        if self._in_flight and time.monotonic() < until:
            self._later(0.02, self._drain, until)
        else:
            self._terminate()

    def _terminate(self) -> None:
        if self._child is not None:
            self.log_cell(f"Cell stopping instance {self.guid}")
            self._child.signal(signal.SIGTERM)
            self._later(self.cell.outside.stop_seconds(), self._child.signal, signal.SIGKILL)

    def exited(self, returncode: int) -> None:
        """The command has ended and all it printed has been read."""
        status = exit_status(returncode)
        self._child = None
        self._forget_timers()
        remark = OUT_OF_MEMORY if self._out_of_memory and status == KILLED else ""
        source = f"APP/PROC/{self.spec.process_type.upper()}"
        self.log(source, "OUT", f"Exit status {status}{remark}")
        self.cell.give_place(self)
        self.cell.release(self)
        if self.stopping:
            self.log_cell(f"Cell destroying container for instance {self.guid}")
            self._gone()
        else:
            self._crashed(status, self._ended_for or f"{source}: Exited with status {status}{remark}")

    def _crashed(self, status: int, description: str) -> None:
        self.crash_count += 1
        self.state, self.routable, self.details = "CRASHED", False, description
        self.since = time.time()
        uptime = self.since - self.wanted_at
        self.cell.outside.crashed(
            Crash(
                self.spec.app_guid,
                self.spec.process_guid,
                self.spec.process_type,
                self.guid,
                self.index,
                status,
                description,
                uptime,
                self.crash_count,
            )
        )
        self.cell.outside.changed(self.spec.process_guid)
        pause = PAUSES[min(self.crash_count, len(PAUSES)) - 1]
        self._later(pause, self._again)

    def _again(self) -> None:
        details = self.details
        self._reset()
        self.details = details
        self.begin()
        self.cell.outside.changed(self.spec.process_guid)

    def _gone(self) -> None:
        self._on_gone()

    # -- for the router and for people --------------------

    def enter(self) -> bool:
        """A request wants in; False when this instance takes none. Every True needs one `leave()`."""
        with self._lock:
            if not self.routable:
                return False
            self._in_flight += 1
            return True

    def leave(self) -> None:
        """The request has been answered."""
        with self._lock:
            self._in_flight -= 1

    def view(self, usage: dict[int, tuple[float, int]]) -> InstanceView:
        """What is seen now; `usage` maps process groups to (processor fraction, bytes)."""
        cpu, memory = usage.get(self._child.pid, (0.0, 0)) if self._child is not None else (0.0, 0)
        alive = self.state in ("STARTING", "RUNNING")
        return InstanceView(
            guid=self.guid,
            index=self.index,
            state=self.state,
            routable=self.routable,
            since=self.since,
            uptime=max(0, int(time.time() - self.since)) if alive else 0,
            port=self.port,
            details=self.details,
            cpu=cpu,
            memory_bytes=memory,
            version=self.spec.version,
        )

    def lines(self, stream: str, lines: list[bytes]) -> None:
        """What the command printed."""
        source = f"APP/PROC/{self.spec.process_type.upper()}"
        self.cell.outside.log(self.spec.app_guid, source, str(self.index), stream, lines)

    def log(self, source: str, stream: str, text: str) -> None:
        """A line of the platform about this instance."""
        self.cell.outside.log(self.spec.app_guid, source, str(self.index), stream, [text.encode()])

    def log_cell(self, text: str) -> None:
        """A line about the life of the container."""
        self.log("CELL", "OUT", text)

    def usage_group(self) -> int | None:
        """The process group, when there is one."""
        return self._child.pid if self._child is not None else None

    def over_memory(self) -> None:
        """It uses more memory than it has."""
        if self._child is not None and not self.stopping:
            self._out_of_memory = True
            self.routable = False
            self._child.signal(signal.SIGKILL)

    def kill_now(self) -> None:
        """End at once, for the end of the cloud itself."""
        if self._child is not None:
            proc.kill_group(self._child.pid)

    def _later(self, seconds: float, callback: object, *arguments: object) -> None:
        self._timers.append(self.cell.reactor.call_later(seconds, callback, *arguments))  # type: ignore[arg-type]
        if len(self._timers) > 20:
            now = time.monotonic()
            self._timers = [timer for timer in self._timers if not timer.cancelled and timer.due > now]

    def _forget_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers = []
        if self._probe is not None:
            self._probe.cancel()
            self._probe = None
