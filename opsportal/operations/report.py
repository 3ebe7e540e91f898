"""What the page of one operation says: its headline, its steps against their usual time, what to do next."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any, Protocol

from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from opsportal.accounts.models import Person
from opsportal.kit import wording
from opsportal.operations import equal_lines, output, queries, registry
from opsportal.operations.models import Operation, State, Step, StepState, WhoseMove

#: Earlier runs that "usually" is the median of, and for how many seconds that is remembered.
EARLIER_RUNS, REMEMBERED_SECONDS = 15, 30
#: A step is longer than usual when it took half as long again, and these seconds at least.
LONGER, LONGER_SECONDS = 1.5, 3.0
FAILURE_LINES = 20

MOVING = {StepState.RUNNING, StepState.WAITING}
OPEN = {StepState.PENDING, *MOVING}

MOVES = {
    WhoseMove.YOURS: "It is your move: the change or what it names has to be mended.",
    WhoseMove.OURS: "It is the portal's fault, not yours.",
    WhoseMove.PLATFORM: "It is the platform's fault, not yours.",
    WhoseMove.CANCELLED: "",
}


@dataclass(frozen=True)
class StepView:
    """A step as the template shows it. ``share`` is 0 to 100; ``left`` words for the time left.

    A step that waits for the platform is called running: it is, for whoever watches.
    """

    position: int
    title: str
    state: str
    attempt: int
    detail: str
    started_at: datetime | None
    seconds: float | None
    usual: float | None
    share: int | None
    left: str

    @property
    def is_moving(self) -> bool:
        """Whether its time still counts."""
        return self.state in MOVING

    @property
    def usual_words(self) -> str:
        """How long it usually takes."""
        return wording.duration(self.usual) if self.usual and self.usual >= 1 else ""


def usual_seconds(kind: str) -> dict[str, float]:
    """Step name → median seconds over the last runs that succeeded; steps that never ran are missing."""
    key = f"usual-seconds:{kind}"
    known: dict[str, float] | None = cache.get(key)
    if known is None:
        known = _measure(kind)
        cache.set(key, known, REMEMBERED_SECONDS)
    return known


def _measure(kind: str) -> dict[str, float]:
    recent = Operation.objects.filter(kind=kind, state=State.SUCCEEDED).order_by("-ended_at")
    ids = list(recent.values_list("id", flat=True)[:EARLIER_RUNS])
    taken = defaultdict(list)
    rows = Step.objects.filter(operation_id__in=ids, state=StepState.SUCCEEDED).order_by()
    for name, started, ended in rows.values_list("name", "started_at", "ended_at"):
        if started and ended:
            taken[name].append((ended - started).total_seconds())
    return {name: median(seconds) for name, seconds in taken.items()}


class Stage(Protocol):
    """A step as far as its time goes."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def started_at(self) -> datetime | None: ...


def seconds_left(steps: Sequence[Stage], usual: Mapping[str, float], now: datetime) -> float | None:
    """How long an operation still takes if it goes as usual; None when nothing is known, or it does not."""
    known = [each for each in steps if each.state in OPEN and each.name in usual]
    if not known:
        return None
    left = 0.0
    for each in known:
        passed = (now - each.started_at).total_seconds() if each.started_at else 0.0
        if each.state in MOVING and is_longer(passed, usual[each.name]):
            return None
        left += max(0.0, usual[each.name] - passed)
    return left


def is_longer(passed: float, usual: float) -> bool:
    """Whether a step that began ``passed`` seconds ago takes clearly longer than usual."""
    return passed > max(usual * LONGER, usual + LONGER_SECONDS)


def usual_total(kind: str, params: dict[str, Any]) -> float | None:
    """How long a new operation usually takes, in seconds. A step whose own parameter says no is left out."""
    usual = usual_seconds(kind)
    return sum(value for name, value in usual.items() if params.get(name) is not False) or None


def step_views(operation: Operation, steps: list[Step], now: datetime) -> list[StepView]:
    """The steps for the template."""
    usual, kind = usual_seconds(operation.kind), registry.kind(operation.kind)
    limits = {each.name: each.limit for each in (*kind.steps, *kind.tidy)} if kind else {}
    return [_step_view(each, usual.get(each.name), limits.get(each.name), now) for each in steps]


def _step_view(step: Step, usual: float | None, limit: float | None, now: datetime) -> StepView:
    passed = (now - step.started_at).total_seconds() if step.started_at else 0.0
    share = step.progress
    if share is None and usual and step.state in MOVING:
        share = min(passed / usual, 0.97)
    left = _left(passed, usual, limit) if usual and step.state in MOVING else ""
    return StepView(
        position=step.position,
        title=step.title,
        state=StepState.RUNNING if step.state == StepState.WAITING else step.state,
        attempt=step.attempt,
        detail=step.detail,
        started_at=step.started_at,
        seconds=step.seconds,
        usual=usual,
        share=None if share is None else round(share * 100),
        left=left,
    )


def _left(passed: float, usual: float, limit: float | None) -> str:
    """Words for the time a step still takes; once it is longer than usual, when it is given up at the latest."""
    if usual - passed >= 1:
        return f"about {wording.duration(usual - passed)} left"
    if not is_longer(passed, usual):
        return ""
    return "longer than usual" + (
        f"; given up after {wording.duration(limit)} at the latest" if limit else ""
    )


