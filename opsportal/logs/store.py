"""Every change of what is kept: claim a tail, keep entries, let go, forget the oldest. No call to the outside here."""

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from opsportal.kit.redaction import redact
from opsportal.logs import joining, levels, records, requests
from opsportal.logs.lines import GAP_LAYER, SECOND
from opsportal.logs.models import LONGEST_INSTANCE, LONGEST_LAYER, Entry, Tail
from opsportal.logs.place import Place

#: How long a killed worker keeps others from reading. A slow one that outlives it loses nothing: it writes nothing more.
LEASE_SECONDS = 20
#: Entries deleted in one transaction: no write holds the database for long. (One page of lines is inserted in one.)
DELETED_AT_ONCE = 2_000
MOST_INSTANCES, MOST_LAYERS = 100, 300


class LostTail(Exception):
    """Another worker reads this environment's log now: nothing of ours may be written any more."""


@dataclass
class Claim:
    """The right to read one environment's log, for a while. ``place`` and ``looked_ns``: as they are kept.

    ``fence``: what every write asks for; another claim has another one.
    """

    environment_id: int
    name: str
    source: str
    fence: int
    place: Place
    looked_ns: int
    idle_looks: int


def claim(environment_id: int, source: str) -> Claim | None:
    """Take the reading of an environment's log; None while another worker has it.

    A source that is new (the app was made anew) is read from its beginning.
    """
    now = timezone.now()
    Tail.objects.get_or_create(pk=environment_id)
    taken = Tail.objects.filter(_free(now), pk=environment_id).update(
        fence=F("fence") + 1, lease_until=now + timedelta(seconds=LEASE_SECONDS)
    )
    if not taken:
        return None
    row = Tail.objects.select_related("environment").get(pk=environment_id)
    return _claimed(row, source)


def claim_due(most: int, *, in_trouble: bool = False) -> list[Claim]:
    """Take the reading of up to ``most`` logs whose time has come, those that wait longest first.

    ``in_trouble``: of those that could not be read at the last look; otherwise of the others alone. What another
    worker takes at the same moment is left out.
    """
    now = timezone.now()
    due = Tail.objects.filter(_free(now), due_at__lte=now).exclude(environment__app_guid="")
    due = due.exclude(problem="") if in_trouble else due.filter(problem="")
    wanted = list(due.order_by("due_at").values_list("pk", flat=True)[:most])
    if not wanted:
        return []
    # One number that nobody else has for all of them: it tells which of them became ours.
    fence = secrets.randbits(62)
    taken = Tail.objects.filter(_free(now), pk__in=wanted).update(
        fence=fence, lease_until=now + timedelta(seconds=LEASE_SECONDS)
    )
    if not taken:
        return []
    rows = Tail.objects.filter(pk__in=wanted, fence=fence).order_by("due_at").select_related("environment")
    return [_claimed(row, row.environment.app_guid) for row in rows]


def _free(now: datetime) -> Q:
    return Q(lease_until__isnull=True) | Q(lease_until__lte=now)


def _claimed(row: Tail, source: str) -> Claim:
    if row.source != source:
        place, looked = Place(), 0
    else:
        place = Place(row.from_ns, row.last_ns, tuple((at, key) for at, key in row.seen))
        looked = row.looked_ns
    name = row.environment.name
    return Claim(row.environment_id, name, source, row.fence, place, looked, row.idle_looks)


def number_of_sources() -> int:
    """How many logs are read."""
    return Tail.objects.exclude(environment__app_guid="").count()


def keep(held: Claim, entries: Sequence[joining.Entry], place: Place) -> None:
    """Keep entries and the new place in one transaction. Raises :class:`LostTail`."""
    rows = [_row(held.environment_id, each) for each in entries]
    with transaction.atomic():
        tail = Tail.objects.select_for_update().filter(pk=held.environment_id, fence=held.fence).first()
        if tail is None:
            raise LostTail
        _insert(rows)
        tail.source, tail.from_ns, tail.last_ns = held.source, place.from_ns, place.last_ns
        tail.seen = [list(each) for each in place.seen]
        tail.kept_bytes += sum(row.size for row in rows)
        tail.lease_until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
        tail.layers = _with(tail.layers, (row.layer for row in rows), MOST_LAYERS)
        tail.instances = _with(tail.instances, (row.instance for row in rows), MOST_INSTANCES)
        tail.save()
    held.place = place


