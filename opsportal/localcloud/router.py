"""The application router: finds the app of a host, passes request and answer through, and writes the access log."""

from __future__ import annotations

import http.client
import itertools
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .cell.instance import Instance
from .routing import Entry, Target

if TYPE_CHECKING:
    from .runtime import Runtime

CONNECT_SECONDS = 5
ANSWER_SECONDS = 900  # the real router's limit for an answer
CHUNK = 65_536
ATTEMPTS = 3
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade"}
)  # fmt: skip

StartResponse = Callable[..., Any]


class Gone(Exception):
    """The instance did not answer; `sent` says whether it may have seen the request."""

    def __init__(self, sent: bool) -> None:
        super().__init__("the instance did not answer")
        self.sent = sent


class Proxy:
    """A WSGI application that is whatever app the host names."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._turns: dict[Target, Iterator[int]] = {}
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        visit = Visit(environ)
        entry = self._runtime.routes.find(visit.host, visit.path)
        if entry is None or not entry.targets:
            text = f"404 Not Found: Requested route ('{visit.host_header}') does not exist.\n"
            return visit.refuse(start_response, "404 Not Found", "unknown_route", text)
        for instance, target in self._candidates(entry):
            if not instance.enter():
                continue
            try:
                answer, connection = visit.send(instance, target)
            except Gone as gone:
                instance.leave()
                if gone.sent and (visit.method not in IDEMPOTENT or visit.has_body):
                    break
                continue
            except BaseException:
                instance.leave()
                raise
            return self._pass_on(visit, instance, target, answer, connection, start_response)
        if visit.tried:
            text = "502 Bad Gateway: Registered endpoint failed to handle the request.\n"
            refused = visit.refuse(start_response, "502 Bad Gateway", "endpoint_failure", text)
        else:
            text = f"503 Service Unavailable: Requested route ('{visit.host_header}') has no available endpoints.\n"
            refused = visit.refuse(start_response, "503 Service Unavailable", "no_endpoints", text)
        for target in entry.targets[:1]:
            self._log(
                target.app_guid, visit.access_line(502 if visit.tried else 503, len(refused[0]), None, target)
            )
        return refused

    def _candidates(self, entry: Entry) -> Iterator[tuple[Instance, Target]]:
        for attempt in range(ATTEMPTS):
            found = [
                (instance, target)
                for target in entry.targets
                for process in self._processes(target)
                for instance in self._runtime.cell.routable(process)
            ]
            if not found:
                if attempt == 0:
                    return
                continue
            turn = next(self._turn(entry.targets[0]))
            yield found[turn % len(found)]

    def _processes(self, target: Target) -> list[str]:
        found = self._runtime.cloud.store.find("process", app_guid=target.app_guid, type=target.process_type)
        return [one["guid"] for one in found]

    def _turn(self, target: Target) -> Iterator[int]:
        with self._lock:
            return self._turns.setdefault(target, itertools.count())

    def _pass_on(
        self,
        visit: Visit,
        instance: Instance,
        target: Target,
        answer: http.client.HTTPResponse,
        connection: http.client.HTTPConnection,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        headers = [(key, value) for key, value in answer.getheaders() if key.lower() not in HOP_BY_HOP]
        headers.append(("X-Vcap-Request-Id", visit.request_id))
        start_response(f"{answer.status} {answer.reason or 'Unknown'}", headers)
        return Stream(self, visit, instance, target, answer, connection)

    def _log(self, app_guid: str, line: str) -> None:
        self._runtime.logs.append(app_guid, "RTR", "0", "OUT", [line.encode("utf-8", "replace")])

    def ended(self, visit: Visit, instance: Instance, target: Target, status: int, size: int) -> None:
        """An answer has been passed on, or its reader went away."""
        instance.leave()
        self._log(target.app_guid, visit.access_line(status, size, instance, target))


class Stream:
    """The answer's body as it comes; `close` is called by the server in any case."""

    def __init__(
        self,
        proxy: Proxy,
        visit: Visit,
        instance: Instance,
        target: Target,
        answer: http.client.HTTPResponse,
        connection: http.client.HTTPConnection,
    ) -> None:
        self._proxy = proxy
        self._about = (visit, instance, target)
        self._answer = answer
        self._connection = connection
        self._size = 0
        self._open = True

    def __iter__(self) -> Iterator[bytes]:
        try:
            while data := self._answer.read1(CHUNK):
                self._size += len(data)
                yield data
        except (OSError, http.client.HTTPException) as error:
            # the status has been sent already; a broken-off body is the only way left to say it
            raise ConnectionAbortedError("the application broke off its answer") from error
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the instance and write the access log; more than once is fine."""
        if self._open:
            self._open = False
            self._connection.close()
            self._proxy.ended(*self._about, self._answer.status, self._size)


class Visit:
    """One request on its way through."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.host_header: str = environ.get("HTTP_HOST", "")
        self.host = self.host_header.rpartition("]")[2].split(":")[0].lower().rstrip(".")
        self.path: str = environ.get("PATH_INFO", "/").encode("latin-1", "replace").decode("utf-8", "replace")
        self.request_id = environ.get("HTTP_X_VCAP_REQUEST_ID") or str(uuid.uuid4())
        self.tried = False
        self._began = time.time()
        self._chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        self._length = int(environ.get("CONTENT_LENGTH") or 0)
        self.has_body = self._chunked or self._length > 0
        self._received = 0

    @property
    def uri(self) -> str:
        """Path and query as the client sent them, as far as they can be known."""
        raw = self._environ.get("RAW_URI") or self._environ.get("REQUEST_URI")
        if isinstance(raw, str) and raw.startswith("/"):
            return raw
        query = self._environ.get("QUERY_STRING", "")
        path = quote(
            self._environ.get("PATH_INFO", "/").encode("latin-1", "replace"), safe="/!$&'()*+,;=:@%~-._"
        )
        return path + (f"?{query}" if query else "")

    def headers(self) -> list[tuple[str, str]]:
        """What the application gets: the client's headers and where they came from."""
        environ = self._environ
        found = [
            (key[5:].replace("_", "-").title(), value)
            for key, value in environ.items()
            if key.startswith("HTTP_") and key[5:].replace("_", "-").lower() not in HOP_BY_HOP
        ]
        if environ.get("CONTENT_TYPE"):
            found.append(("Content-Type", environ["CONTENT_TYPE"]))
        ours = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-vcap-request-id", "expect"}
        found = [(key, value) for key, value in found if key.lower() not in ours]
        client = environ.get("REMOTE_ADDR", "127.0.0.1")
        chain = environ.get("HTTP_X_FORWARDED_FOR", "")
        found += [
            ("X-Forwarded-For", f"{chain}, {client}" if chain else client),
            (
                "X-Forwarded-Proto",
                environ.get("HTTP_X_FORWARDED_PROTO") or environ.get("wsgi.url_scheme", "http"),
            ),
            ("X-Forwarded-Host", environ.get("HTTP_X_FORWARDED_HOST") or self.host_header),
            ("X-Vcap-Request-Id", self.request_id),
            ("X-Request-Start", str(int(self._began * 1000))),
            ("Connection", "close"),
        ]
        return found

    def send(
        self, instance: Instance, target: Target
    ) -> tuple[http.client.HTTPResponse, http.client.HTTPConnection]:
        """Ask an instance; `Gone` when it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=CONNECT_SECONDS)
        self.tried = True
        sent = False
        try:
            connection.connect()
            connection.sock.settimeout(ANSWER_SECONDS)
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sent = True
            connection.putrequest(self.method, self.uri, skip_host=True, skip_accept_encoding=True)
            for key, value in [
                *self.headers(),
                *self._length_header(),
                ("X-Cf-Applicationid", target.app_guid),
            ]:
                connection.putheader(key, value)
            connection.endheaders()
            self._send_body(connection)
            return connection.getresponse(), connection
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            raise Gone(sent) from error

    def _length_header(self) -> list[tuple[str, str]]:
        if self._chunked:
            return [("Transfer-Encoding", "chunked")]
        if self._length or self._environ.get("CONTENT_LENGTH"):
            return [("Content-Length", str(self._length))]
        return []

    def _send_body(self, connection: http.client.HTTPConnection) -> None:
        if not self.has_body:
            return
        source = self._environ["wsgi.input"]
        left = None if self._chunked else self._length
        while left is None or left > 0:
            data = source.read(CHUNK if left is None else min(CHUNK, left))
            if not data:
                break
            self._received += len(data)
            left = None if left is None else left - len(data)
            connection.send(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)
        if self._chunked:
            connection.send(b"0\r\n\r\n")

    def refuse(self, start_response: StartResponse, status: str, code: str, text: str) -> list[bytes]:
        """An answer of the router itself."""
        body = text.encode("utf-8", "replace")
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("X-Cf-Routererror", code),
            ("X-Vcap-Request-Id", self.request_id),
        ]
        start_response(status, headers)
        return [b"" if self.method == "HEAD" else body]

    def access_line(self, status: int, size: int, instance: Instance | None, target: Target) -> str:
        """The line of the access log, in the order that people's log searches expect."""
        began = datetime.fromtimestamp(self._began, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        environ = self._environ
        peer = f"{environ.get('REMOTE_ADDR', '127.0.0.1')}:{environ.get('REMOTE_PORT', 0)}"
        request = f"{self.method} {self.uri} {environ.get('SERVER_PROTOCOL', 'HTTP/1.1')}"
        forwarded = environ.get("HTTP_X_FORWARDED_FOR") or environ.get("REMOTE_ADDR", "127.0.0.1")
        took = time.time() - self._began
        return (
            f'{self.host_header} - [{began}] "{_clean(request)}" {status} {self._received} {size} '
            f'"{_clean(environ.get("HTTP_REFERER", "-"))}" "{_clean(environ.get("HTTP_USER_AGENT", "-"))}" '
            f'"{peer}" "{f"127.0.0.1:{instance.port}" if instance else "-"}" x_forwarded_for:"{_clean(forwarded)}" '
            f'x_forwarded_proto:"{environ.get("HTTP_X_FORWARDED_PROTO", "http")}" '
            f'vcap_request_id:"{_clean(self.request_id)}" response_time:{took:.6f} gorouter_time:0.000100 '
            f'app_id:"{target.app_guid}" app_index:"{instance.index if instance else "-"}" '
            f'instance_id:"{instance.guid if instance else "-"}" x_cf_routererror:"-"'
        )


def _clean(text: str) -> str:
    return text.replace('"', "%22").replace("\n", "%0A").replace("\r", "%0D")
