"""What home and the environment page show, read from our own tables with few queries.

Home is measured: 300 environments and 10,000 operations in at most 12 queries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import Case, IntegerField, OuterRef, Prefetch, Subquery, Value, When
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from opsportal.accounts import queries as accounts
from opsportal.accounts import rules as permissions
from opsportal.accounts.models import Person
from opsportal.environments.models import Environment, EnvironmentKind, GitCommit, Health, Repository
from opsportal.kit import wording
from opsportal.operations import report
from opsportal.operations.models import UNDER_WAY, Operation, State, Step

UNDER_WAY_SHOWN = 12
TRAIN: tuple[str, ...] = (EnvironmentKind.DEVELOPMENT, EnvironmentKind.STAGING, EnvironmentKind.STABLE)
UNWELL: tuple[str, ...] = (Health.DEGRADED, Health.DOWN)


class Row(NamedTuple):
    """One environment on home, in words that the template only has to print.

    It is its own key: a row that says the same is not rendered again (:func:`row_html`).
    """

    name: str
    kind: str
    health: str
    health_word: str
    drift: str
    ref: str
    commit: str
    subject: str
    who: str
    at: datetime | None
    instances: str
    trouble: str
    owner: str
    owner_username: str
    url: str
    operation_url: str
    failed_url: str
    may_deploy: bool

    @property
    def holds_nothing(self) -> bool:
        """Whether nothing was ever brought there, as far as anybody can tell."""
        return not (self.commit or self.failed_url) and self.health == Health.UNKNOWN


@lru_cache(maxsize=4096)
def row_html(row: Row, ago: str, zone: str) -> SafeString:
    """A row of home's table, kept while it says the same: 300 of them would cost 100 ms each time.

    ``ago`` and ``zone`` are what the template shows besides the row itself.
    """
    return render_to_string("components/environment_row.html", {"row": row})


def table_html(rows: list[Row]) -> SafeString:
    """All rows of the table, in the viewer's zone."""
    now, zone = timezone.now(), timezone.get_current_timezone_name()
    return SafeString(
        "".join(row_html(row, wording.ago(row.at, now) if row.at else "", zone) for row in rows)
    )


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
    """Home's content: the stations and sandboxes that the search leaves, what is under way.

    ``everything``: every environment, whatever is searched for; the headline is about these.
    """

    everything: list[Row] = field(default_factory=list)
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
    rows = _rows(person)
    sandboxes = [row for row in rows if row.kind == EnvironmentKind.SANDBOX]
    under_way = Operation.objects.filter(state__in=UNDER_WAY).count()
    repository = Repository.objects.filter(pk=1).first()
    found = Home(
        everything=rows,
        stations=sorted(
            (row for row in rows if row.kind in TRAIN and _matches(row, text)),
            key=lambda row: TRAIN.index(row.kind),
        ),
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
    """The answer to "is all well?", in one sentence. It is about every environment, whatever is searched for."""
    rows = found.everything
    if not rows:
        return "No environment is known yet."
    said = []
    if found.needs:
        said.append(f"{wording.count(len(found.needs), 'operation needs', 'operations need')} somebody")
    said += _troubles(rows)
    well = sum(row.health == Health.HEALTHY for row in rows)
    if not said and well:
        said.append(f"All {well} environments in use look well" if well > 1 else "The one in use looks well")
    if empty := sum(row.holds_nothing for row in rows):
        said.append(f"{wording.count(empty, 'environment holds', 'environments hold')} nothing yet")
    return "; ".join(said) + "."


def _troubles(rows: list[Row]) -> list[str]:
    """What is not as it should be, worst first; each environment is named once for its health."""
    down = [row.name for row in rows if row.health in UNWELL]
    stopped = [row.name for row in rows if row.health == Health.STOPPED]
    silent = [row.name for row in rows if row.health == Health.UNKNOWN and row.commit]
    failed = [row.name for row in rows if row.failed_url and row.health not in UNWELL]
    drifted = [row.name for row in rows if row.drift]
    found = (
        (down, "is not well", "are not well"),
        (failed, "had its last operation fail", "had their last operation fail"),
        (stopped, "is stopped", "are stopped"),
        (drifted, "has drifted", "have drifted"),
        (silent, "could not be looked at", "could not be looked at"),
    )
    return [f"{_names(names)} {one if len(names) == 1 else many}" for names, one, many in found if names]


def named(text: str) -> str:
    """The name of the environment that ``text`` names, in whatever case; empty when there is none."""
    return Environment.objects.filter(name__iexact=text).values_list("name", flat=True).first() or ""


def _names(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"


_COLUMNS = (
    *(
        "name",
        "kind",
        "health",
        "refreshed_at",
        "app_guid",
        "drift",
        "platform_ref",
        "deployed_ref",
        "app_commit",
        "platform_commit",
    ),
    *(
        "deployed_commit",
        "deployed_subject",
        "deployed_by",
        "deployed_at",
        "deployed_operation",
        "last_crash",
    ),
    *("instances_running", "instances_wanted", "owner__name", "owner__username", "newest"),
    "newest_state",
)


def _rows(person: Person) -> list[Row]:
    newest = Operation.objects.filter(environment=OuterRef("pk")).order_by("-created_at")
    known = Environment.objects.annotate(
        newest=Subquery(newest.values("id")[:1]), newest_state=Subquery(newest.values("state")[:1])
    )
    rows, actor = known.order_by("name").values(*_COLUMNS), accounts.actor_for(person)
    return [_row(each, actor, failed=each["newest_state"] == State.FAILED) for each in rows]


def _row(seen: Mapping[str, Any], actor: permissions.Actor, *, failed: bool) -> Row:
    """An environment as home shows it. Addresses are written out: 300 rows would reverse them 900 times."""
    runs = seen["app_commit"] or seen["platform_commit"] or seen["deployed_commit"]
    place = permissions.Place(seen["name"], seen["kind"], seen["owner__username"])
    url, operation = f"/environments/{seen['name']}/", seen["deployed_operation"]
    return Row(
        name=seen["name"],
        kind=seen["kind"],
        health=seen["health"],
        health_word="Empty" if seen["refreshed_at"] and not seen["app_guid"] else "",
        drift=seen["drift"],
        ref=seen["platform_ref"] or seen["deployed_ref"],
        commit=runs,
        subject=seen["deployed_subject"] if seen["deployed_commit"] == runs else "",
        who=seen["deployed_by"],
        at=seen["deployed_at"],
        instances=f"{seen['instances_running']}/{seen['instances_wanted']}",
        trouble=seen["last_crash"] if seen["health"] in UNWELL else "",
        owner=seen["owner__name"] or seen["owner__username"] or "",
        owner_username=seen["owner__username"] or "",
        url=url,
        operation_url=f"/operations/{operation}/" if operation else url,
        failed_url=f"/operations/{seen['newest']}/" if failed else "",
        may_deploy=permissions.may(actor, permissions.Permission.DEPLOY, place).allowed,
    )


def _matches(row: Row, text: str) -> bool:
    lower = text.lower()
    return any(
        lower in part.lower() for part in (row.name, row.ref, row.who, row.owner)
    ) or row.commit.startswith(lower)


def _is(only: str, row: Row, person: Person) -> bool:
    if only == "mine":
        return person.username == row.owner_username or row.who in {person.username, person.name}
    if only == "drifted":
        return bool(row.drift)
    if only == "failed":
        return bool(row.failed_url) or row.health in UNWELL
    return True


def _under_way(states: tuple[str, ...]) -> list[UnderWay]:
    """The first few under way in those states; what holds its environment before what waits."""
    columns = ("operation_id", "position", "name", "title", "state", "started_at")
    steps = Prefetch("steps", queryset=Step.objects.only(*columns).order_by("position"))
    rows = Operation.objects.filter(state__in=states).select_related("environment").prefetch_related(steps)
    waits = Case(When(state=State.WAITING, then=Value(1)), default=Value(0), output_field=IntegerField())
    found = list(rows.order_by(waits, "created_at")[:UNDER_WAY_SHOWN])
    usual = {kind: report.usual_seconds(kind) for kind in {each.kind for each in found}}
    return [progress(each, usual[each.kind]) for each in found]


def progress(operation: Operation, usual: Mapping[str, float]) -> UnderWay:
    """How far an operation is. ``usual``: seconds of each step in earlier runs."""
    now = timezone.now()
    steps = list(operation.steps.all())
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
