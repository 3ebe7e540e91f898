"""What every buildpack is and is given."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

COMMAND_SECONDS = 600


class BuildpackFailed(Exception):
    """The application cannot be built; the text is the last line of the staging log."""


class Interrupted(Exception):
    """Somebody ended the container: no fault of the application's."""


@dataclass(frozen=True)
class Staging:
    """Where and with what an application is built: `say(stream, text)` writes into the staging log at once."""

    app: Path
    environment: Mapping[str, str]
    say: Callable[[str, str], object]

    def out(self, text: str) -> None:
        """One line of the staging log."""
        self.say("OUT", text)

    def run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
        """Run a command in the application's directory, its output going to the log as it comes; its status."""
        process = subprocess.Popen(
            command,
            cwd=self.app,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        readers = [self._follow(process.stdout, "OUT"), self._follow(process.stderr, "ERR")]
        try:
            status = process.wait(COMMAND_SECONDS)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise BuildpackFailed(f"{command[0]} took longer than {COMMAND_SECONDS} seconds") from error
        finally:
            for reader in readers:
                reader.join(5)
        if status in {-signal.SIGKILL, -signal.SIGTERM}:
            raise Interrupted(f"the staging container was ended by signal {-status}")
        return status

    def _follow(self, pipe: IO[bytes] | None, stream: str) -> threading.Thread:
        def read() -> None:
            if pipe is not None:
                with pipe:
                    for line in pipe:
                        self.say(stream, "       " + line.decode(errors="replace").rstrip("\r\n"))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread


@dataclass(frozen=True)
class Compiled:
    """What a buildpack made: start commands by process type, what it detected, its own version, environment."""

    process_types: dict[str, str]
    detected: str
    version: str
    environment: dict[str, str] = field(default_factory=dict)


class Buildpack(Protocol):
    """A buildpack."""

    def detect(self, app: Path) -> bool:
        """Whether these files are for it."""

    def compile(self, staging: Staging) -> Compiled:
        """Prepare the files in place; `BuildpackFailed` when that cannot be done."""


def procfile(app: Path) -> dict[str, str]:
    """The start commands of a Procfile, by process type; empty without one."""
    path = app / "Procfile"
    if not path.is_file():
        return {}
    found = {}
    for line in path.read_text(errors="replace").splitlines():
        kind, colon, command = line.partition(":")
        if colon and kind.strip() and command.strip() and not kind.lstrip().startswith("#"):
            found[kind.strip()] = command.strip()
    return found
