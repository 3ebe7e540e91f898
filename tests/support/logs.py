"""Log lines as the platform gives them, and a source of them that can be scripted."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from opsportal.adapters.cloudfoundry import CloudFoundryError, LogLine
from opsportal.environments.models import Environment
from opsportal.logs import joining, store
from opsportal.logs.lines import SECOND, Line
from opsportal.logs.place import Place

WEB = "APP/PROC/WEB"
TRACEBACK = """\
Traceback (most recent call last):
  File "/app/registrar/views.py", line 52, in raise_error
    raise RuntimeError(
RuntimeError: This page fails on purpose"""
CHAINED = """\
[2026-11-23 05:00:00,123] ERROR [django.request] Internal Server Error: /admin/
Traceback (most recent call last):
  File "/deps/django/db/backends/utils.py", line 105, in _execute
    return self.cursor.execute(sql, params)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
psycopg.errors.UndefinedTable: relation "registrar_domain" does not exist
LINE 1: SELECT COUNT(*) AS "__count" FROM "registrar_domain"
                                          ^

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/deps/django/core/handlers/exception.py", line 55, in inner
    response = get_response(request)
django.db.utils.ProgrammingError: relation "registrar_domain" does not exist
LINE 1: SELECT COUNT(*) AS "__count" FROM "registrar_domain"
                                          ^
"""
ACCESS = (
    'getgov-ab.app.cloud.gov - [2026-11-23T05:00:00.123456789Z] "GET {target} HTTP/1.1" {status} 0 1234 "-" '
    '"Mozilla/5.0 (X11)" "10.0.0.9:4711" "10.0.1.5:61002" x_forwarded_for:"203.0.113.7" '
    'x_forwarded_proto:"https" vcap_request_id:"4f0c" response_time:{took:.6f} gorouter_time:0.000100 '
    'app_id:"a-1" app_index:"0"'
)


def lines_of(
    text: str,
    at_ns: int = SECOND,
    layer: str = WEB,
    instance: str = "0",
    stream: str = "ERR",
    step: int = 1000,
) -> list[Line]:
    """Each line of a text as a line of one source, ``step`` nanoseconds apart."""
    return [
        Line(at_ns + number * step, layer, instance, stream, each)
        for number, each in enumerate(text.splitlines())
    ]


def access(target: str = "/", status: int = 200, took: float = 0.05) -> str:
    """A router's line."""
    return ACCESS.format(target=target, status=status, took=took)


def keep(environment: Environment, lines: Iterable[Line]) -> None:
    """Lines as the collector keeps them, without a platform."""
    claim = store.claim(environment.pk, environment.app_guid)
    assert claim is not None
    store.keep(claim, joining.join(sorted(lines, key=lambda line: line.at_ns)), Place())
    store.release(claim, found=True, next_seconds=0, read_to_end=True)


@dataclass
class Source:
    """A platform with one source, which may forget, and fail: what of the client the collector asks."""

    lines: list[Line] = field(default_factory=list)
    most: int = 10**9
    trouble: CloudFoundryError | None = None
    reads: int = 0

    def say(self, *lines: Line) -> None:
        """Lines arrive, in whatever order; beyond ``most`` the oldest vanish."""
        self.lines = sorted([*self.lines, *lines])[-self.most :]

    def read_logs(self, source_id: str, start_time: int, limit: int = 1000, **_: Any) -> list[LogLine]:
        """As the client answers."""
        self.reads += 1
        if self.trouble is not None:
            raise self.trouble
        found = [line for line in self.lines if line.at_ns >= start_time][:limit]
        return [LogLine(line.at_ns, line.layer, line.instance, line.stream, line.text) for line in found]

    def oldest_envelope(self, source_id: str) -> int | None:
        """As the client answers."""
        return self.lines[0].at_ns if self.lines else None
