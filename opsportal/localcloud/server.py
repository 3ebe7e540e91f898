"""HTTP/1.1 for one WSGI application: a thread per connection, kept alive, quiet, and able to hang up on purpose."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import socketserver
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

from .dispatch import ConnectionDropped

log = logging.getLogger(__name__)
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
IDLE_SECONDS = 120
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class BodyStream(io.RawIOBase):
    """A request's body: exactly ``length`` bytes, or chunks until the last one. Reading past its end gives b""."""

    def __init__(self, source: io.BufferedIOBase, length: int, chunked: bool) -> None:
        self._source = source
        self._left = length
        self._chunked = chunked
        self._ended = not chunked and length <= 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill as much of ``buffer`` as comes; 0 at the end."""
        if self._chunked and not self._ended and self._left == 0:
            self._begin_chunk()
        if self._ended:
            return 0
        data = self._source.read1(min(len(buffer), self._left))
        if not data:
            raise ConnectionError("the client hung up inside a request's body")
        self._left -= len(data)
        if self._left == 0:
            if self._chunked:
                self._source.readline(8)
            else:
                self._ended = True
        buffer[: len(data)] = data
        return len(data)

    def _begin_chunk(self) -> None:
        size = self._source.readline(1024).split(b";")[0].strip()
        if not size or size.strip(b"0123456789abcdefABCDEF"):
            raise ConnectionError("a chunk without a size")
        self._left = int(size, 16)
        if self._left == 0:
            self._ended = True
            while self._source.readline(65536).strip():
                pass

    def drain(self) -> None:
        """Read what the application left, so that the next request on this connection begins where it should."""
        buffer = bytearray(65536)
        while self.readinto(buffer):
            pass


class Handler(BaseHTTPRequestHandler):
    """One connection. Every method goes to the application."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    server: Server

    def handle(self) -> None:
        """Serve the connection; one that breaks is nothing to speak of."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle()

    def handle_one_request(self) -> None:
        """Read one request and answer it."""
        self.raw_requestline = self.rfile.readline(65537)
        self.requestline, self.request_version, self.command = "", "", ""
        if not self.raw_requestline:
            self.close_connection = True
        elif len(self.raw_requestline) > 65536:
            self.close_connection = True
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif self.parse_request():
            self._answer()

    def _answer(self) -> None:
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            self.close_connection = True
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        body = BodyStream(self.rfile, int(length), chunked)
        reply = _Reply(self)
        try:
            result = self.server.application(self._environ(body, chunked), reply.start)
            try:
                reply.send(result)
            finally:
                if hasattr(result, "close"):
                    result.close()
            body.drain()
        except ConnectionDropped:
            self._hang_up()
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception:
            log.exception("%s %s failed", self.command, self.path)
            self.close_connection = True
            reply.fail()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _environ(self, body: BodyStream, chunked: bool) -> dict[str, Any]:
        target = (
            self.path if self.path.startswith("/") else "/" + self.path.partition("://")[2].partition("/")[2]
        )
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "REQUEST_URI": target,
            "RAW_URI": target,
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_PORT": str(self.client_address[1]),
            "SERVER_NAME": self.server.server_address[0],
            "SERVER_PORT": str(self.server.server_address[1]),
            "SERVER_PROTOCOL": self.request_version,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BufferedReader(body, 65536),
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ and key != "CONTENT_LENGTH" else value
        if chunked:
            environ.pop("CONTENT_LENGTH", None)
        return environ

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the ring of requests remembers."""


class _Reply:
    """What the application answers, written to the connection as it comes."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._sent = False
        self._chunked = False

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """WSGI's ``start_response``."""
        if exc_info and self._sent:
            raise exc_info[1]
        self._status, self._headers = status, headers
        return self._write

    def send(self, parts: Iterable[bytes]) -> None:
        """Write every part at once as it comes, and the end."""
        for part in parts:
            if part:
                self._write(part)
        if not self._sent:
            self._write(b"")
        if self._chunked:
            self._handler.wfile.write(b"0\r\n\r\n")

    def fail(self) -> None:
        """Answer 500 if nothing was answered yet."""
        if not self._sent:
            with contextlib.suppress(OSError):
                self._handler.wfile.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")

    def _write(self, part: bytes) -> None:
        head = b"" if self._sent else self._head(part)
        self._sent = True
        if self._handler.command == "HEAD":
            part = b""
        elif self._chunked and part:
            part = b"%x\r\n%s\r\n" % (len(part), part)
        self._handler.wfile.write(head + part)

    def _head(self, part: bytes) -> bytes:
        code = int(self._status.split(" ", 1)[0])
        names = {name.lower() for name, _ in self._headers}
        lines = [f"HTTP/1.1 {self._status}"]
        lines += [
            f"{name}: {value}" for name, value in self._headers if name.lower() not in {"connection", "date"}
        ]
        lines.append(f"Date: {self._handler.date_time_string()}")
        if "content-length" not in names and code not in _BODILESS and self._handler.command != "HEAD":
            if not part:
                lines.append("Content-Length: 0")
            elif self._handler.request_version == "HTTP/1.1":
                self._chunked = True
                lines.append("Transfer-Encoding: chunked")
            else:
                self._handler.close_connection = True
        if self._handler.close_connection:
            lines.append("Connection: close")
        elif self._handler.request_version == "HTTP/1.0":
            lines.append("Connection: keep-alive")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens on a loopback address; ``ValueError`` for any other host."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self, host: str, port: int, application: Wsgi | None = None) -> None:
        if host not in LOOPBACK:
            raise ValueError(
                f"The local cloud answers on this machine only; {host} is not a loopback address."
            )
        if host == "::1":
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Handler)
        self.application: Wsgi = application or _not_ready

    @property
    def authority(self) -> str:
        """``host:port`` as it stands in a URL."""
        host, port = str(self.server_address[0]), self.server_address[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note what went wrong on a connection."""
        log.exception("a connection failed")


def _not_ready(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("503 Service Unavailable", [("Content-Length", "0"), ("Retry-After", "1")])
    return [b""]
