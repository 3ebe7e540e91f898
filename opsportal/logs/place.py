"""Where the reading of a source stands: every line taken once, none twice, late ones too. Pure.

Lines reach the platform's cache up to some seconds late (platform API §11.4), so the last moments are read again each
time, and lines that were taken are known by their digests.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from opsportal.logs.lines import SECOND, Line

#: How far behind the newest line is read again; and of how many lines at most it is known that they were taken.
OVERLAP, REMEMBERED = 2 * SECOND, 3_000

Seen = tuple[int, str]


class Place(NamedTuple):
    """``from_ns``: where to read on; ``last_ns``: the newest line taken; ``seen``: lines taken since ``from_ns``."""

    from_ns: int = 0
    last_ns: int = 0
    seen: tuple[Seen, ...] = ()

    def fresh(self, lines: Iterable[Line]) -> list[Line]:
        """The lines that were not taken yet, in order of time."""
        known = {key for _, key in self.seen}
        return sorted((line for line in lines if digest(line) not in known), key=lambda line: line.at_ns)

    def after(self, taken: Sequence[Line], held: Sequence[Line]) -> "Place":
        """The place once ``taken`` are kept; ``held`` lines are read again next time."""
        known = sorted({*self.seen, *((line.at_ns, digest(line)) for line in taken)})
        newest = max(self.last_ns, known[-1][0] if known else 0)
        recent = [each for each in known if each[0] > newest - OVERLAP]
        cut = recent[-REMEMBERED:]
        start = newest - OVERLAP + 1 if len(cut) == len(recent) else cut[0][0]
        if held:
            # A held line lies among taken ones: these must stay known as long as they are read again.
            first = min(line.at_ns for line in held)
            if first < start:
                return Place(first, newest, tuple(each for each in known if each[0] >= first))
        return Place(max(start, self.from_ns), newest, tuple(cut))


def digest(line: Line) -> str:
    """What a line is known by."""
    text = f"{line.at_ns}/{line.layer}/{line.instance}/{line.stream}/{line.text}"
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=6).hexdigest()


def missed(
    place: Place, looked_ns: int, batch: Sequence[Line], oldest_ns: int | None
) -> tuple[int, int] | None:
    """The span in which lines may have been lost, in nanoseconds; None when there is none.

    Lost are lines that the cache forgot between two looks: the newest line taken is gone from it, and even the oldest
    envelope it has (``oldest_ns``) came after the last look (``looked_ns``).
    """
    if not place.seen or oldest_ns is None:
        return None
    newest = place.seen[-1]
    if any((line.at_ns, digest(line)) == newest for line in batch):
        return None
    since = max(place.last_ns, looked_ns)
    return (since, oldest_ns) if oldest_ns > since else None
