"""Lists of tickets: the table, the board, what waits for refinement and for a product owner."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber

from opsportal.bugs.filters import Filters, urgency
from opsportal.bugs.models import Consent, GitHubReading, Priority, Stage, Ticket

PER_PAGE: Final = 50
#: Tickets of one column of the board; the list has the rest.
PER_COLUMN: Final = 50


@dataclass(frozen=True)
class Column:
    """One stage of the board. ``total``: how many there are, shown or not."""

    stage: str
    label: str
    tickets: Sequence[Ticket]
    total: int

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - len(self.tickets)


def rows() -> QuerySet[Ticket]:
    """Tickets with what a row shows: people and consents, without the long texts."""
    return (
        Ticket.objects.select_related("engineer", "reporter", "duplicate_of")
        .prefetch_related("reviewers__person", "consents__proposed_by", "consents__decided_by")
        .defer("should", "steps", "evidence", "github_mirrored")
    )


def ticket(number: int) -> Ticket | None:
    """One ticket with its people; None when there is none."""
    related = Ticket.objects.select_related("engineer", "reporter", "duplicate_of")
    return (
        related.prefetch_related("reviewers__person", "consents__proposed_by", "consents__decided_by")
        .filter(pk=number)
        .first()
    )


def tickets(filters: Filters) -> Page[Ticket]:
    """A page of what is asked for; beyond the last one the last one."""
    return Paginator(filters.apply(rows()), PER_PAGE).get_page(filters.page)


def board(filters: Filters | None = None) -> list[Column]:
    """Every stage of what is open with the most urgent first; closed ones are in the list."""
    wanted = filters.apply(Ticket.objects.all()) if filters else Ticket.objects.exclude(stage=Stage.CLOSED)
    order = [urgency().asc(), F("updated_at").desc(), F("id").desc()]
    place = Window(RowNumber(), partition_by=F("stage"), order_by=order)
    # Numbers first: the texts of thousands of tickets need not be sorted along.
    places = dict(
        wanted.order_by().annotate(place=place).filter(place__lte=PER_COLUMN).values_list("pk", "place")
    )
    columns: dict[str, list[Ticket]] = defaultdict(list)
    for each in sorted(rows().filter(pk__in=places), key=lambda one: places[one.pk]):
        columns[each.stage].append(each)
    totals = dict(
        wanted.order_by()
        .values_list("stage")
        .annotate(number=Count("pk", distinct=True))
        .values_list("stage", "number")
    )
    return [
        Column(stage.value, stage.label, columns.get(stage.value, []), totals.get(stage.value, 0))
        for stage in Stage
        if stage != Stage.CLOSED or totals.get(stage.value)
    ]


def github_trouble() -> GitHubReading | None:
    """What keeps GitHub from being read, since when and what to do; None when nothing does, or there is no GitHub."""
    if not settings.GITHUB_REPOSITORY:
        return None
    return GitHubReading.objects.filter(repository=settings.GITHUB_REPOSITORY).exclude(problem="").first()


def waiting_consents() -> QuerySet[Consent]:
    """What waits for a product owner, the longest first."""
    related = Consent.objects.select_related("ticket__reporter", "ticket__engineer", "proposed_by")
    return related.filter(decision=Consent.Decision.WAITING).order_by("proposed_at", "id")


def for_refinement() -> QuerySet[Ticket]:
    """The list of the meeting: the most urgent first, then the oldest. Critical skips it; proposed ones wait elsewhere."""
    waiting = Ticket.objects.filter(stage__in=(Stage.REPORTED, Stage.TRIAGED)).exclude(
        priority=Priority.CRITICAL
    )
    proposed = Consent.objects.filter(decision=Consent.Decision.WAITING).values("ticket")
    related = waiting.exclude(pk__in=proposed).select_related("engineer", "reporter")
    return related.prefetch_related("reviewers__person", "consents").order_by(urgency(), "id")


def known(numbers: Sequence[int]) -> set[int]:
    """Which of these tickets there are."""
    return set(Ticket.objects.filter(pk__in=numbers).values_list("pk", flat=True))
