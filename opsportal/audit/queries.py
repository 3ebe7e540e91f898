"""Reading the trail, and finding out whether anybody tampered with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Subquery
from django.db.models.functions import Coalesce

from opsportal.audit import triggers
from opsportal.audit.models import GENESIS, Entry, Head
from opsportal.audit.seals import is_sealed

_AT_ONCE = 2_000


def origins(action: str, target: str, since: datetime) -> list[str]:
    """From which addresses something was done to a target since a moment, each once."""
    found = Entry.objects.filter(action=action, target=target, at__gte=since).order_by()
    return sorted(found.exclude(origin="").values_list("origin", flat=True).distinct())


@dataclass(frozen=True)
class Problem:
    """The first thing wrong: ``kind`` is gap, edit, reorder, truncation, surplus, head, seal, anchor or
    unprotected.
    """

    number: int
    kind: str
    words: str


@dataclass(frozen=True)
class Verification:
    """The result. ``entries`` were read; ``number`` and ``hash`` are the head's: keep them elsewhere as an
    anchor.
    """

    ok: bool
    entries: int
    first_problem: Problem | None
    number: int
    hash: str


def verify(anchor: tuple[int, str] | None = None) -> Verification:
    """Walk the whole chain, streaming, and compare its end with the sealed head.

    ``anchor``: number and hash noted earlier; finds a whole trail that was replaced by an older copy of
    itself. Entries written meanwhile do no harm.
    """
    head = Head.objects.filter(pk=1).first() or Head()
    walk = _Walk()
    problem = walk.through(_entries_up_to(head.number)) or _end_problem(walk, head)
    problem = problem or _anchor_problem(anchor) or _protection_problem()
    return Verification(problem is None, walk.number, problem, head.number, head.hash)


class _Walk:
    """Steps through entries in order and stops at the first that does not follow the one before."""

    def __init__(self) -> None:
        self.number = 0
        self.hash = GENESIS

    def through(self, entries: Iterator[Entry]) -> Problem | None:
        for entry in entries:
            if entry.number != self.number + 1:
                return Problem(self.number + 1, "gap", f"Entry {self.number + 1} is missing.")
            if entry.previous_hash != self.hash:
                words = f"Entry {entry.number} does not follow the one before it."
                return Problem(entry.number, "reorder", words)
            if entry.hash != entry.computed_hash():
                return Problem(
                    entry.number, "edit", f"Entry {entry.number} was changed after it was written."
                )
            self.number, self.hash = entry.number, entry.hash
        return None


def _entries_up_to(number: int) -> Iterator[Entry]:
    return Entry.objects.filter(number__lte=number).order_by("number").iterator(chunk_size=_AT_ONCE)


def _end_problem(walk: _Walk, head: Head) -> Problem | None:
    if walk.number < head.number:
        words = f"The trail ends at entry {walk.number}, but {head.number} were written."
        return Problem(walk.number + 1, "truncation", words)
    end = Coalesce(Subquery(Head.objects.values("number")[:1]), 0)
    beyond = Entry.objects.order_by("number").filter(number__gt=end)
    surplus = beyond.values_list("number", flat=True).first()
    if surplus is not None:
        return Problem(
            surplus, "surplus", f"Entry {surplus} was not written by the portal: the head ends before it."
        )
    if head.hash != walk.hash:
        return Problem(head.number, "head", f"Entry {head.number} is not the one the head was sealed with.")
    if head.broken_at is not None:
        words = f"When entry {head.broken_at + 1} was written the seal of the one before no longer held."
        return Problem(head.broken_at, "seal", words)
    if head.number and not is_sealed(head):
        return Problem(head.number, "seal", "The head's seal does not hold: it was not set by the portal.")
    return None


def _anchor_problem(anchor: tuple[int, str] | None) -> Problem | None:
    if anchor is None or Entry.objects.filter(number=anchor[0], hash=anchor[1]).exists():
        return None
    return Problem(anchor[0], "anchor", f"Entry {anchor[0]} is not the one noted earlier.")


def _protection_problem() -> Problem | None:
    missing = triggers.missing(connection)
    if not missing:
        return None
    words = (
        f"The chain is whole, but the database no longer refuses changes: no trigger {', '.join(missing)}."
    )
    return Problem(0, "unprotected", words)
