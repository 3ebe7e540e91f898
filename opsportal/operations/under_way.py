"""What is under way, and how far: the lines that home and the page of an environment show."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.utils import timezone

from opsportal.environments.models import Environment
from opsportal.kit import wording
from opsportal.operations import report
from opsportal.operations.models import UNDER_WAY, Operation, State, Step, StepState

NEEDS_SOMEBODY = (State.NEEDS_YOU, State.UNKNOWN)
#: Where an operation that runs stands: the first of its steps in one of these.
CURRENT = frozenset({*report.MOVING, StepState.NEEDS_YOU, StepState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One operation under way: what, where, how far. ``share`` is 0 to 100, or None when nothing is known."""

    headline: str
    environment: str
    environment_url: str
    url: str
    state: str
    words: str
    share: int | None
    left: str


class _Moving(NamedTuple):
    id: UUID
    headline: str
    kind: str
    state: str
    environment: str


class _Stage(NamedTuple):
    position: int
    name: str
    title: str
    state: str
    started_at: datetime | None


class Overview(NamedTuple):
    """The first of all that is under way, what needs somebody apart; ``more``: how many are not in either."""

    moving: list[UnderWay]
    needs: list[UnderWay]
    more: int


def everywhere(shown: int) -> Overview:
    """At most ``shown`` of each; what holds its environment comes before what waits. Two queries, or one."""
    rows = _rows(Operation.objects.all())
    needs = [each for each in rows if each.state in NEEDS_SOMEBODY][:shown]
    moving = [each for each in rows if each.state not in NEEDS_SOMEBODY][:shown]
    told = iter(_progress([*moving, *needs]))
    first = [next(told) for _ in moving]
    return Overview(first, list(told), len(rows) - len(moving) - len(needs))


def of_environment(environment: Environment) -> list[UnderWay]:
    """What runs on one environment, and what waits behind it, in order."""
    return _progress(_rows(Operation.objects.filter(environment=environment)))


def _rows(operations: QuerySet[Operation]) -> list[_Moving]:
    waits = Case(When(state=State.WAITING, then=Value(1)), default=Value(0), output_field=IntegerField())
    rows = operations.filter(state__in=UNDER_WAY).order_by(waits, "created_at", "id")
    return [_Moving(*row) for row in rows.values_list("id", "headline", "kind", "state", "environment__name")]


def _progress(operations: Sequence[_Moving]) -> list[UnderWay]:
    usual = {kind: report.usual_seconds(kind) for kind in {each.kind for each in operations}}
    steps, now = _steps([each.id for each in operations]), timezone.now()
    return [_one(each, steps[each.id], usual[each.kind], now) for each in operations]


def _steps(operations: Iterable[UUID]) -> Mapping[UUID, list[_Stage]]:
    found: dict[UUID, list[_Stage]] = defaultdict(list)
    if keys := list(operations):
        rows = Step.objects.filter(operation_id__in=keys).order_by("operation_id", "position")
        for operation, *rest in rows.values_list("operation_id", *_Stage._fields):
            found[operation].append(_Stage(*rest))
    return found


def _one(operation: _Moving, steps: list[_Stage], usual: Mapping[str, float], now: datetime) -> UnderWay:
    left = report.seconds_left(steps, usual, now) if operation.state == State.RUNNING else None
    total = sum(usual.get(each.name, 0.0) for each in steps)
    current = next((each for each in steps if each.state in CURRENT), None)
    return UnderWay(
        headline=operation.headline,
        environment=operation.environment,
        environment_url=f"/environments/{operation.environment}/",
        url=f"/operations/{operation.id}/",
        state=operation.state,
        words=f"step {current.position} of {len(steps)}: {current.title}" if current else "waits its turn",
        share=round(min(0.97, 1 - left / total) * 100) if left is not None and total else None,
        left=f"about {wording.duration(left)} left" if left and left >= 1 else "",
    )
