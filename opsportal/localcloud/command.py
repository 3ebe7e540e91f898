"""The command's options, and one life of the cloud from its start to SIGTERM."""

from __future__ import annotations

import argparse
import fcntl
import logging
import signal
import sys
import threading
from pathlib import Path
from typing import IO

from . import estate
from .context import Cloud
from .dispatch import Application
from .housekeeping import tidy
from .jobs import JobRunner
from .requests_seen import RequestsSeen
from .runtime import Runtime
from .server import LOOPBACK, Server
from .signing import secret_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options, for ``manage.py localcloud`` and ``python -m`` alike."""
    parser.add_argument("--data-dir", type=Path, required=True, help="where all state lies")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8900, help="0 takes a free one (default 8900)")
    parser.add_argument("--estate", type=Path, help="a JSON file with what the cloud holds from the start")


def run(data_dir: Path, host: str, port: int, estate_file: Path | None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. Prints one line, with the address, when it answers."""
    if host not in LOOPBACK:
        return _refuse(f"The local cloud answers on this machine only; {host} is not a loopback address.")
    try:
        wanted = estate.read(estate_file)
    except estate.EstateError as error:
        return _refuse(str(error))
    data_dir = data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = _lock(data_dir)
    if lock is None:
        return _refuse(f"Another local cloud runs on {data_dir}.")
    try:
        server = Server(host, port)
    except OSError as error:
        return _refuse(f"Port {port} of {host} cannot be had: {error.strerror}.")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    with lock, server:
        return _serve(Cloud(data_dir), server, wanted)


def _serve(cloud: Cloud, server: Server, wanted: dict[str, object]) -> int:
    cloud.url = f"http://{server.authority}"
    secret_file(cloud.data_dir / "admin-token")
    cloud.requests = RequestsSeen()
    cloud.jobs = JobRunner(cloud)
    cloud.runtime = Runtime(cloud)
    application = Application(cloud)
    try:
        estate.apply(cloud, wanted)
    except estate.EstateError as error:
        return _refuse(str(error))
    tidy(cloud)
    ended = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: ended.set())
    cloud.runtime.start()
    cloud.jobs.start()
    server.application = application
    threading.Thread(target=server.serve_forever, name="server", daemon=True).start()
    print(f"local cloud at {cloud.url}", flush=True)  # noqa: T201 - whoever started it waits for this line
    ended.wait()
    cloud.stopping.set()
    server.shutdown()
    cloud.jobs.stop()
    cloud.runtime.stop()
    cloud.store.close()
    return 0


def _lock(data_dir: Path) -> IO[str] | None:
    """Hold the data directory for ourselves; None when another cloud has it. The kernel lets go when we die."""
    file = (data_dir / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _refuse(reason: str) -> int:
    print(reason, file=sys.stderr)  # noqa: T201 - it is a command
    return 2
