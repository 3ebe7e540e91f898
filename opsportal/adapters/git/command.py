"""Running the git command: argument lists, a time limit, a bound on what is read into memory."""

import contextlib
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from opsportal.adapters.git.errors import (
    BrokenRepository,
    CommandFailed,
    GitMissing,
    GitTimeout,
    NotCloned,
    TooLarge,
)
from opsportal.kit.text import safe_text

MEGABYTE = 1024 * 1024
MOST_BYTES = 64 * MEGABYTE
_MOST_STDERR = 4000
_SIGNS_OF_DAMAGE = re.compile(
    r"corrupt|missing (?:blob|tree|object|commit)|unable to read|could not get object info|inflate"
    r"|not a git repository|bad tree|does not match index|bad ref for|broken ref|bad packed object"
    r"|bad signature"
)
BROKEN_MARK = "opsportal-broken"
# Becomes git after asking the kernel to end it with whoever waits for it: no process more, and none left behind by a
# worker that was killed. Where there is no such command git ends by itself, at the latest when nobody reads its answer.
_SETPRIV = shutil.which("setpriv") if sys.platform == "linux" else None
_ENDS_WITH_US = [_SETPRIV, "--pdeathsig", "KILL", "--"] if _SETPRIV else []


class Git:
    """The git command on one bare repository, or (``git_dir`` None) on a remote alone."""

    def __init__(self, git_dir: Path | None, environment: Mapping[str, str], timeout: float) -> None:
        self._git_dir = git_dir
        self._environment = dict(environment)
        if git_dir is not None:
            self._environment["GIT_DIR"] = str(git_dir)
        self._timeout = timeout

    def read(self, *arguments: str, given: bytes = b"", max_bytes: int = MOST_BYTES) -> bytes:
        """What git answers on standard output.

        ``given``: a little text for its standard input. Raises :class:`CommandFailed` when git fails,
        :class:`TooLarge` beyond ``max_bytes``, :class:`GitTimeout`, :class:`NotCloned`,
        :class:`BrokenRepository`.
        """
        status, stdout, stderr = self._run(arguments, given, max_bytes)
        if status != 0:
            raise self.failure(arguments[0], status, stderr)
        return stdout

    def answers(self, *arguments: str) -> bool:
        """A question git answers by its status: 0 is yes, 1 no, anything else an error as in :meth:`read`."""
        status, _stdout, stderr = self._run(arguments, b"", MOST_BYTES)
        if status not in {0, 1}:
            raise self.failure(arguments[0], status, stderr)
        return status == 0

    @contextlib.contextmanager
    def stream(self, *arguments: str, timeout: float) -> Iterator[IO[bytes]]:
        """Standard output as it comes. Leaving the block checks how git ended; an error there ends git."""
        with (
            tempfile.TemporaryFile() as errors,
            self._start(arguments, stdout=subprocess.PIPE, stderr=errors) as process,
        ):
            timed_out = threading.Event()

            def stop() -> None:
                timed_out.set()
                kill_family(process)

            watchdog = threading.Timer(timeout, stop)
            watchdog.daemon = True
            watchdog.start()
            try:
                yield opened(process.stdout)
            except BaseException as error:
                kill_family(process)
                if timed_out.is_set() and isinstance(error, Exception):
                    raise timeout_of(arguments[0], timeout) from error
                raise
            else:
                status = process.wait()
            finally:
                watchdog.cancel()
            if timed_out.is_set():
                raise timeout_of(arguments[0], timeout)
            if status != 0:
                errors.seek(0)
                raise self.failure(arguments[0], status, errors.read(_MOST_STDERR))

    def failure(
        self, what: str, status: int | None, stderr: bytes
    ) -> CommandFailed | NotCloned | BrokenRepository:
        """The error that fits how git ended; damage leaves a mark, so that the next refresh starts anew."""
        said = " ".join(safe_text(line) for line in stderr.decode("utf-8", "replace").splitlines() if line)
        if self._git_dir is not None and not self._git_dir.exists():
            return NotCloned("The repository was not fetched yet.", "Wait a moment; the worker fetches it.")
        if self._git_dir is not None and _SIGNS_OF_DAMAGE.search(said.lower()):
            return self.damaged(said)
        return CommandFailed(what, status, said[:1000])

    def damaged(self, said: str) -> BrokenRepository:
        """The error for a damaged clone; it leaves a mark, so that the next refresh makes it anew."""
        if self._git_dir is not None and (self._git_dir / "HEAD").exists():
            with contextlib.suppress(OSError):
                (self._git_dir / BROKEN_MARK).touch()
        return BrokenRepository(f"The portal's copy of the repository is damaged ({said[:300]}).", _ANEW)

    def _run(self, arguments: Sequence[str], given: bytes, max_bytes: int) -> tuple[int, bytes, bytes]:
        deadline = time.monotonic() + self._timeout
        stdin = subprocess.PIPE if given else subprocess.DEVNULL
        with self._start(arguments, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                if process.stdin is not None:
                    with contextlib.suppress(BrokenPipeError):
                        process.stdin.write(given)
                        process.stdin.close()
                stdout, stderr = _collect(process, arguments[0], max_bytes, deadline, self._timeout)
                return process.wait(), stdout, stderr
            except BaseException:
                kill_family(process)
                raise

    def _start(
        self,
        arguments: Sequence[str],
        *,
        stdout: int,
        stderr: int | IO[bytes],
        stdin: int = subprocess.DEVNULL,
    ) -> "subprocess.Popen[bytes]":
        program = shutil.which("git", path=self._environment.get("PATH"))
        if program is None:
            raise GitMissing("There is no git command on this machine.", "Install git.")
        try:
            return subprocess.Popen(
                [*_ENDS_WITH_US, program, *arguments],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd="/",
                env=self._environment,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise GitMissing("There is no git command on this machine.", "Install git.") from error


_ANEW = "Nothing is lost: the next refresh fetches it anew. Try again after that."


def _collect(
    process: "subprocess.Popen[bytes]", what: str, max_bytes: int, deadline: float, timeout: float
) -> tuple[bytes, bytes]:
    stdout, stderr = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(opened(process.stdout), selectors.EVENT_READ, stdout)
        selector.register(opened(process.stderr), selectors.EVENT_READ, stderr)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready and time.monotonic() >= deadline:
                raise timeout_of(what, timeout)
            for key, _events in ready:
                data = os.read(key.fd, 65536)
                if not data:
                    selector.unregister(key.fileobj)
                elif key.data is stdout or len(stderr) < _MOST_STDERR:
                    key.data.extend(data)
            if len(stdout) > max_bytes:
                raise TooLarge(f"git {what} answered with more than {max_bytes:,} bytes.")
    return bytes(stdout), bytes(stderr)


def timeout_of(what: str, seconds: float) -> GitTimeout:
    """The error for a command that did not end in time."""
    return GitTimeout(
        f"git {what} did not end within {seconds:g} seconds.", "Try again; see whether Git answers."
    )


def kill_family(process: "subprocess.Popen[bytes]") -> None:
    """End git and the helpers it started."""
    if process.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)


def opened(pipe: IO[bytes] | None) -> IO[bytes]:
    """A pipe that was asked for when the process was started."""
    if pipe is None:
        raise RuntimeError("git was started without a pipe")
    return pipe
