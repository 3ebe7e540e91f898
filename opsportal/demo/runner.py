"""Runs the demo's processes: starts them in order, shows what they print, ends them all together.

honcho runs each process and prints its lines; this adds what it lacks: one process can wait for another, they
end in the reverse order, one that a signal ended is started again, and nothing is left behind when the demo itself is
killed.
"""

from __future__ import annotations

import contextlib
import queue
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO

from honcho.colour import get_colours
from honcho.printer import Message, Printer
from honcho.process import Process

from opsportal.demo import undertaker

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_S = 0.1
GRACE_S = 15.0
"""How long a process may take to end when it is asked to."""
LAST_WORDS_S = 2.0
TOP = 9
AGAIN_AFTER_S, AGAIN_WITHIN_S, AGAIN_TIMES = 0.5, 60.0, 3
"""A process that a signal ended is started again after so long, within so long at most so often."""


class Ended(Exception):
    """The demo is to stop: a process ended, or somebody asked. `code` is the demo's exit status."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Runner:
    """A context: on leaving, every process that it started has ended."""

    def __init__(self, environment: Mapping[str, str], directory: Path, lock: IO[str]) -> None:
        self._environment = dict(environment)
        self._directory = directory
        self._events: queue.Queue[Message] = queue.Queue()
        self._printer = Printer(sys.stdout, width=len("scheduler"))
        self._colours = get_colours()
        self._running: dict[str, int] = {}
        self._layers: dict[str, int] = {}
        self._commands: dict[str, Sequence[str]] = {}
        self._killed: dict[str, list[float]] = {}
        self._following = False
        self._asked: str = ""
        self._undertaker = subprocess.Popen(
            [sys.executable, "-I", "-S", undertaker.__file__],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )

    def __enter__(self) -> Runner:
        for number in STOP_SIGNALS:
            signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def start(self, name: str, command: Sequence[str], *, layer: int) -> None:
        """Start a process. Returns when it has been started; see `wait` for when it is ready.

        Higher layers stand on lower ones, so they are ended first.
        """
        self._layers[name], self._commands[name] = layer, command
        self._begin(name)

    def _begin(self, name: str) -> None:
        process = Process(
            f"exec {shlex.join(self._commands[name])}",
            name=name,
            colour=next(self._colours),
            env=self._environment,
            cwd=self._directory,
        )
        threading.Thread(target=process.run, args=(self._events,), name=name, daemon=True).start()
        while name not in self._running:
            self._next_event()

    def wait(self, what: str, ready: Callable[[], bool], limit_s: float) -> None:
        """Show lines until `ready` says yes. Raises Ended when a process ended, or it takes too long."""
        deadline = time.monotonic() + limit_s
        while not ready():
            self._next_event()
            self._check()
            if time.monotonic() > deadline:
                raise Ended(1, f"{what} did not answer within {limit_s:.0f} seconds")

    def complete(self, name: str, command: Sequence[str], limit_s: float) -> None:
        """Run a process to its end. Raises Ended with its code when that is not 0."""
        self.start(name, command, layer=TOP)
        deadline = time.monotonic() + limit_s
        while name in self._running:
            if (code := self._next_event(finishing=name)) not in (None, 0):
                raise Ended(_status(code), f"{name} failed")
            self._check()
            if time.monotonic() > deadline:
                raise Ended(1, f"{name} did not finish within {limit_s:.0f} seconds")

    def follow(self) -> None:
        """Show lines until somebody asks to stop or a process ends by itself: always raises Ended.

        A process that a signal ended is started again, and a line says so.
        """
        self._following = True
        while True:
            self._next_event()
            self._check()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = signal.Signals(number).name

    def _check(self) -> None:
        if self._asked:
            raise Ended(0, f"{self._asked} received")

    def _next_event(self, finishing: str = "") -> int | None:
        """Show one line, or note one start or end. The code of the process that may end; Ended for others."""
        try:
            event = self._events.get(timeout=LOOK_S)
        except queue.Empty:
            return None
        if event.type == "line":
            self._printer.write(event)
        elif event.type == "start":
            self._running[event.name] = event.data["pid"]
            self._tell_undertaker("+", event.data["pid"])
        else:
            group = self._running.pop(event.name)
            self._tell_undertaker("-", group)
            code = int(event.data["returncode"])
            if self._may_begin_again(event.name, code):
                undertaker.end([group], 0)  # what it leaves behind would stand in its successor's way
                self._begin_again(event.name, code)
            elif event.name != finishing:
                raise Ended(_status(code) or 1, f"{event.name} ended with status {_status(code)}")
            return code
        return None

    def _may_begin_again(self, name: str, code: int) -> bool:
        """Whether a signal ended it, not it itself, and not again and again."""
        if not self._following or self._asked or code >= 0:
            return False
        now = time.monotonic()
        lately = [moment for moment in self._killed.get(name, []) if now - moment < AGAIN_WITHIN_S]
        self._killed[name] = [*lately, now]
        return len(lately) < AGAIN_TIMES

    def _begin_again(self, name: str, code: int) -> None:
        how = signal.Signals(-code).name
        words = f"{name} was ended by {how}; it is started again"
        self._printer.write(Message("line", f"{words}\n", datetime.now(UTC).astimezone(), "demo", None))
        time.sleep(AGAIN_AFTER_S)
        self._begin(name)

    def _stop(self) -> None:
        """End the layers one after the other, the top first; a second request ends everything at once."""
        self._asked, self._following = "", False
        for layer in sorted({self._layers[name] for name in self._running}, reverse=True):
            names = {name for name in self._running if self._layers[name] == layer}
            groups = [self._running[name] for name in names]
            threading.Thread(target=undertaker.end, args=(groups, GRACE_S), daemon=True).start()
            deadline = time.monotonic() + GRACE_S + LAST_WORDS_S
            while names & self._running.keys() and time.monotonic() < deadline:
                if self._asked:
                    undertaker.end(self._running.values(), 0)
                with contextlib.suppress(Ended):
                    self._next_event()
        self._undertaker.communicate(timeout=GRACE_S)

    def _tell_undertaker(self, sign: str, group: int) -> None:
        pipe = self._undertaker.stdin
        # An undertaker that somebody killed is missed only if the demo is killed too.
        with contextlib.suppress(BrokenPipeError):
            if pipe is not None:
                pipe.write(f"{sign}{group}\n")
                pipe.flush()


def _status(code: int) -> int:
    """A shell's exit status: 128 and the number for a process that a signal ended."""
    return code if code >= 0 else 128 - code
