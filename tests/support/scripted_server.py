"""A real HTTP server on loopback that answers as a script says, for what only real connections can do."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    peer: tuple[str, int]


@dataclass
class Script:
    """What to answer, by "METHOD /path" (without the query); the last answer of a list is given for ever."""

    answers: dict[str, list[Callable[["Handler"], None]]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, what: str, *answers: Callable[["Handler"], None]) -> None:
        """Set the answers for a method and path."""
        self.answers[what] = list(answers)

    def next_for(self, what: str) -> Callable[["Handler"], None]:
        """Take the next answer."""
        with self.lock:
            planned = self.answers.get(what) or [text("nothing here", 404)]
            return planned.pop(0) if len(planned) > 1 else planned[0]

    def asked(self, what: str) -> list[Seen]:
        """List the requests for a method and path."""
        return [one for one in self.seen if f"{one.method} {one.path.partition('?')[0]}" == what]


class Handler(BaseHTTPRequestHandler):
    """Records and answers."""

    protocol_version = "HTTP/1.1"
    server: Any

    def _handle(self) -> None:
        script: Script = self.server.script
        what = f"{self.command} {self.path.partition('?')[0]}"
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        script.seen.append(Seen(self.command, self.path, dict(self.headers), body, self.client_address))
        script.next_for(what)(self)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def give(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def says(value: object, status: int = 200, **headers: str) -> Callable[[Handler], None]:
    """Answer with JSON; header names with underscores for dashes."""
    named = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return lambda handler: handler.give(json.dumps(value).encode(), status, named)


def text(body: str | bytes, status: int = 200, **headers: str) -> Callable[[Handler], None]:
    """Answer with anything else."""
    content = body if isinstance(body, bytes) else body.encode()
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    return lambda handler: handler.give(content, status, named)


def hangs_up(handler: Handler) -> None:
    """Reset the connection without a word."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def stops_halfway(handler: Handler) -> None:
    """Promise a thousand bytes and send ten."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"guid": "')
    handler.wfile.flush()
    handler.close_connection = True


def says_nothing(handler: Handler) -> None:
    """Keep the caller waiting until the test is over."""
    handler.server.script.released.wait(30)
    handler.close_connection = True


def drips(handler: Handler) -> None:
    """Send one byte at a time, never silent for long, until the test is over or the caller leaves."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    script: Script = handler.server.script
    try:
        while not script.released.wait(0.02):
            handler.wfile.write(b" ")
    except OSError:
        pass
    handler.close_connection = True


@contextmanager
def scripted_server() -> Iterator[tuple[str, Script]]:
    """Run a server on a free port; gives its address and its script."""
    script = Script()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.script = script  # type: ignore[attr-defined]
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", script
    finally:
        script.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def free_port() -> int:
    """Give a port on which nothing listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
