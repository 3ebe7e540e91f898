"""Reading what is kept: searches, one entry and what stands around it, sums of requests, what is new."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from opsportal.environments.models import Environment
from opsportal.logs import matching, rules, spans
from opsportal.logs.filters import Search
from opsportal.logs.levels import Level
from opsportal.logs.models import Entry, Tail

#: Entries on one page; hits of a text that are counted one by one; entries matched at once; seconds of one search.
PAGE, HITS, AT_ONCE, SECONDS = 100, 20_000, 1_000, 4.0
CONTEXT, BATCH = 25, 1_000
_CRASH = (
    Q(layer__in=["API", "HEALTH"])
    | Q(layer__startswith="CELL")
    | Q(layer__startswith="APP/", text__startswith="Exit status")
)

#: What the portal asks applications itself, and the name it gives when it does (opsportal.kit.http).
PROBED, OWN_AGENT = ("/health", "/version"), "opsportal"

Hit = tuple[int, int, int]
Cursor = tuple[int, int]


@dataclass
class Found:
    """What a search found. ``total`` and ``bars`` count everything from ``complete_from`` on (all, when it is 0)."""

    entries: list[Entry] = field(default_factory=list)
    total: int = 0
    counts: dict[tuple[int, int], int] = field(default_factory=dict)
    bars: rules.Bars = rules.Bars(0, 1, 1)  # noqa: RUF009 (immutable)
    older: Cursor | None = None
    newer: Cursor | None = None
    complete_from: int = 0
    problem: str = ""


def tail_of(environment: Environment) -> Tail | None:
    """How far the log of an environment was read; None before the first look."""
    return Tail.objects.filter(pk=environment.pk).first()


def matching_entries(environment_id: int, search: Search) -> QuerySet[Entry]:
    """Entries that a search wants, but for a regular expression, newest first."""
    rows = Entry.objects.filter(
        environment_id=environment_id, at_ns__gte=search.from_ns, at_ns__lt=search.to_ns
    )
    return _narrowed(rows, search).order_by("-at_ns", "-id")


def _narrowed(rows: QuerySet[Entry], search: Search) -> QuerySet[Entry]:
    if search.layer:
        rows = rows.filter(Q(layer=search.layer) | Q(layer__startswith=f"{search.layer}/"))
    if search.instance:
        rows = rows.filter(instance=search.instance)
    if search.least_level:
        rows = rows.filter(level__gte=search.least_level)
    if search.text and not search.is_pattern:
        rows = rows.filter(text__icontains=search.text)
    if search.request:
        method, _, path = search.request.partition(" ")
        rows = rows.filter(status__isnull=False, method=method, path=path)
    return _without_probes(rows) if search.hides_probes else rows


def _without_probes(rows: QuerySet[Entry]) -> QuerySet[Entry]:
    """Without the router's lines of what the portal itself asks applications again and again."""
    return rows.exclude(status__isnull=False, path__in=PROBED, text__contains=f'"{OWN_AGENT}"')


def find(
    environment_id: int, search: Search, before: Cursor | None = None, after: Cursor | None = None
) -> Found:
    """One page of a search, newest first, and how all of it is spread over time.

    ``before``, ``after``: the moment and id next to the page. A search by a regular expression goes back from the
    newest entry for as long as :data:`SECONDS` allow and says how far it came.
    """
    found = Found(bars=rules.bars(search.from_ns, search.to_ns))
    rows = matching_entries(environment_id, search)
    if search.text and search.is_pattern:
        hits = _pattern_hits(rows, search, found)
    elif search.text:
        hits = list(rows.values_list("id", "at_ns", "level")[: HITS + 1])
    else:
        hits = None
    if hits is None or (len(hits) > HITS and not search.is_pattern):
        _count_in_database(environment_id, search, found)
        _page_from_database(rows, found, before, after)
    else:
        _count(hits, found)
        _page_of_hits(hits, found, before, after)
    return found


def _pattern_hits(rows: QuerySet[Entry], search: Search, found: Found) -> list[Hit]:
    hits: list[Hit] = []
    if known := matching.required_text(search.text):
        rows = rows.filter(text__icontains=known)
    until, reached = time.monotonic() + SECONDS, search.to_ns
    try:
        with matching.Matcher(search.text, SECONDS) as matcher:
            for chunk in chunks(rows.values_list("id", "at_ns", "level", "text")):
                left = until - time.monotonic()
                if left <= 0 or len(hits) >= HITS:
                    found.complete_from = reached
                    break
                hits += [chunk[each][:3] for each in matcher.matches([row[3] for row in chunk], left)]
                reached = chunk[-1][1]
    except matching.BadPattern as error:
        found.problem = f"This is no regular expression: {error}."
    except matching.TooSlow as error:
        found.problem = str(error)
        found.complete_from = reached if reached < search.to_ns else 0
    return hits


