"""How often to look, and how a span of time is cut for a picture. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from opsportal.logs.lines import SECOND

#: Seconds between two looks at a source that somebody watches.
WATCHED_SECONDS = 1.0
#: Looks a second that all sources together may cost while nobody watches: with many, each is read less often.
LOOKS_A_SECOND = 10
#: Bars of the histogram, at most; and the lengths in seconds that a bar may stand for.
BARS = 64
_LENGTHS = (
    0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
    3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800,
)  # fmt: skip


def next_look(idle_looks: int, watched: bool, busy_seconds: float, idle_seconds: float) -> float:
    """Seconds until the next look: at once a second while watched, less and less often while nothing comes.

    ``busy_seconds`` after a look that found something, doubling up to ``idle_seconds``.
    """
    usual = min(busy_seconds * float(2 ** min(idle_looks, 16)), max(busy_seconds, idle_seconds))
    return min(usual, WATCHED_SECONDS) if watched else usual


def busy_look(busy_seconds: float, sources: int) -> float:
    """Seconds between two looks at one of so many sources in which something happens."""
    return max(busy_seconds, sources / LOOKS_A_SECOND)


class Bars(NamedTuple):
    """How a span is cut: ``many`` bars of ``width`` nanoseconds from ``start`` on."""

    start: int
    width: int
    many: int

    def at(self, number: int) -> tuple[int, int]:
        """The span of one bar: from (inclusive) to (exclusive)."""
        return self.start + number * self.width, self.start + (number + 1) * self.width


def bars(from_ns: int, to_ns: int) -> Bars:
    """At most :data:`BARS` bars that cover the span, of a length people count in, beginning at a whole one."""
    span = max(1, to_ns - from_ns)
    width = next(
        (w for w in (round(each * SECOND) for each in _LENGTHS) if span <= w * (BARS - 1)),
        -(-span // (BARS - 1)),
    )
    start = from_ns - from_ns % width
    return Bars(start, width, max(1, -(-(to_ns - start) // width)))


def percentile(counts: Mapping[int, int], share: float) -> int:
    """The smallest value that at least ``share`` (0 to 1) of all are not above; 0 when there are none."""
    total, passed = sum(counts.values()), 0
    for value in sorted(counts):
        passed += counts[value]
        if passed >= share * total:
            return value
    return 0


class PathSum(NamedTuple):
    """Requests of one method and path: how many, answers 4xx and 5xx, milliseconds at the median and p95."""

    method: str
    path: str
    requests: int
    refused: int
    failed: int
    median_ms: int
    p95_ms: int


def sum_paths(rows: Iterable[tuple[str, str, int, int, int]]) -> list[PathSum]:
    """Sums of ``(method, path, status, milliseconds, count)``, the ones with most failures and requests first."""
    found: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for method, path, status, took, count in rows:
        found.setdefault((method, path), []).append((status, took, count))
    sums = [_sum(method, path, each) for (method, path), each in found.items()]
    return sorted(sums, key=lambda each: (-each.failed, -each.requests, each.path, each.method))


def _sum(method: str, path: str, rows: Sequence[tuple[int, int, int]]) -> PathSum:
    times: dict[int, int] = {}
    for _, took, count in rows:
        times[took] = times.get(took, 0) + count
    return PathSum(
        method,
        path,
        sum(count for _, _, count in rows),
        sum(count for status, _, count in rows if 400 <= status < 500),
        sum(count for status, _, count in rows if status >= 500 or status == 0),
        percentile(times, 0.5),
        percentile(times, 0.95),
    )
