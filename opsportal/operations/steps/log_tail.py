"""Bringing the platform's log lines into an operation's output, live, each line once, with a notice where some are gone."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from opsportal.adapters.cloudfoundry import LogLine
from opsportal.operations.models import Output
from opsportal.operations.run import Run, at
from opsportal.operations.store import Line

#: Lines may reach the platform's cache this late (nanoseconds), so this much is read again.
OVERLAP = 2_000_000_000
BATCH = 1000
#: Pages read in one look, which bounds the time one call of a step takes; and lines remembered as seen.
PAGES, REMEMBERED = 25, 3000


@dataclass(frozen=True)
class Look:
    """What one look brought. ``more``: the cache holds further lines; ``ended``: the last line that was waited for came."""

    kept: int
    more: bool
    ended: bool


def follow(
    run: Run, source_id: str, wanted: Callable[[str], bool], *, since: int | None = None, until: str = ""
) -> Look:
    """Read what is new since the last look and keep the wanted lines (chosen by source type).

    The place in the log lies in the step's memo and is kept in the same transaction as the lines, so that neither
    a crash nor a lost lease loses or repeats one. ``since``: nanoseconds, for the first look. ``until``: how the
    last line to come begins.
    """
    started = run.step.started_at
    first = since if since is not None else int((started.timestamp() if started else time.time()) * 1e9)
    start = int(run.memo.get("log_from", first))
    kept, asked_at, batch = 0, 0, list[LogLine]()
    for _ in range(PAGES):
        asked_at = time.time_ns()
        batch = run.cf.read_logs(source_id, start_time=start, limit=BATCH)
        seen = {key for _, key in run.memo.get("log_seen", [])}
        keyed = [(line, _key(line)) for line in batch]
        lost = _gap(run, source_id, first, keyed, seen)
        fresh = [line for line, key in keyed if key not in seen]
        if fresh:
            _remember_place(run, first, [(line.at_ns, key) for line, key in keyed])
            new = [line for line in fresh if wanted(line.source_type)]
            if until and any(line.text.startswith(until) for line in new):
                run.memo["log_ended"] = True
            kept += _keep(run, new, lost)
        if len(batch) < BATCH:
            break
        # The last line is read again: when it is gone, what followed it may be gone too.
        start = batch[-1].at_ns if batch[-1].at_ns > start else start + 1
    more = len(batch) >= BATCH
    if not more:
        run.memo["log_read_at"] = asked_at
    return Look(kept, more, bool(run.memo.get("log_ended")))


def _gap(
    run: Run, source_id: str, first: int, keyed: list[tuple[LogLine, str]], seen: set[str]
) -> list[Line]:
    """A notice when the cache has already forgotten what came next after what was read.

    Nothing was lost while the newest line read is still there, or as long as the cache reaches back to a moment up
    to which everything had been read.
    """
    if not keyed or any(key in seen for _, key in keyed) or (not seen and len(keyed) < BATCH):
        return []
    newest = max((int(at_ns) for at_ns, _ in run.memo.get("log_seen", [])), default=first)
    known = max(newest, int(run.memo.get("log_read_at", 0)) - OVERLAP)
    oldest = run.cf.oldest_envelope(source_id)
    if oldest is None or oldest <= known:
        return []
    words = (
        f"Lines are missing here: the platform's log forgot what came {_between(known, keyed[0][0].at_ns)}."
    )
    return [Line(at(known), Output.Stream.NOTE, words)]


def _between(old: int, new: int) -> str:
    """Two moments as clock times; UTC, as the platform's own log has them."""
    return f"between {at(old):%H:%M:%S.%f}"[:-3] + f" and {at(new):%H:%M:%S.%f}"[:-3] + " UTC"


def _remember_place(run: Run, first: int, read: list[tuple[int, str]]) -> None:
    known = {(at_ns, key) for at_ns, key in run.memo.get("log_seen", [])} | set(read)
    newest = max(at_ns for at_ns, _ in known)
    recent = sorted(each for each in known if each[0] > newest - OVERLAP)
    cut = recent[-REMEMBERED:]
    run.memo["log_from"] = max(first, newest - OVERLAP) if len(cut) == len(recent) else cut[0][0]
    run.memo["log_seen"] = [list(each) for each in cut]


def _keep(run: Run, lines: list[LogLine], lost: list[Line]) -> int:
    if lines or lost:
        run.print([*lost, *(_line(line) for line in lines)])
    else:
        run.remember()
    return len(lines)


def go_on(run: Run, memo: dict[str, object]) -> None:
    """Begin where another step's reading ended, given that step's memo."""
    for name in ("log_from", "log_seen", "log_read_at", "log_ended"):
        if name in memo and name not in run.memo:
            run.memo[name] = memo[name]


def last_words(
    run: Run, source_id: str, wanted: Callable[[str], bool], *, since: int, limit: int = 60
) -> None:
    """Keep the last lines before a failure, so that its reason can be read where it is reported."""
    batch = run.cf.read_logs(source_id, start_time=since, limit=BATCH, descending=True)
    lines = sorted((line for line in batch if wanted(line.source_type)), key=lambda line: line.at_ns)
    run.print([_line(line, prefix=f"[{line.source_type}/{line.instance}] ") for line in lines[-limit:]])


def _line(line: LogLine, prefix: str = "") -> Line:
    return Line(at(line.at_ns), "err" if line.stream == "ERR" else "out", prefix + line.text)


def _key(line: LogLine) -> str:
    text = f"{line.at_ns}/{line.instance}/{line.source_type}/{line.text}"
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()
