"""The small parent of a child: it ends the whole family when the child, or who asked for it, has ended.

Run by :mod:`opsportal.kit.children` as ``python -I -S child_shim.py STATUS_FD``; standard library only,
because it must start fast and outlive nothing. Its standard input is the lifeline: one line of JSON says what
to run, then it stays open; when it closes (also by SIGKILL of the asking process) every descendant is killed.
The child writes straight to the standard output and error given to this process.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
WATCH_SECONDS = 0.25
MEGABYTE = 1024 * 1024
# Address space is a backstop only: runtimes reserve far more of it than they use, so what is really
# resident is measured, and a process alone may reserve this many times the limit.
ADDRESS_SPACE_FACTOR = 4
ADDRESS_SPACE_FLOOR_MB = 1024


def _prctl(option: int, value: int) -> None:
    """Linux only; elsewhere a family that starts sessions of its own can escape."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _children_of(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as listing:
                found.extend(int(word) for word in listing.read().split())
    return found


def descendants() -> list[int]:
    """Process ids of everything below this process."""
    found: list[int] = []
    waiting = _children_of(os.getpid())
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(_children_of(pid))
    return found


def resident_bytes(pids: list[int]) -> int:
    """Memory that the processes hold, without what they share from files."""
    pages = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/statm", "rb") as statm:
            numbers = statm.read().split()
            pages += int(numbers[1]) - int(numbers[2])
    return pages * resource.getpagesize()


class Family:
    """The child and all that descends from it."""

    def __init__(self, main: int) -> None:
        self.main = main
        self.status: int | None = None

    def reap(self) -> bool:
        """Collect who has ended; whether anyone is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.main:
                self.status = status

    def kill(self) -> None:
        """End everyone and wait until nobody is left: stopped first, so that nobody can start more."""
        while True:
            self._signal(signal.SIGSTOP)
            self._signal(signal.SIGKILL)
            if not self.reap():
                return
            time.sleep(0.002)

    def _signal(self, number: signal.Signals) -> None:
        for pid in descendants():
            with contextlib.suppress(OSError):
                os.kill(pid, number)
        if self.status is None:
            with contextlib.suppress(OSError):
                os.killpg(self.main, number)


def _fail(text: str, status: int) -> NoReturn:
    os.write(2, text.encode("utf-8", "backslashreplace") + b"\n")
    os._exit(status)


def _become(order: dict[str, Any]) -> NoReturn:
    """In the forked child: a session of its own, the limits, then the program."""
    os.setsid()
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if order["memory_limit_mb"]:
        most = max(order["memory_limit_mb"] * ADDRESS_SPACE_FACTOR, ADDRESS_SPACE_FLOOR_MB) * MEGABYTE
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
    argv, env = order["argv"], order["env"]
    try:
        os.chdir(order["cwd"])
    except OSError as error:
        _fail(f"cannot enter {order['cwd']}: {error.strerror}", 126)
    try:
        os.execvpe(argv[0], argv, env)  # noqa: S606  (to run it is the purpose)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        _fail(f"cannot run {argv[0]}: {reason}", 127 if isinstance(error, FileNotFoundError) else 126)


def _read_order() -> dict[str, Any] | None:
    received = b""
    while not received.endswith(b"\n"):
        more = os.read(0, 65536)
        if not more:
            return None
        received += more
    order: dict[str, Any] = json.loads(received)
    return order


def _watch(family: Family, wake: int, limit_bytes: int, asker: int) -> str:
    """Wait for the end; answers why it came: ``exited``, ``asked`` or ``memory``."""
    poller = select.poll()
    poller.register(0, select.POLLIN | select.POLLHUP)
    poller.register(wake, select.POLLIN)
    while True:
        ready = {fd for fd, _event in poller.poll(WATCH_SECONDS * 1000)}
        if wake in ready and any(number != signal.SIGCHLD for number in os.read(wake, 512)):
            return "asked"
        family.reap()
        if family.status is not None:
            return "exited"
        # Anything on the lifeline, or its end, is the wish to stop; so is having been given another parent.
        if 0 in ready or os.getppid() != asker:
            return "asked"
        if limit_bytes and resident_bytes(descendants()) > limit_bytes:
            return "memory"


def main() -> None:
    """Run one child as ordered on standard input and report how it ended on the status pipe."""
    status_fd = int(sys.argv[1])
    os.set_inheritable(status_fd, False)
    order = _read_order()
    if order is None:
        return
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    wake, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: None)
    main_child = os.fork()
    if main_child == 0:
        _become(order)
    os.close(1)
    os.close(2)
    family = Family(main_child)
    why = _watch(family, wake, order["memory_limit_mb"] * MEGABYTE, order["asker"])
    family.kill()
    with contextlib.suppress(OSError):
        os.write(status_fd, json.dumps({"why": why, "status": family.status}).encode())


if __name__ == "__main__":
    main()
