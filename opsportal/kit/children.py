"""Run a program as a child that cannot outlive its welcome: live output, limits, and nobody left behind.

Whatever happens (the child ends, hangs, floods, starts daemons, or this very process is killed), no process
that the child started stays. :mod:`opsportal.kit.child_shim` sees to that from outside this process.
"""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from opsportal.kit.text import safe_text

Ended = Literal["exited", "killed", "timed out", "output limit", "out of memory", "stopped"]

_SHIM = Path(__file__).with_name("child_shim.py")
_SHIM_ENVIRONMENT = ("LD_LIBRARY_PATH", "PATH", "SYSTEMROOT")
_READ_BYTES = 65536
_BEAT_SECONDS = 1.0
_LAST_WORDS_SECONDS = 2.0
_SIGNS_OF_NO_MEMORY = (
    "MemoryError",
    "heap out of memory",
    "Cannot allocate memory",
    "std::bad_alloc",
    "out of memory",
)


@dataclass(frozen=True)
class ChildResult:
    """How a child ended: ``exit_status`` when by itself, ``signal`` when it was killed, never both."""

    exit_status: int | None
    signal: int | None
    ended: Ended
    lines: int

    @property
    def succeeded(self) -> bool:
        """It ran to its end and said that all is well."""
        return self.ended == "exited" and self.exit_status == 0


class LineSplitter:
    """Cuts a stream of bytes into safe lines, holding at most ``limit`` bytes whatever comes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()
        self._dropped = 0

    def feed(self, data: bytes) -> list[str]:
        """The lines that ``data`` completes."""
        lines = []
        *complete, rest = data.split(b"\n")
        for part in complete:
            self._hold(part)
            lines.append(self._line())
        self._hold(rest)
        return lines

    def finish(self) -> list[str]:
        """The last line, if it did not end in a line break."""
        return [self._line()] if self._held or self._dropped else []

    def _hold(self, part: bytes) -> None:
        room = max(0, self._limit - len(self._held))
        self._held += part[:room]
        self._dropped += max(0, len(part) - room)

    def _line(self) -> str:
        text = self._held.decode("utf-8", "replace").rstrip("\r").rsplit("\r", 1)[-1]
        cut = f" … [{self._dropped:,} bytes cut]" if self._dropped else ""
        self._held.clear()
        self._dropped = 0
        return safe_text(text) + cut


def run_child(
    argv: Sequence[str],
    *,
    cwd: Path | str,
    env: Mapping[str, str],
    on_line: Callable[[str, str], None],
    on_beat: Callable[[], bool],
    time_limit_s: float,
    memory_limit_mb: int,
    output_limit_bytes: int,
    line_limit: int = 20_000,
    pass_fds: Sequence[int] = (),
) -> ChildResult:
    """Run ``argv`` with exactly ``env`` and wait; all it started has ended when this returns or raises.

    ``on_line(stream, text)``: called for each line, ``stream`` is ``stdout`` or ``stderr``; texts are safe
    to store and show, lines longer than ``line_limit`` bytes are cut and say so. ``on_beat()``: called about
    once a second; False stops the child. What either raises stops the child and is raised on.
    ``memory_limit_mb``: for the whole family together, 0 for none. ``pass_fds``: kept open in the child
    (a lock held through one ends with the family). A program that cannot be started ends with 126 or 127,
    as in a shell, and a line that says why.
    """
    family = _Running(argv, cwd=cwd, env=env, memory_limit_mb=memory_limit_mb, pass_fds=pass_fds)
    follower = _Follower(family, on_line, on_beat, line_limit=line_limit)
    try:
        try:
            why = follower.follow(time_limit_s, output_limit_bytes)
        finally:
            report = family.end()
        follower.finish(rest_wanted=why is None)
    finally:
        follower.close()
    return _result(why, report, follower)


class _Running:
    """The shim's process and its pipes."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | str,
        env: Mapping[str, str],
        memory_limit_mb: int,
        pass_fds: Sequence[int],
    ) -> None:
        if not argv:
            raise ValueError("nothing to run")
        self.report_fd, report_write = os.pipe()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SHIM), str(report_write)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={name: os.environ[name] for name in _SHIM_ENVIRONMENT if name in os.environ},
                pass_fds=[report_write, *pass_fds],
                start_new_session=True,
            )
        except BaseException:
            os.close(self.report_fd)
            raise
        finally:
            os.close(report_write)
        self._lifeline = _opened(self.process.stdin)
        self.streams = {"stdout": _opened(self.process.stdout), "stderr": _opened(self.process.stderr)}
        order = {
            "argv": list(argv),
            "cwd": str(cwd),
            "env": dict(env),
            "memory_limit_mb": memory_limit_mb,
            "asker": os.getpid(),
        }
        with contextlib.suppress(BrokenPipeError):
            self._lifeline.write(json.dumps(order).encode() + b"\n")
            self._lifeline.flush()

    def end(self) -> dict[str, object] | None:
        """Let go of the lifeline, wait until the family is gone; what the shim had to say."""
        with contextlib.suppress(OSError):
            self._lifeline.close()
        self.process.wait()
        words = os.read(self.report_fd, 4096)
        os.close(self.report_fd)
        report: dict[str, object] | None = json.loads(words) if words else None
        return report