def page(operation: Operation, person: Person) -> dict[str, Any]:
    """Everything above the output: the template's context, and the fragment's."""
    now = timezone.now()
    steps = list(operation.steps.all())
    current = next(
        (each for each in steps if each.state in {*MOVING, StepState.NEEDS_YOU, StepState.UNKNOWN}), None
    )
    failed = next((each for each in steps if each.state == StepState.FAILED), None)
    kind = registry.kind(operation.kind)
    left = None if operation.is_ended else seconds_left(steps, usual_seconds(operation.kind), now)
    return {
        "operation": operation,
        "preposition": registry.preposition(operation.kind),
        "kind_title": kind.title if kind else operation.kind,
        "again": _again(operation),
        "steps": step_views(operation, steps, now),
        "current": current,
        "step_count": sum(not each.tidy for each in steps),
        "left": wording.duration(left) if left and left >= 1 else "",
        "took": took(operation),
        "ahead": queries.position_in_queue(operation),
        "question": current.memo.get("question")
        if current and current.state == StepState.NEEDS_YOU
        else None,
        "failed": failed,
        "last_words": output.of_step(operation.id, failed.position, FAILURE_LINES) if failed else [],
        "move": MOVES.get(WhoseMove(operation.whose_move), "") if operation.whose_move else "",
        "may_cancel": queries.may_cancel(operation, person),
        "may_retry": queries.may_retry(operation, person),
        "cancel_words": _cancel_words(operation),
        "yours": operation.whose_move == WhoseMove.YOURS and operation.state == State.FAILED,
        "never_began": operation.state == State.CANCELLED and not any(each.started_at for each in steps),
        "stopped": operation.state in {State.FAILED, State.CANCELLED, State.UNKNOWN},
        "lines": "\n".join(
            equal_lines.for_operation(
                operation.kind, operation.environment, operation.params | _size_before(operation)
            )
        ),
    }


def _again(operation: Operation) -> tuple[str, str]:
    """Address and words of asking for the same once more, where it did not come to a good end; else empty."""
    kind = registry.kind(operation.kind)
    if kind is None or operation.state not in {State.FAILED, State.CANCELLED}:
        return "", ""
    if kind.name == "deploy":
        ref = {name: str(operation.params.get(name) or "") for name in ("ref", "ref_kind")}
        address = f"{reverse('operations:deploy', args=[operation.environment.name])}?{urlencode(ref)}"
    else:
        asking = reverse("operations:ask", args=[operation.environment.name, kind.name])
        address = f"{asking}?{urlencode({'again': str(operation.id)})}"
    changes = operation.state == State.FAILED and kind.form_parameters
    return address, "Run again with changes…" if changes else "Again…"


def _size_before(operation: Operation) -> dict[str, Any]:
    """The size it was scaled from, which the environment's row no longer tells."""
    return (
        {"before": operation.facts["before"]}
        if operation.kind == "scale" and "before" in operation.facts
        else {}
    )


def _cancel_words(operation: Operation) -> str:
    """What a cancel does here and now, before it is confirmed."""
    place = operation.environment
    if operation.state == State.WAITING and operation.started_at is None:
        return "It has not begun: it leaves the queue, and nothing was changed."
    puts_back = "It stops as soon as its step can be left safely, and puts back what it changed."
    if not (place.app_commit or place.platform_commit or place.deployed_commit):
        return f"{puts_back} Nothing served on {place.name} before, so nothing will."
    return f"{puts_back} The version that serves now keeps serving."


def took(operation: Operation) -> float | None:
    """Seconds from its start to its end; None before it has ended, or when it never started."""
    if operation.started_at is None or operation.ended_at is None:
        return None
    return (operation.ended_at - operation.started_at).total_seconds()


def output_view(operation: Operation, line: int, text: str) -> dict[str, Any]:
    """The output viewer's context: the lines in the page, and where to find the others without scripts."""
    titles = output.step_titles(operation)
    count = operation.output_count
    lines = output.matching(operation.id, text) if text else output.window(operation.id, count, line)
    first, last = (lines[0][0], lines[-1][0]) if lines else (0, 0)
    address = reverse("operations:operation", args=[operation.id])
    pages = []
    if not text and first > 1:
        pages += [
            ("First", f"{address}?line=1"),
            ("Earlier", f"{address}?line={max(1, first - output.PAGE // 2)}"),
        ]
    if not text and last < count:
        pages += [("Later", f"{address}?line={last + output.PAGE // 2}"), ("Last", address)]
    return {
        "lines": output.shown_lines(lines, titles, headings=not text),
        "last": count,
        "total": count,
        "url": reverse("operations:output", args=[operation.id]),
        "download": reverse("operations:download", args=[operation.id]),
        "titles": json.dumps(titles),
        "follow": not operation.is_ended and not line and not text,
        "search": text,
        "shown": f"Lines {first:,} to {last:,} of {count:,}." if not text else f"Lines that hold “{text}”.",
        "pages": pages,
        "nothing": "It printed nothing."
        if operation.is_ended
        else "Nothing is printed yet; lines appear here as they come.",
    }