def chunks(rows: "QuerySet[Entry, tuple[int, int, int, str]]") -> Iterator[list[tuple[int, int, int, str]]]:
    """Rows of ``(id, at_ns, …)``, newest first, some at a time, each read by a query of its own."""
    last: Cursor | None = None
    while chunk := list((rows.filter(_beyond(last)) if last else rows)[:AT_ONCE]):
        yield chunk
        if len(chunk) < AT_ONCE:
            return
        last = (chunk[-1][1], chunk[-1][0])


def _beyond(cursor: Cursor) -> Q:
    """Older than a cursor. The first condition is what an index can use."""
    at_ns, pk = cursor
    return Q(at_ns__lte=at_ns) & (Q(at_ns__lt=at_ns) | Q(id__lt=pk))


def _before(cursor: Cursor) -> Q:
    at_ns, pk = cursor
    return Q(at_ns__gte=at_ns) & (Q(at_ns__gt=at_ns) | Q(id__gt=pk))


def _count_in_database(environment_id: int, search: Search, found: Found) -> None:
    """Bar by bar: to group a million rows takes a database several times as long as to count them."""
    counts = {
        int(level): Count("id", filter=Q(level=level)) for level in (Level.INFO, Level.WARNING, Level.ERROR)
    }
    counts[Level.ERROR] = Count("id", filter=Q(level__gte=Level.ERROR))
    for number in range(found.bars.many):
        start, end = found.bars.at(number)
        inside = search.within(max(start, search.from_ns), min(end, search.to_ns))
        counted = (
            matching_entries(environment_id, inside)
            .order_by()
            .aggregate(all=Count("id"), **{f"of_{level}": each for level, each in counts.items()})
        )
        others = counted.pop("all") - sum(counted.values())
        said = {level: counted[f"of_{level}"] for level in counts} | {int(Level.NONE): others}
        found.counts |= {(number, level): count for level, count in said.items() if count}
    found.total = sum(found.counts.values())