class _Follower:
    """Reads the child's output as it comes, counts it and keeps the time."""

    def __init__(
        self,
        family: _Running,
        on_line: Callable[[str, str], None],
        on_beat: Callable[[], bool],
        *,
        line_limit: int,
    ) -> None:
        self._on_line = on_line
        self._on_beat = on_beat
        self._splitters = {name: LineSplitter(line_limit) for name in family.streams}
        self._report_fd = family.report_fd
        self._streams = family.streams
        self._selector = selectors.DefaultSelector()
        for name, stream in family.streams.items():
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, name)
        self._selector.register(family.report_fd, selectors.EVENT_READ, None)
        self._reported = False
        self.bytes = 0
        self.lines = 0
        self.last_words: deque[str] = deque(maxlen=40)

    def follow(self, time_limit_s: float, output_limit_bytes: int) -> Ended | None:
        """Until the shim has reported (None), or the reason to stop the child."""
        now = time.monotonic()
        deadline, next_beat = now + time_limit_s, now + _BEAT_SECONDS
        while not self._reported:
            self._read_once(max(0.0, min(deadline, next_beat) - now), output_limit_bytes)
            if self.bytes > output_limit_bytes:
                return "output limit"
            now = time.monotonic()
            if now >= deadline:
                return "timed out"
            if now >= next_beat:
                next_beat = now + _BEAT_SECONDS
                if not self._on_beat():
                    return "stopped"
        return None

    def finish(self, *, rest_wanted: bool) -> None:
        """Tell what was written just before the end, and the last line if it has no line break."""
        until = time.monotonic() + _LAST_WORDS_SECONDS
        while rest_wanted and self._selector.get_map() and time.monotonic() < until:
            if not self._read_once(_LAST_WORDS_SECONDS / 10, None):
                break
        for name, splitter in self._splitters.items():
            self._tell(name, splitter.finish())

    def close(self) -> None:
        """Close the pipes; what is still in them is not wanted."""
        self._selector.close()
        for stream in self._streams.values():
            stream.close()

    def _read_once(self, wait: float, budget: int | None) -> bool:
        """Read what is there from each stream, at most one piece each; whether anything came or ended."""
        ready = self._selector.select(wait)
        for key, _events in ready:
            if key.data is None:
                self._reported = True
                self._selector.unregister(self._report_fd)
                continue
            data = os.read(key.fd, _READ_BYTES)
            if not data:
                self._selector.unregister(key.fileobj)
                continue
            self.bytes += len(data)
            if budget is not None and self.bytes > budget:
                data = data[: max(0, len(data) - (self.bytes - budget))]
            self._tell(key.data, self._splitters[key.data].feed(data))
        return bool(ready)

    def _tell(self, stream: str, lines: list[str]) -> None:
        for line in lines:
            self.lines += 1
            self.last_words.append(line)
            self._on_line(stream, line)


def _opened(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("the child was started without a pipe")
    return pipe


def _result(why: Ended | None, report: dict[str, object] | None, follower: _Follower) -> ChildResult:
    status = report["status"] if report else None
    if not isinstance(status, int):
        # The shim itself was killed, so nobody saw how the child ended.
        return ChildResult(None, 9, why or "killed", follower.lines)
    exit_status = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
    signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    if why is None:
        why = _ended(str(report["why"]) if report else "", exit_status, follower.last_words)
    return ChildResult(exit_status, signal, why, follower.lines)


def _ended(why: str, exit_status: int | None, last_words: deque[str]) -> Ended:
    if why == "memory":
        return "out of memory"
    if exit_status == 0:
        return "exited"
    if any(sign in line for line in last_words for sign in _SIGNS_OF_NO_MEMORY):
        return "out of memory"
    return "killed" if exit_status is None else "exited"
