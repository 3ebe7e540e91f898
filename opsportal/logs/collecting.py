"""Reading one environment's source on the platform into entries: to its end, each line once. Tasks come here alone."""

import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from opsportal.adapters.cloudfoundry import CloudFoundryError, Foundation, LogLine
from opsportal.environments.models import Environment
from opsportal.kit.wording import plain
from opsportal.logs import channels, joining, place, rules, store
from opsportal.logs.lines import SECOND, Line
from opsportal.logs.models import LONGEST_INSTANCE, LONGEST_LAYER

log = logging.getLogger(__name__)

#: Lines in one answer; answers read in one look, so that no look goes on for ever.
BATCH, PAGES = 1000, 40
#: How far the platform's clock and ours may differ, when it is asked whether lines were lost.
CLOCKS = 5 * SECOND
_REVISION = re.compile(r"^APP/REV/\d+/")


#: Logs taken at once: as many wait at most when one among them hangs, until the lease of the others ends.
TOGETHER = 8


@dataclass(frozen=True)
class Look:
    """What one look at a log brought: entries kept, whether its end was reached, and what went wrong."""

    kept: int = 0
    read_to_end: bool = False
    problem: str = ""

    @property
    def silent(self) -> bool:
        """Whether it was read to its end and had nothing new."""
        return self.read_to_end and not self.kept and not self.problem


def look(environment: Environment, cf: Foundation) -> int:
    """Read what is new of one environment, unless another worker does. Returns how many entries were kept."""
    held = store.claim(environment.pk, environment.app_guid)
    if held is None:
        return 0
    made = _look(held, cf)
    if made is not None:
        _release(held, made, _pace())
    return made.kept if made else 0


def look_at_due(cf: Foundation, *, until: float) -> int:
    """Read the logs whose time has come, until none is due or ``until`` (monotonic). Returns how many were read.

    Those in trouble are read last and one at a time, so that waiting for them holds up none of the others.
    """
    many, busy = 0, _pace()
    for together, in_trouble in ((TOGETHER, False), (1, True)):
        while time.monotonic() < until:
            held = store.claim_due(together, in_trouble=in_trouble)
            if not held:
                break
            _look_at(held, cf, busy)
            many += len(held)
    return many


def _look_at(together: Sequence[store.Claim], cf: Foundation, busy: float) -> None:
    """Read logs that were taken together; those that had nothing new are let go of in one statement each pace."""
    silent: dict[float, list[store.Claim]] = {}
    watched, began = channels.watched(each.environment_id for each in together), time.time_ns()
    for held in together:
        made = _look(held, cf)
        if made is None:
            continue
        if made.silent:
            silent.setdefault(_wait(held, made, busy, held.environment_id in watched), []).append(held)
        else:
            _release(held, made, busy)
    for seconds, quiet in silent.items():
        store.release_silent(quiet, next_seconds=seconds, looked_ns=began)


def _look(held: store.Claim, cf: Foundation) -> Look | None:
    """Read one log; None when another worker reads it now."""
    try:
        kept, read_to_end = _read(held, cf)
    except CloudFoundryError as error:
        log.warning("the log of %s could not be read: %s", held.name, error)
        return Look(problem=str(error))
    except store.LostTail:
        log.info("another worker reads the log of %s now", held.name)
        return None
    return Look(kept, read_to_end)


def _release(held: store.Claim, made: Look, busy: float) -> None:
    unread = not made.read_to_end and not made.problem
    wait = 0.0 if unread else _wait(held, made, busy, channels.is_watched(held.environment_id))
    store.release(
        held, found=bool(made.kept), next_seconds=wait, read_to_end=made.read_to_end, problem=made.problem
    )


def _wait(held: store.Claim, made: Look, busy: float, watched: bool) -> float:
    idle = 0 if made.kept else held.idle_looks + 1
    return rules.next_look(idle, watched, busy, settings.LOG_IDLE_LOOK_SECONDS)


def _pace() -> float:
    """Seconds between two looks at a log in which something happens."""
    return rules.busy_look(settings.LOG_LOOK_SECONDS, store.number_of_sources())


def _read(held: store.Claim, cf: Foundation) -> tuple[int, bool]:
    """Page by page up to the newest line. Returns how many entries were kept, and whether the end was reached."""
    start, kept, carried = held.place.from_ns, 0, list[Line]()
    for page in range(PAGES):
        batch = [_line(each) for each in cf.read_logs(held.source, start_time=start, limit=BATCH)]
        if page == 0:
            _mind_the_gap(held, cf, batch)
        full = len(batch) >= BATCH
        carried, new = _take(held, batch, carried, full=full)
        kept += new
        if not full:
            return kept, True
        start = max(batch[-1].at_ns, start + 1)
    return kept, False


def _take(
    held: store.Claim, batch: Sequence[Line], carried: list[Line], *, full: bool
) -> tuple[list[Line], int]:
    """Keep what is certain of a page; answer the lines that wait for more, and how many entries were kept."""
    known = {place.digest(line) for line in carried}
    fresh = [line for line in held.place.fresh(batch) if place.digest(line) not in known]
    entries = joining.join(sorted([*carried, *fresh], key=lambda line: line.at_ns))
    # A full page ends somewhere amid the lines, the last one at this very moment.
    upto = batch[-1].at_ns if full else time.time_ns()
    certain, waiting = joining.settled(entries, upto)
    waits = [line for entry in waiting for line in entry.lines]
    if not certain:
        return waits, 0
    taken = [line for entry in certain for line in entry.lines]
    store.keep(held, certain, held.place.after(taken, waits))
    channels.announce(held.environment_id)
    return waits, len(certain)


def _mind_the_gap(held: store.Claim, cf: Foundation, batch: Sequence[Line]) -> None:
    """Ask for the oldest envelope only where the newest line that we know is gone."""
    looked = held.looked_ns - CLOCKS if held.looked_ns else 0
    if place.missed(held.place, looked, batch, 2**62) is None:
        return
    lost = place.missed(held.place, looked, batch, cf.oldest_envelope(held.source))
    if lost is not None:
        store.note_gap(held, *lost)


def _line(line: LogLine) -> Line:
    """A line as it is kept and compared: as a terminal would leave it, with its revision left out of the layer."""
    layer = _REVISION.sub("APP/", line.source_type or "APP")
    return Line(
        line.at_ns, layer[:LONGEST_LAYER], line.instance[:LONGEST_INSTANCE], line.stream, plain(line.text)
    )