def _count(hits: list[Hit], found: Found) -> None:
    start, width, _ = found.bars
    found.counts = dict(Counter(((at_ns - start) // width, level) for _, at_ns, level in hits))
    found.total = len(hits)


def _page_from_database(
    rows: QuerySet[Entry], found: Found, before: Cursor | None, after: Cursor | None
) -> None:
    if after is not None:
        page = list(rows.filter(_before(after)).order_by("at_ns", "id")[: PAGE + 1])
        more, found.entries = len(page) > PAGE, page[:PAGE][::-1]
        has_older, has_newer = True, more
    else:
        page = list((rows.filter(_beyond(before)) if before else rows)[: PAGE + 1])
        found.entries = page[:PAGE]
        has_older, has_newer = len(page) > PAGE, before is not None
    _cursors(found, has_older=has_older, has_newer=has_newer)


def _page_of_hits(hits: list[Hit], found: Found, before: Cursor | None, after: Cursor | None) -> None:
    keys = [(at_ns, pk) for pk, at_ns, _ in hits]
    start = 0
    if before is not None:
        start = next((number for number, key in enumerate(keys) if key < before), len(keys))
    elif after is not None:
        start = max(0, next((number for number, key in enumerate(keys) if key <= after), len(keys)) - PAGE)
    ids = [pk for _, pk in keys[start : start + PAGE]]
    rows = Entry.objects.in_bulk(ids)
    found.entries = [rows[pk] for pk in ids if pk in rows]
    _cursors(found, has_older=start + PAGE < len(keys), has_newer=start > 0)


def _cursors(found: Found, *, has_older: bool, has_newer: bool) -> None:
    if found.entries:
        first, last = found.entries[0], found.entries[-1]
        found.older = (last.at_ns, last.pk) if has_older else None
        found.newer = (first.at_ns, first.pk) if has_newer else None


def around(entry: Entry, count: int = CONTEXT) -> tuple[list[Entry], list[Entry]]:
    """What the same source (layer and instance) said before and after an entry, in order of time."""
    same = Entry.objects.filter(
        environment_id=entry.environment_id, layer=entry.layer, instance=entry.instance
    )
    key = (entry.at_ns, entry.pk)
    before = list(same.filter(_beyond(key)).order_by("-at_ns", "-id")[:count])[::-1]
    return before, list(same.filter(_before(key)).order_by("at_ns", "id")[:count])


def oldest_first(environment_id: int, search: Search) -> Iterator[Entry]:
    """All that a search finds, for a download, read in batches. A bad pattern finds nothing."""
    wanted = matching_entries(environment_id, search)
    if search.text and search.is_pattern:
        ids = [pk for pk, _, _ in _pattern_hits(wanted, search, Found())[::-1]]
        for start in range(0, len(ids), BATCH):
            known = Entry.objects.in_bulk(ids[start : start + BATCH])
            yield from (known[pk] for pk in ids[start : start + BATCH] if pk in known)
        return
    rows = wanted.order_by("at_ns", "id")
    last: Cursor | None = None
    while page := list((rows.filter(_before(last)) if last else rows)[:BATCH]):
        yield from page
        last = (page[-1].at_ns, page[-1].pk)


@dataclass
class News:
    """Entries kept since an id: the newest of them, how many others there are, and the id to go on from."""

    entries: list[Entry]
    left_out: int
    last: int
    since_ns: int = 0


def newest_id(environment_id: int) -> int:
    """The id of the entry that was kept last; 0 when there is none."""
    return int(Entry.objects.filter(environment_id=environment_id).aggregate(id=Coalesce(Max("id"), 0))["id"])


def news(environment_id: int, search: Search, after: int, most: int) -> News:
    """What was kept after the entry ``after`` and what the search wants of it, whatever its time range.

    A regular expression is left to the caller.
    """
    last = newest_id(environment_id)
    if last <= after:
        return News([], 0, after)
    rows = _narrowed(Entry.objects.filter(environment_id=environment_id, id__gt=after, id__lte=last), search)
    newest = list(rows.order_by("-id")[:most])[::-1]
    left_out = rows.count() - len(newest) if len(newest) == most else 0
    since = rows.order_by("id").values_list("at_ns", flat=True).first() if left_out else None
    return News(sorted(newest, key=lambda each: (each.at_ns, each.pk)), left_out, last, since or 0)


def requests(environment_id: int, search: Search) -> list[rules.PathSum]:
    """Requests in the search's span summed by method and path; but for the portal's own probes, which it may leave
    out, what narrows a search does not narrow this.
    """
    rows = Entry.objects.filter(
        environment_id=environment_id, at_ns__gte=search.from_ns, at_ns__lt=search.to_ns, status__isnull=False
    ).order_by()
    rows = _without_probes(rows) if search.hides_probes else rows
    counted = rows.values_list("method", "path", "status", "took_ms").annotate(count=Count("id"))
    return rules.sum_paths((m, p, s or 0, t or 0, count) for m, p, s, t, count in counted.iterator())


# --- what a page that asks "what is wrong?" needs ------------------------------------------------------------


def error_entries(environment: Environment, since: datetime, limit: int = 20) -> list[Entry]:
    """Entries of level error or worse since a moment (aware), newest first."""
    rows = Entry.objects.filter(
        environment=environment, level__gte=Level.ERROR, at_ns__gte=spans.nanoseconds(since)
    )
    return list(rows.order_by("-at_ns", "-id")[:limit])


def counts_by_level(environment: Environment, since: datetime) -> dict[Level, int]:
    """How many entries of each level there are since a moment; levels without one are left out."""
    rows = Entry.objects.filter(environment=environment, at_ns__gte=spans.nanoseconds(since)).order_by()
    return {Level(level): count for level, count in rows.values_list("level").annotate(count=Count("id"))}


def crash_lines(environment: Environment, since: datetime, limit: int = 20) -> list[Entry]:
    """What the platform said of crashes since a moment, newest first: who exited, with which status."""
    rows = Entry.objects.filter(
        _CRASH, environment=environment, level__gte=Level.ERROR, at_ns__gte=spans.nanoseconds(since)
    )
    return list(rows.order_by("-at_ns", "-id")[:limit])


def address(environment: Environment, since: datetime, level: str = "", layer: str = "") -> str:
    """The page that shows an environment's entries since a moment, of a level or worse, of a layer."""
    now = spans.nanoseconds(timezone.now())
    wanted = Search(spans.nanoseconds(since), now, preset="", level=level, layer=layer)
    return reverse("logs:search", args=[environment.name]) + wanted.address()
