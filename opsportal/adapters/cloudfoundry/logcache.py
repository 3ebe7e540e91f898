"""Log lines from Log Cache, cf-api §11."""

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import quote, urljoin

from opsportal.adapters.cloudfoundry.answers import reading
from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.errors import BadAnswer
from opsportal.adapters.cloudfoundry.wire import Fields, Malformed, parse_object, storable

_MOST_LINES = 1000
_NO_START = -6795364578871345152  # what the cf CLI sends for "from the beginning"


@dataclass(frozen=True)
class LogLine:
    """One line. ``at_ns`` is nanoseconds since the epoch, ``stream`` OUT or ERR, source types as in §11.5."""

    at_ns: int
    source_type: str
    instance: str
    stream: str
    text: str


class LogCache(Client):
    """Reading what apps, stagings and tasks print."""

    def read_logs(
        self,
        source_id: str,
        start_time: int,
        end_time: int | None = None,
        limit: int = _MOST_LINES,
        descending: bool = False,
    ) -> list[LogLine]:
        """Read a batch of an app's lines: from ``start_time`` (inclusive) to ``end_time`` (exclusive).

        Times are nanoseconds since the epoch; ``start_time`` may be negative. At most 1,000 lines come at
        once: go on from the last one plus 1. Lines arrive up to some seconds late, and old ones vanish.
        Other envelopes than log lines are left out. NotFound when the credentials may not read the source.
        """
        params = {
            "envelope_types": "LOG",
            "start_time": str(start_time),
            "limit": str(max(1, min(limit, _MOST_LINES))),
            "descending": "true" if descending else "false",
        }
        if end_time is not None:
            params["end_time"] = str(end_time)
        answer = self._request("GET", self._log_address(source_id), params=params, foreign_404=False)
        with reading(answer):
            batch = parse_object(answer.content).within("envelopes").maybe_items("batch")
        return [line for line in map(_line, batch) if line]

    def oldest_envelope(self, source_id: str) -> int | None:
        """When the oldest envelope of any type that the cache still has was made, in nanoseconds; None: it has none.

        What was printed before and not read by then is lost. NotFound as for :meth:`read_logs`.
        """
        params = {"start_time": str(_NO_START), "limit": "1", "descending": "false"}
        answer = self._request("GET", self._log_address(source_id), params=params, foreign_404=False)
        with reading(answer):
            batch = parse_object(answer.content).within("envelopes").maybe_items("batch")
            stamp = batch[0].as_text("timestamp") if batch else ""
        return int(stamp) if stamp.isascii() and stamp.isdigit() else None

    def _log_address(self, source_id: str) -> str:
        """Put the path on Log Cache's host in place of the link's own path, as the cf CLI does."""
        base = self._roots().log_cache
        if not base:
            raise BadAnswer("the API's root names no Log Cache", method="GET", path="/api/v1/read")
        if source_id.strip(".") == "":
            raise ValueError("an empty identifier in a platform path")
        return urljoin(base, "/api/v1/read/" + quote(source_id, safe=""))


def _line(envelope: Fields) -> LogLine | None:
    """Read a log envelope; None for other kinds, and for an illegible one, so that no line stops a tail."""
    try:
        log = envelope.maybe_within("log")
        if log is None:
            return None
        at = envelope.as_text("timestamp")
        return LogLine(
            at_ns=int(at),
            source_type=envelope.within("tags").maybe_text("source_type") or "",
            instance=envelope.as_text("instance_id"),
            stream="ERR" if log.as_text("type") in {"ERR", "1"} else "OUT",
            text=_decoded(log.maybe_text("payload") or ""),
        )
    except (Malformed, ValueError):
        return None


def _decoded(payload: str) -> str:
    """Decode a line's bytes; whatever is not text becomes the replacement character."""
    try:
        return storable(base64.b64decode(payload).decode("utf-8", "replace"))
    except (binascii.Error, ValueError):
        return "\ufffd"