def note_gap(held: Claim, since_ns: int, until_ns: int) -> None:
    """Keep a notice where lines may be missing. Raises :class:`LostTail`."""
    took = max(1, round((until_ns - since_ns) / SECOND))
    text = (
        f"Lines may be missing here: the platform had forgotten up to {took} s of them before they were read."
    )
    entry = Entry(
        environment_id=held.environment_id, at_ns=since_ns + 1, layer=GAP_LAYER, instance="", level=levels.Level.WARNING,
        text=text, size=len(text),
    )  # fmt: skip
    with transaction.atomic():
        if not Tail.objects.filter(pk=held.environment_id, fence=held.fence).update(
            kept_bytes=F("kept_bytes") + entry.size
        ):
            raise LostTail
        entry.save()


def release(held: Claim, *, found: bool, next_seconds: float, read_to_end: bool, problem: str = "") -> None:
    """Let another worker read, and say when the next look is due."""
    now = timezone.now()
    values: dict[str, object] = {"looked_ns": time.time_ns()} if read_to_end else {}
    Tail.objects.filter(pk=held.environment_id, fence=held.fence).update(
        lease_until=None,
        due_at=now + timedelta(seconds=next_seconds),
        idle_looks=0 if found else held.idle_looks + 1,
        problem=problem[:500],
        **values,
    )


def release_silent(held: Sequence[Claim], *, next_seconds: float, looked_ns: int) -> None:
    """Let go of logs taken together that were read to their end at ``looked_ns`` or later and had nothing new."""
    for fence in {each.fence for each in held}:
        mine = [each.environment_id for each in held if each.fence == fence]
        Tail.objects.filter(pk__in=mine, fence=fence).update(
            lease_until=None,
            due_at=timezone.now() + timedelta(seconds=next_seconds),
            idle_looks=F("idle_looks") + 1,
            looked_ns=looked_ns,
            problem="",
        )


def forget_before(environment_id: int, at_ns: int) -> int:
    """Delete one chunk of entries older than a moment, the oldest first. Returns how many."""
    old = Entry.objects.filter(environment_id=environment_id, at_ns__lt=at_ns).order_by("at_ns")
    edge = old.values_list("at_ns", flat=True)[DELETED_AT_ONCE - 1 : DELETED_AT_ONCE].first()
    return _forget(environment_id, at_ns - 1 if edge is None else edge)


def forget_oldest(environment_id: int) -> int:
    """Delete one chunk of the oldest entries. Returns how many."""
    rows = Entry.objects.filter(environment_id=environment_id).order_by("at_ns")
    edge = rows.values_list("at_ns", flat=True)[DELETED_AT_ONCE - 1 : DELETED_AT_ONCE].first()
    last = edge if edge is not None else rows.values_list("at_ns", flat=True).last()
    return 0 if last is None else _forget(environment_id, last)


def _forget(environment_id: int, upto_ns: int) -> int:
    with transaction.atomic():
        Tail.objects.select_for_update().filter(pk=environment_id).first()
        rows = Entry.objects.filter(environment_id=environment_id, at_ns__lte=upto_ns)
        size = rows.aggregate(size=Sum("size"))["size"] or 0
        deleted, _ = rows.order_by().delete()
        Tail.objects.filter(pk=environment_id).update(kept_bytes=F("kept_bytes") - size)
    return deleted


class _Row(NamedTuple):
    """An entry's columns, in their order."""

    environment_id: int
    at_ns: int
    layer: str
    instance: str
    stream: str
    level: int
    lines: int
    size: int
    text: str
    method: str
    path: str
    status: int | None
    took_ms: int | None


def _insert(rows: Sequence[_Row]) -> None:
    """Thousands of lines come in a second: building model objects and statements would take longer than the rest."""
    quote = connection.ops.quote_name
    columns = ", ".join(quote(name) for name in _Row._fields)
    places = ", ".join(["%s"] * len(_Row._fields))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {quote(Entry._meta.db_table)} ({columns}) VALUES ({places})",  # noqa: S608 (our own names)
            rows,
        )


def _row(environment_id: int, entry: joining.Entry) -> _Row:
    """An entry as it is kept: secrets taken out, its level and, for a router's line, its request read."""
    first = entry.lines[0]
    text = redact(entry.text)
    request = requests.read(text) if first.layer == "RTR" else None
    record = records.read(text) if len(entry.lines) == 1 and first.layer != "RTR" else None
    return _Row(
        environment_id,
        entry.at_ns,
        first.layer[:LONGEST_LAYER],
        first.instance[:LONGEST_INSTANCE],
        first.stream,
        int(levels.of_entry(first.layer, text, record, request.status if request else None)),
        len(entry.lines),
        len(text.encode()),
        text,
        request.method if request else "",
        request.path if request else "",
        request.status if request else None,
        request.took_ms if request else None,
    )


def _with(known: list[str], more: Iterable[str], most: int) -> list[str]:
    """A short sorted list with what is new in it; beyond ``most`` it grows no more."""
    found = set(known) | set(more)
    return sorted(found)[:most] if len(found) > len(known) else known
