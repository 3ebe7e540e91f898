"""The clocks that matter (issue: time to consent, to assignment, to review, to stable), one ticket's and summed up."""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from opsportal.bugs import rules, standing
from opsportal.bugs.models import Consent, Priority, Stage, Ticket

#: Clock → its words. The first three wait for people and count working time; users wait for stable around the clock.
CLOCKS: Final[Mapping[str, str]] = {
    "to_consent": "To consent",
    "to_assignment": "To assignment",
    "to_review": "To review",
    "to_stable": "To stable",
}
WORKING: Final = frozenset({"to_consent", "to_assignment", "to_review"})


@dataclass(frozen=True)
class Clock:
    """One clock. ``took``: its time, so far while it runs; None where it never began. ``running_since``: None: it stands."""

    name: str
    took: timedelta | None = None
    running_since: datetime | None = None

    @property
    def label(self) -> str:
        """Its words."""
        return CLOCKS[self.name]

    @property
    def runs(self) -> bool:
        """Whether it still counts."""
        return self.running_since is not None

    @property
    def in_working_time(self) -> bool:
        """Whether nights and weekends are left out."""
        return self.name in WORKING


@dataclass(frozen=True)
class Clocks:
    """A ticket's four."""

    to_consent: Clock
    to_assignment: Clock
    to_review: Clock
    to_stable: Clock

    @property
    def all(self) -> tuple[Clock, ...]:
        """In the path's order."""
        return (self.to_consent, self.to_assignment, self.to_review, self.to_stable)


@dataclass(frozen=True)
class Summary:
    """One clock of one priority: how many stand still, half of them within ``median``, nine of ten within ``p90``."""

    priority: str
    clock: str
    number: int
    running: int
    median: timedelta | None
    p90: timedelta | None

    @property
    def label(self) -> str:
        """The clock's words."""
        return CLOCKS[self.clock]

    @property
    def priority_label(self) -> str:
        """The priority's word."""
        return str(Priority(self.priority).label)


def clocks(ticket: Ticket, now: datetime | None = None) -> Clocks:
    """From proposal to decision; from refined to assigned; from assigned to in review; from reported to on stable."""
    now = now or timezone.now()
    spans = {
        name: _clock(name, *span, now, stands=not ticket.is_open) for name, span in _spans(ticket).items()
    }
    return Clocks(**spans)


def _spans(ticket: Ticket) -> Mapping[str, tuple[datetime | None, datetime | None]]:
    """From when until when each clock counts, as far as that is known."""
    at = {each.stage: each.at for each in ticket.reached.all()}
    consents = [each for each in ticket.consents.all() if each.decision != Consent.Decision.WITHDRAWN]
    last = max(consents, key=lambda each: (each.proposed_at, each.pk), default=None)
    return {
        "to_consent": (last.proposed_at if last else None, last.decided_at if last else None),
        "to_assignment": (at.get(Stage.REFINED), at.get(Stage.ASSIGNED)),
        "to_review": (at.get(Stage.ASSIGNED), at.get(Stage.IN_REVIEW)),
        "to_stable": (ticket.reported_at, at.get(Stage.ON_STABLE)),
    }


def clock_summary(since: datetime) -> list[Summary]:
    """Median and p90 of each clock by priority, over the tickets reported since then; most urgent first."""
    taken: dict[tuple[str, str], list[timedelta]] = defaultdict(list)
    running: dict[tuple[str, str], int] = defaultdict(int)
    found = Ticket.objects.filter(reported_at__gte=since).prefetch_related("reached", "consents")
    for ticket in found.only("priority", "stage", "reported_at").iterator(chunk_size=500):
        for name, (begin, end) in _spans(ticket).items():
            if begin and end:
                taken[ticket.priority, name].append(_time(name, begin, end))
            elif begin and ticket.is_open:
                running[ticket.priority, name] += 1
    return [
        Summary(
            priority, name, len(taken[priority, name]), running[priority, name],
            _median(taken[priority, name]), _p90(taken[priority, name]),
        )
        for priority in rules.PRIORITIES
        for name in CLOCKS
    ]  # fmt: skip


def _clock(name: str, begin: datetime | None, end: datetime | None, now: datetime, *, stands: bool) -> Clock:
    """A closed ticket's clocks stand; what it never came to took no time."""
    if begin is None or (end is None and stands):
        return Clock(name)
    return Clock(name, _time(name, begin, end or now), None if end else begin)


def _time(name: str, begin: datetime, end: datetime) -> timedelta:
    """What lies between, in the time that the clock counts; a fact told out of order takes none."""
    end = max(begin, end)
    return rules.working_time(begin, end, standing.hours()) if name in WORKING else end - begin


def _median(taken: Sequence[timedelta]) -> timedelta | None:
    return timedelta(seconds=statistics.median(each.total_seconds() for each in taken)) if taken else None


def _p90(taken: Sequence[timedelta]) -> timedelta | None:
    """The time within which nine of ten were done: one that was really taken."""
    ordered = sorted(taken)
    return ordered[-(-len(ordered) * 9 // 10) - 1] if ordered else None
