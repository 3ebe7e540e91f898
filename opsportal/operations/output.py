"""Reading an operation's output: chunks, search, a page of it, the whole as a file.

Lines are numbered from 1 without a gap and never change, so whatever was read once stays true.
On the wire a line is ``[number, moment, stream, step position, text]``.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from opsportal.kit.wording import plain
from opsportal.operations import registry
from opsportal.operations.models import Operation, Output

#: Lines in one answer, on one page without scripts, hits of one search, lines read at once for a download.
CHUNK, PAGE, HITS, BATCH = 500, 300, 5_000, 2_000

_COLUMNS = ("number", "at", "stream", "step", "text")

Line = tuple[int, str, str, int, str]


def lines_after(operation_id: UUID, after: int, limit: int = CHUNK, upto: int | None = None) -> list[Line]:
    """At most ``limit`` lines with numbers above ``after`` (and not above ``upto``), in order."""
    rows = Output.objects.filter(operation_id=operation_id, number__gt=after).order_by("number")
    if upto is not None:
        rows = rows.filter(number__lte=upto)
    return _lines(rows[: max(1, min(limit, CHUNK))])


@lru_cache(maxsize=256)
def chunk_as_json(operation_id: UUID, after: int, upto: int) -> tuple[str, int]:
    """Lines ``after`` < number ≤ ``upto`` as JSON, with the last number: read once for all who follow along."""
    lines = lines_after(operation_id, after, upto=upto)
    return json.dumps(lines, ensure_ascii=False, separators=(",", ":")), lines[-1][0] if lines else after


def search(operation_id: UUID, text: str) -> tuple[list[int], int]:
    """Numbers of the first :data:`HITS` lines that hold ``text`` in any case, and how many there are in all."""
    rows = Output.objects.filter(operation_id=operation_id, text__icontains=text).order_by("number")
    numbers = list(rows.values_list("number", flat=True)[: HITS + 1])
    total = len(numbers) if len(numbers) <= HITS else rows.count()
    return numbers[:HITS], total


def matching(operation_id: UUID, text: str) -> list[Line]:
    """The first lines that hold ``text``, for the page without scripts."""
    rows = Output.objects.filter(operation_id=operation_id, text__icontains=text).order_by("number")
    return _lines(rows[:PAGE])


def window(operation_id: UUID, count: int, around: int = 0) -> list[Line]:
    """One page of lines: around a line, or the last ones."""
    first = max(0, min(around - PAGE // 3, count - PAGE)) if around else max(0, count - PAGE)
    return lines_after(operation_id, first, PAGE, upto=first + PAGE)


def of_step(operation_id: UUID, step: int, limit: int) -> list[str]:
    """The last lines of one step, oldest first: what a failure's report shows."""
    rows = Output.objects.filter(operation_id=operation_id, step=step).order_by("-number")
    return [plain(text) for text in rows.values_list("text", flat=True)[:limit]][::-1]


def as_text(operation: Operation) -> Iterator[str]:
    """The whole output for a download, with a heading per step, read in batches."""
    titles = step_titles(operation)
    yield f"{registry.placed(operation.kind, operation.headline, operation.environment.name)}\noperation {operation.id}\n"
    after, step = 0, None
    while lines := lines_after(operation.id, after, CHUNK):
        text = []
        for number, at, stream, position, words in lines:
            if position != step:
                text.append(f"\n=== {titles.get(position, position)}\n")
                step = position
            text.append(f"{at} {stream:4} {words}\n")
            after = number
        yield "".join(text)


def step_titles(operation: Operation) -> dict[int, str]:
    """Step position → ``3. Build the assets``."""
    return {step.position: f"{step.position}. {step.title}" for step in operation.steps.all()}


def shown_lines(lines: list[Line], titles: dict[int, str], *, headings: bool = True) -> list[dict[str, Any]]:
    """Lines for the template, with a heading where a step begins."""
    shown, step = [], 0
    for number, at, stream, position, text in lines:
        heading = titles.get(position, "") if headings and position != step else ""
        step = position
        shown.append(
            {"number": number, "at": at, "stream": stream, "step": position, "text": text, "heading": heading}
        )
    return shown


def _lines(rows: QuerySet[Output]) -> list[Line]:
    return [
        (number, at.isoformat(timespec="milliseconds"), stream, step, plain(text))
        for number, at, stream, step, text in rows.values_list(*_COLUMNS)
    ]
