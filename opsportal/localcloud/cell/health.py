"""One look at an instance's health, without blocking: connect to its port, or ask for a page and want 200."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable

from .reactor import READ, WRITE, Reactor
from .spec import HealthCheck

MAX_ANSWER = 65_536


class Probe:
    """Asks once; tells `on_result(None)` when all is well, or `on_result("what was wrong")`."""

    def __init__(
        self, reactor: Reactor, check: HealthCheck, port: int, on_result: Callable[[str | None], object]
    ) -> None:
        self._reactor = reactor
        self._check = check
        self._port = port
        self._on_result = on_result
        self._told = False
        self._answer = b""
        self._socket: socket.socket | None = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._timer = reactor.call_later(check.invocation_timeout, self._too_late)
        code = self._socket.connect_ex(("127.0.0.1", port))
        if code not in (0, errno.EINPROGRESS):
            reactor.call_soon(self._end, self._refused(os.strerror(code)))
            return
        reactor.watch(self._socket.fileno(), WRITE, self._connected)

    def cancel(self) -> None:
        """Tell nobody and let go."""
        self._told = True
        self._close()

    def _connected(self) -> None:
        if self._socket is None:
            return
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._end(self._refused(os.strerror(code)))
        elif self._check.kind == "port":
            self._end(None)
        else:
            request = (
                f"GET {self._check.endpoint} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
                "User-Agent: healthcheck\r\nConnection: close\r\n\r\n"
            )
            self._socket.send(request.encode())
            self._reactor.rewatch(self._socket.fileno(), READ, self._answered)

    def _answered(self) -> None:
        if self._socket is None:
            return
        try:
            data = self._socket.recv(MAX_ANSWER)
        except OSError as error:
            self._end(self._refused(error.strerror or "connection lost"))
            return
        self._answer += data
        if not self._told and b"\r\n" in self._answer:
            self._tell(self._judge(self._answer.split(b"\r\n", 1)[0]))
        if not data or len(self._answer) > MAX_ANSWER:
            self._end(self._refused("the connection was closed without an answer"))

    def _judge(self, status_line: bytes) -> str | None:
        words = status_line.decode("latin-1").split()
        if len(words) > 1 and words[0].startswith("HTTP/") and words[1] == "200":
            return None
        if len(words) > 1 and words[1].isdigit():
            return (
                f"Failed to make HTTP request to '{self._check.endpoint}' on port {self._port}: "
                f"received status code {words[1]}"
            )
        return self._refused("the answer is not HTTP")

    def _refused(self, why: str) -> str:
        if self._check.kind == "port":
            return f"Failed to make TCP connection to 127.0.0.1:{self._port}: {why}"
        return f"Failed to make HTTP request to '{self._check.endpoint}' on port {self._port}: {why}"

    def _too_late(self) -> None:
        self._end(self._refused(f"timed out after {self._check.invocation_timeout:.2f} seconds"))

    def _tell(self, result: str | None) -> None:
        if not self._told:
            self._told = True
            self._on_result(result)

    def _end(self, result: str | None) -> None:
        self._close()
        self._tell(result)

    def _close(self) -> None:
        self._timer.cancel()
        if self._socket is not None:
            self._reactor.unwatch(self._socket.fileno())
            self._socket.close()
            self._socket = None
