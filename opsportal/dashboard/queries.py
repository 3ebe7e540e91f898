"""What home and the environment page show, read from our own tables with few queries.

Home is measured: 300 environments and 10,000 operations in at most 12 queries.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Case, IntegerField, OuterRef, Subquery, Value, When
from django.utils import timezone

from opsportal.accounts.models import Person
from opsportal.environments.models import Environment, EnvironmentKind, GitCommit, Health, Repository
from opsportal.kit import wording
from opsportal.operations import report
from opsportal.operations.models import UNDER_WAY, Operation, State

UNDER_WAY_SHOWN = 12
TRAIN = (EnvironmentKind.DEVELOPMENT, EnvironmentKind.STAGING, EnvironmentKind.STABLE)
UNWELL = (Health.DEGRADED, Health.DOWN)


@dataclass(slots=True)
class Row:
    """One environment on home, in words that the template only has to print."""

    name: str
    kind: str
    health: str
    drift: str
    ref: str
    commit: str
    subject: str
    who: str
    at: datetime | None
    instances: str
    trouble: str
    owner: str
    address: str
    url: str = ""
    operation_url: str = ""
    last_state: str = ""
    last_url: str = ""
    owner_username: str = ""


@dataclass(slots=True)
class UnderWay:
    """One operation under way: what, where, how far."""

    headline: str
    environment: str
    environment_url: str
    url: str
    state: str
    words: str
    share: int | None
    left: str


@dataclass(slots=True)
class Home:
    """Home's content: the train's stations, the sandboxes that the filter leaves, what is under way."""

    stations: list[Row] = field(default_factory=list)
    sandboxes: list[Row] = field(default_factory=list)
    under_way: list[UnderWay] = field(default_factory=list)
    under_way_more: int = 0
    needs: list[UnderWay] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    repository: Repository | None = None
    head_subject: str = ""


def home(person: Person, text: str, only: str) -> Home:
    """Everything on home. ``text`` searches names, refs and people; ``only``: mine, drifted or failed."""
    rows = [row_of(each) for each in _environments()]
    _add_last_operations(rows)
    sandboxes = [row for row in rows if row.kind == EnvironmentKind.SANDBOX]
    under_way = Operation.objects.filter(state__in=UNDER_WAY).count()
    repository = Repository.objects.filter(pk=1).first()
    found = Home(
        stations=sorted((row for row in rows if row.kind in TRAIN), key=lambda row: TRAIN.index(row.kind)),  # type: ignore[arg-type]
        sandboxes=[row for row in sandboxes if _matches(row, text) and _is(only, row, person)],
        under_way=_under_way((State.WAITING, State.RUNNING)) if under_way else [],
        needs=_under_way((State.NEEDS_YOU, State.UNKNOWN)) if under_way else [],
        counts={
            name: sum(_is(name, row, person) for row in sandboxes)
            for name in ("", "mine", "drifted", "failed")
        },
        repository=repository,
    )
    found.under_way_more = max(0, under_way - len(found.under_way) - len(found.needs))
    if repository is not None and repository.head:
        subject = GitCommit.objects.filter(sha=repository.head).values_list("subject", flat=True).first()
        found.head_subject = subject or ""
    return found


def headline(found: Home) -> str:
    """The answer to "is all well?", in one sentence."""
    everything = [*found.stations, *found.sandboxes]
    down = [row.name for row in everything if row.health in UNWELL]
    drifted = [row.name for row in everything if row.drift]
    said = []
    if found.needs:
        said.append(f"{wording.count(len(found.needs), 'operation needs', 'operations need')} somebody")
    if down:
        said.append(f"{_names(down)} {'is' if len(down) == 1 else 'are'} not well")
    if drifted:
        said.append(f"{_names(drifted)} {'has' if len(drifted) == 1 else 'have'} drifted")
    if not everything:
        return "No environment is known yet."
    return (
        "; ".join(said) if said else f"All {wording.count(len(everything), 'environment')} look well"
    ) + "."


def _names(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"


def _environments() -> Iterable[Environment]:
    deferred = ("instances", "services", "refresh_problem", "manifest_problem", "app_ref", "app_health")
    return Environment.objects.select_related("owner").defer(*deferred).order_by("name")


def row_of(environment: Environment) -> Row:
    """An environment as home shows it. Addresses are written out: 300 rows would reverse them 900 times."""
    base = f"/environments/{environment.name}/"
    runs = environment.app_commit or environment.platform_commit or environment.deployed_commit
    return Row(
        name=environment.name,
        kind=environment.kind,
        health=environment.health,
        drift=environment.drift,
        ref=environment.platform_ref or environment.deployed_ref,
        commit=runs,
        subject=environment.deployed_subject if environment.deployed_commit == runs else "",
        who=environment.deployed_by,
        at=environment.deployed_at,
        instances=f"{environment.instances_running}/{environment.instances_wanted}",
        trouble=environment.last_crash if environment.health in UNWELL else "",
        owner=str(environment.owner) if environment.owner else "",
        owner_username=environment.owner.username if environment.owner else "",
        address=environment.routes[0] if environment.routes else "",
        url=base,
        operation_url=f"/operations/{environment.deployed_operation}/"
        if environment.deployed_operation
        else base,
    )


def _add_last_operations(rows: list[Row]) -> None:
    newest = Operation.objects.filter(environment=OuterRef("pk")).order_by("-created_at").values("id")[:1]
    ids = Environment.objects.annotate(newest=Subquery(newest)).order_by().values_list("newest", flat=True)
    found = Operation.objects.filter(id__in=list(ids)).order_by()
    last: dict[str, tuple[str, UUID]] = {
        name: (state, id_) for name, state, id_ in found.values_list("environment__name", "state", "id")
    }
    for row in rows:
        if row.name in last:
            row.last_state, id_ = last[row.name]
            row.last_url = f"/operations/{id_}/"


def _matches(row: Row, text: str) -> bool:
    lower = text.lower()
    return any(
        lower in part.lower() for part in (row.name, row.ref, row.who, row.owner)
    ) or row.commit.startswith(lower)


def _is(only: str, row: Row, person: Person) -> bool:
    if only == "mine":
        return person.username in {row.owner_username, row.who}
    if only == "drifted":
        return bool(row.drift)
    if only == "failed":
        return row.last_state == State.FAILED or row.health in UNWELL
    return True


def _under_way(states: tuple[str, ...]) -> list[UnderWay]:
    """The first few under way in those states; what holds its environment before what waits."""
    rows = Operation.objects.filter(state__in=states).select_related("environment").prefetch_related("steps")
    waits = Case(When(state=State.WAITING, then=Value(1)), default=Value(0), output_field=IntegerField())
    return [progress(each) for each in rows.order_by(waits, "created_at")[:UNDER_WAY_SHOWN]]


def progress(operation: Operation) -> UnderWay:
    """How far an operation is. Costs no query when its steps and environment are there."""
    now = timezone.now()
    steps = list(operation.steps.all())
    usual = report.usual_seconds(operation.kind)
    left = report.seconds_left(steps, usual, now) if operation.state == State.RUNNING else None
    total = sum(usual.get(each.name, 0.0) for each in steps)
    current = next((each for each in steps if each.state in {*report.MOVING, "needs_you", "unknown"}), None)
    return UnderWay(
        headline=operation.headline,
        environment=operation.environment.name,
        environment_url=f"/environments/{operation.environment.name}/",
        url=f"/operations/{operation.id}/",
        state=operation.state,
        words=f"step {current.position} of {len(steps)}: {current.title}" if current else "waits its turn",
        share=round(min(0.97, 1 - left / total) * 100) if left is not None and total else None,
        left=f"about {wording.duration(left)} left" if left and left >= 1 else "",
    )
