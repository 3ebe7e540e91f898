"""Which ports the portal and the local cloud listen on."""

from __future__ import annotations

import argparse
import socket
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"
PORTAL = 8000
CLOUD = 8010
MOST = 65_535


class PortTaken(Exception):
    """Something else listens on the port that was asked for."""


@dataclass(frozen=True)
class Ports:
    """The two ports of one demo."""

    portal: int
    cloud: int

    @property
    def portal_url(self) -> str:
        """The portal's address."""
        return f"http://{HOST}:{self.portal}"

    @property
    def cloud_url(self) -> str:
        """The local cloud's API."""
        return f"http://{HOST}:{self.cloud}"

    @property
    def apps_domain(self) -> str:
        """Where deployed applications are found: `http://getgov-ab.<apps_domain>/`."""
        return f"app.localhost:{self.cloud}"


def choose(asked: int | None, kept: dict[str, Any]) -> Ports:
    """The port asked for (0: any), else the ones of the last start, else the usual ones, else free ones.

    Raises PortTaken when the port asked for is not free.
    """
    require_free(asked)
    portal = asked or (_free() if asked == 0 else _first_free(kept.get("portal_port"), PORTAL))
    cloud = _first_free(kept.get("cloud_port"), CLOUD, but_not=portal)
    return Ports(portal, cloud)


def require_free(asked: int | None) -> None:
    """Raises PortTaken when a certain port is asked for and something else listens on it."""
    if asked and not _is_free(asked):
        raise PortTaken(
            f"Port {asked} is taken on this machine. Give another with --port, or --port 0 for a free one."
        )


def port_number(text: str) -> int:
    """A port as typed: 0 to 65535. Raises argparse.ArgumentTypeError."""
    if not text.isascii() or not text.isdecimal() or int(text) > MOST:
        raise argparse.ArgumentTypeError(f"“{text}” is no port; give a number from 0 to {MOST}")
    return int(text)


def _first_free(*wanted: int | None, but_not: int = 0) -> int:
    for port in wanted:
        if port and port != but_not and _is_free(port):
            return port
    return _free()


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
        return True


def _free() -> int:
    with socket.socket() as trial:
        trial.bind((HOST, 0))
        return int(trial.getsockname()[1])
