"""The environment and the directory of a container: nothing of the cloud's own environment is let in."""

from __future__ import annotations

import json
import random
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

FIRST_PORT, LAST_PORT = 20_000, 31_999  # below the range from which the kernel takes ports for connections


class Ports:
    """Hands out ports on 127.0.0.1 that nobody listens on, and none twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: set[int] = set()

    def take(self) -> int:
        """A port that is free now; OSError when a thousand tries found none."""
        for _try in range(1000):
            port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311 - no secret depends on it
            with self._lock:
                if port in self._taken or not _is_free(port):
                    continue
                self._taken.add(port)
                return port
        raise OSError("no free port on 127.0.0.1")

    def give_back(self, port: int) -> None:
        """The port may be handed out again."""
        with self._lock:
            self._taken.discard(port)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def write_shims(directory: Path) -> None:
    """Put `python` and `python3` into a directory: the interpreter that runs the local cloud."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3"):
        shim = directory / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        shim.chmod(0o755)


def system_environment(shims: Path, home: Path, markers: Mapping[str, str]) -> dict[str, str]:
    """What every container has, whatever its application sets; `home` is the directory of app/."""
    interpreter = Path(sys.executable).parent
    return {
        "PATH": f"{shims}:{home}/app/bin:{interpreter}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home / "app"),
        "TMPDIR": str(home / "tmp"),
        "LANG": "C.UTF-8",
        "USER": "vcap",
        "PWD": str(home / "app"),
        **markers,
    }


def instance_environment(
    given: Mapping[str, str], *, guid: str, index: int, port: int, memory_in_mb: int
) -> dict[str, str]:
    """The application's variables and those that only this instance has."""
    environment = dict(given)
    environment.update(
        {
            "PORT": str(port),
            "VCAP_APP_PORT": str(port),
            "VCAP_APP_HOST": "127.0.0.1",
            "MEMORY_LIMIT": f"{memory_in_mb}m",
            "CF_INSTANCE_GUID": guid,
            "INSTANCE_GUID": guid,
            "CF_INSTANCE_INDEX": str(index),
            "INSTANCE_INDEX": str(index),
            "CF_INSTANCE_IP": "127.0.0.1",
            "CF_INSTANCE_INTERNAL_IP": "127.0.0.1",
            "CF_INSTANCE_PORT": str(port),
            "CF_INSTANCE_ADDR": f"127.0.0.1:{port}",
            "CF_INSTANCE_PORTS": json.dumps([{"external": port, "internal": port}]),
        }
    )
    environment["VCAP_APPLICATION"] = json.dumps(
        {
            **json.loads(environment.get("VCAP_APPLICATION", "{}")),
            "instance_id": guid,
            "instance_index": index,
            "host": "127.0.0.1",
            "port": port,
        }
    )
    return environment
