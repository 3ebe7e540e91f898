"""Bringing the platform's log lines into an operation's output, live, each line once."""

import hashlib
import time
from collections.abc import Callable

from opsportal.adapters.cloudfoundry import LogLine
from opsportal.operations.run import Run, at
from opsportal.operations.store import Line

#: Lines may reach the platform's cache this late (nanoseconds), so this much is read again.
OVERLAP = 2_000_000_000
BATCH = 1000
#: Pages read in one look, which bounds the time one call of a step takes; and lines remembered as seen.
PAGES, REMEMBERED = 25, 3000


def follow(run: Run, source_id: str, wanted: Callable[[str], bool], *, since: int | None = None) -> int:
    """Read what is new since the last look and keep the wanted lines. Returns how many were kept.

    The place in the log lies in the step's memo and is kept in the same transaction as the lines, so that neither
    a crash nor a lost lease loses or repeats one. ``since``: nanoseconds, for the first look.
    """
    started = run.step.started_at
    first = since if since is not None else int((started.timestamp() if started else time.time()) * 1e9)
    start = int(run.memo.get("log_from", first))
    kept = 0
    for _ in range(PAGES):
        batch = run.cf.read_logs(source_id, start_time=start, limit=BATCH)
        seen = {key for _, key in run.memo.get("log_seen", [])}
        keyed = [(line, _key(line)) for line in batch]
        fresh = [line for line, key in keyed if key not in seen]
        if fresh:
            _remember_place(run, first, [(line.at_ns, key) for line, key in keyed])
            kept += _keep(run, [line for line in fresh if wanted(line.source_type)])
        if len(batch) < BATCH:
            break
        start = batch[-1].at_ns + 1
    return kept


def _remember_place(run: Run, first: int, read: list[tuple[int, str]]) -> None:
    known = {(at_ns, key) for at_ns, key in run.memo.get("log_seen", [])} | set(read)
    newest = max(at_ns for at_ns, _ in known)
    recent = sorted(each for each in known if each[0] > newest - OVERLAP)
    cut = recent[-REMEMBERED:]
    run.memo["log_from"] = max(first, newest - OVERLAP) if len(cut) == len(recent) else cut[0][0]
    run.memo["log_seen"] = [list(each) for each in cut]


def _keep(run: Run, lines: list[LogLine]) -> int:
    if lines:
        run.print([_line(line) for line in lines])
    else:
        run.remember()
    return len(lines)


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
