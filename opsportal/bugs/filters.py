"""What a list of tickets is searched by, read from an address and written into one."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from opsportal.bugs import rules
from opsportal.bugs.models import Priority, Stage, Ticket

OPEN, CLOSED, EVERY = "open", Stage.CLOSED.value, "all"
#: Sort → its words. The first is the one without being asked.
SORTS: Final[Mapping[str, str]] = {
    "urgent": "Most urgent first",
    "new": "Newest first",
    "old": "Oldest first",
    "changed": "Changed last",
}
#: Longest text that is searched for, and how many words of it.
LONGEST, MOST_WORDS = 200, 8
_SEARCHED: Final = ("title", "happens", "should", "steps")


@dataclass(frozen=True)
class Filters:
    """People by user name; ``stage``: one of the path's, ``open``, ``closed`` or ``all``. Empty: not asked for."""

    text: str = ""
    priority: str = ""
    stage: str = OPEN
    engineer: str = ""
    reviewer: str = ""
    reporter: str = ""
    environment: str = ""
    sort: str = "urgent"
    page: int = 1

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filters":
        """From an address. What it cannot mean is left out: an old link still shows something."""
        given = {each.name: str(query.get(each.name) or "").strip()[:LONGEST] for each in fields(cls)}
        given = {name: value.replace("\0", "") for name, value in given.items()}
        page = given.pop("page")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1
        made = cls(**{**given, "page": max(1, number)})  # type: ignore[arg-type]
        return replace(
            made,
            priority=made.priority if made.priority in Priority.values else "",
            stage=made.stage if made.stage in {*Stage.values, OPEN, EVERY} else OPEN,
            sort=made.sort if made.sort in SORTS else "urgent",
        )

    def query_string(self, **other: object) -> str:
        """As an address writes it, with ``other`` values instead; what is as without being asked is left out."""
        changed = replace(self, **{"page": 1, **other})  # type: ignore[arg-type]
        plain = Filters()
        return urlencode(
            {
                each.name: getattr(changed, each.name)
                for each in fields(self)
                if getattr(changed, each.name) != getattr(plain, each.name)
            }
        )

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for besides what is open."""
        return bool(replace(self, page=1, sort="urgent").query_string())

    def apply(self, tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
        """The tickets that it asks for, in its order."""
        wanted = self._stage() & self._text()
        if self.priority:
            wanted &= Q(priority=self.priority)
        if self.environment:
            wanted &= Q(environment=self.environment)
        for name, value in (("engineer", self.engineer), ("reporter", self.reporter)):
            if value:
                wanted &= Q(**{f"{name}__username": value.lower()})
        if self.reviewer:
            wanted &= Q(reviewers__person__username=self.reviewer.lower())
        return tickets.filter(wanted).order_by(*_order(self.sort))

    def _stage(self) -> Q:
        if self.stage == EVERY:
            return Q()
        return ~Q(stage=Stage.CLOSED) if self.stage == OPEN else Q(stage=self.stage)

    def _text(self) -> Q:
        """Every word somewhere in it; a key or a number finds that ticket."""
        found = Q()
        for word in self.text.split()[:MOST_WORDS]:
            here = Q()
            for name in _SEARCHED:
                here |= Q(**{f"{name}__icontains": word})
            number = word.lower().removeprefix(settings.TICKET_PREFIX.lower() + "-").removeprefix("#")
            if number.isascii() and number.isdigit() and len(number) < 10:
                here |= Q(pk=int(number))
            found &= here
        return found


def urgency() -> Case:
    """Critical first."""
    ranks = [When(priority=name, then=Value(rank)) for rank, name in enumerate(rules.PRIORITIES)]
    return Case(*ranks, default=Value(9), output_field=IntegerField())


def _order(sort: str) -> tuple[str | Case, ...]:
    return {
        "urgent": (urgency(), "-updated_at", "-id"),
        "new": ("-id",),
        "old": ("id",),
        "changed": ("-updated_at", "-id"),
    }[sort]
