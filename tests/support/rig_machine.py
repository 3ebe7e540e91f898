"""What the rig asks of the machine: ports, processes, a database; and waiting until something holds."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from opsportal.demo.ports import HOST

T = TypeVar("T")


def until(holds: Callable[[], T], what: str, limit: float = 60.0) -> T:
    """Wait until something holds, and answer it; the test fails with ``what`` after ``limit`` seconds."""
    deadline = time.monotonic() + limit
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"{what}: not within {limit:.0f} seconds"
        time.sleep(0.15)
    return answer


def free_port() -> int:
    """One that stays free while its owner is killed and started again: the kernel hands out none of these itself."""
    while True:
        port = secrets.choice(range(10_000, 20_000))
        with contextlib.suppress(OSError), socket.socket() as trial:
            trial.bind((HOST, port))
            return port


def processes() -> Iterator[tuple[int, bytes, bytes]]:
    """Every process that still runs: its number, all that it says of itself, and its environment."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"\nState:\tZ" in (process / "status").read_bytes():
                continue
            variables = (process / "environ").read_bytes()
            place = os.fsencode(os.readlink(process / "cwd"))
            yield int(process.name), (process / "cmdline").read_bytes() + variables + place, variables


def application(variables: bytes) -> str:
    """The application that a process belongs to, by its ``VCAP_APPLICATION``."""
    for each in variables.split(b"\0"):
        if each.startswith(b"VCAP_APPLICATION="):
            return str(json.loads(each.partition(b"=")[2])["application_name"])
    return ""


def new_database() -> str:
    """The address of a database of our own in the server of DATABASE_URL; empty where that names none."""
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith("postgres"):
        return ""
    name = f"rig_{secrets.token_hex(6)}"
    _execute(given, f'CREATE DATABASE "{name}"')
    return urlunsplit(urlsplit(given)._replace(path=f"/{name}"))


def drop_database(address: str) -> None:
    if address:
        name = urlsplit(address).path.removeprefix("/")
        _execute(os.environ["DATABASE_URL"], f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(address: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())
