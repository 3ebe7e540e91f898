"""What home shows, read from our own tables with few queries.

Home is measured: 300 environments and 10,000 operations in at most 12 queries and 50 ms.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from opsportal.accounts import queries as accounts
from opsportal.accounts import rules as permissions
from opsportal.accounts.queries import Person
from opsportal.bugs import queries as bugs
from opsportal.bugs.queries import Need
from opsportal.environments import holds
from opsportal.environments import queries as environments
from opsportal.environments.queries import EnvironmentKind, Head, Health, Seen
from opsportal.kit import wording
from opsportal.operations import queries as operations
from opsportal.operations import under_way
from opsportal.operations.under_way import Overview

UNDER_WAY_SHOWN = 12
NEEDS_SHOWN = 6
TRAIN: tuple[str, ...] = (EnvironmentKind.DEVELOPMENT, EnvironmentKind.STAGING, EnvironmentKind.STABLE)
UNWELL: frozenset[str] = frozenset({Health.DEGRADED, Health.DOWN})


class Row(NamedTuple):
    """One environment on home, in words that the template only has to print.

    It is its own key: a row that says the same is not rendered again (:func:`row_html`).
    """

    name: str
    kind: str
    health: str
    health_word: str
    drift: str
    held: str
    ref: str
    commit: str
    subject: str
    who: str
    at: datetime | None
    instances: str
    trouble: str
    owner: str
    owner_username: str
    deployed_operation: str
    failed_operation: UUID | None
    may_deploy: bool

    @property
    def url(self) -> str:
        """The environment's page. Addresses are written out: 300 rows would reverse them 900 times."""
        return f"/environments/{self.name}/"

    @property
    def operation_url(self) -> str:
        """The operation that brought what runs, or the environment's page."""
        return f"/operations/{UUID(self.deployed_operation)}/" if self.deployed_operation else self.url

    @property
    def failed_url(self) -> str:
        """The newest operation, if it failed."""
        return f"/operations/{self.failed_operation}/" if self.failed_operation else ""

    @property
    def holds_nothing(self) -> bool:
        """Whether nothing was ever brought there, as far as anybody can tell."""
        return not (self.commit or self.failed_operation) and self.health == Health.UNKNOWN


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
class Home:
    """Home's content: the stations and sandboxes that the search leaves, what is under way, what waits for the viewer.

    ``everything``: every environment, whatever is searched for; the headline is about these.
    """

    everything: list[Row] = field(default_factory=list)
    stations: list[Row] = field(default_factory=list)
    sandboxes: list[Row] = field(default_factory=list)
    under_way: Overview = field(default_factory=lambda: Overview([], [], 0))
    needs: list[Need] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    repository: Head | None = None

    @property
    def needs_shown(self) -> list[tuple[Need, str]]:
        """What waits for the viewer, the most urgent first, each with the word of its button."""
        return [(each, _DOING.get(each.kind, "Open")) for each in self.needs[:NEEDS_SHOWN]]

    @property
    def needs_more(self) -> int:
        """How many of them are not shown."""
        return max(0, len(self.needs) - NEEDS_SHOWN)


#: What waits → the button that leads to it.
_DOING = {"consent": "Decide", "assign": "Assign", "volunteer": "Look", "review": "Review", "fix": "Open"}


def home(person: Person, text: str, only: str) -> Home:
    """Everything on home. ``text`` searches names, refs and people; ``only``: mine, drifted or failed."""
    going = under_way.everywhere(UNDER_WAY_SHOWN)
    changing = {each.environment for each in going.moving if each.state == operations.State.RUNNING}
    # While something is brought there the witnesses differ because of it; "under way" says so.
    rows = [row._replace(drift="") if row.drift and row.name in changing else row for row in _rows(person)]
    me = frozenset({person.username, person.name})
    sandboxes = [row for row in rows if row.kind == EnvironmentKind.SANDBOX]
    stations = (row for row in rows if row.kind in TRAIN and _matches(row, text))
    return Home(
        everything=rows,
        stations=sorted(stations, key=lambda row: TRAIN.index(row.kind)),
        sandboxes=[row for row in sandboxes if _matches(row, text) and _is(only, row, me)],
        under_way=going,
        needs=bugs.needs(person),
        counts={
            name: sum(_is(name, row, me) for row in sandboxes) for name in ("", "mine", "drifted", "failed")
        },
        repository=environments.head(),
    )


def headline(found: Home) -> str:
    """The answer to "is all well?", in one sentence. It is about every environment, whatever is searched for."""
    rows = found.everything
    if not rows:
        return "No environment is known yet."
    said = []
    if needs := len(found.under_way.needs):
        said.append(f"{wording.count(needs, 'operation needs', 'operations need')} somebody")
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
    failed = [row.name for row in rows if row.failed_operation and row.health not in UNWELL]
    drifted = [row.name for row in rows if row.drift]
    held = [row.name for row in rows if row.held]
    found = (
        (down, "is not well", "are not well"),
        (failed, "had its last operation fail", "had their last operation fail"),
        (stopped, "is stopped", "are stopped"),
        (held, "is held", "are held"),
        (drifted, "has drifted", "have drifted"),
        (silent, "could not be looked at", "could not be looked at"),
    )
    return [f"{_names(names)} {one if len(names) == 1 else many}" for names, one, many in found if names]


def _names(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"


def _rows(person: Person) -> list[Row]:
    actor, failed, held = accounts.actor_for(person), operations.last_failed(), holds.names_held()
    allowed: dict[
        tuple[str, bool], bool
    ] = {}  # what may be done depends on an environment's kind and owner alone
    rows = []
    for seen in environments.overview():
        key = (seen.kind, seen.owner_username == actor.username)
        if key not in allowed:
            place = permissions.Place(seen.name, seen.kind, seen.owner_username or None)
            allowed[key] = permissions.may(actor, permissions.Permission.DEPLOY, place).allowed
        rows.append(_row(seen, failed.get(seen.name), held.get(seen.name, ""), may_deploy=allowed[key]))
    return rows


def _row(seen: Seen, failed: UUID | None, held: str, *, may_deploy: bool) -> Row:
    """An environment as home shows it."""
    runs = seen.runs
    return Row(
        name=seen.name,
        kind=seen.kind,
        health=seen.health,
        health_word=seen.health_word,
        drift=seen.drift,
        held=held,
        ref=seen.platform_ref or seen.deployed_ref,
        commit=runs,
        subject=seen.deployed_subject if seen.deployed_commit == runs else "",
        who=seen.deployed_by,
        at=seen.deployed_at,
        instances=f"{seen.instances_running}/{seen.instances_wanted}",
        trouble=(seen.last_crash or seen.app_health) if seen.health in UNWELL else "",
        owner=seen.owner_name or seen.owner_username,
        owner_username=seen.owner_username,
        deployed_operation=seen.deployed_operation or "",
        failed_operation=failed,
        may_deploy=may_deploy,
    )


def _matches(row: Row, text: str) -> bool:
    if not text:
        return True
    lower = text.lower()
    return any(
        lower in part.lower() for part in (row.name, row.ref, row.who, row.owner)
    ) or row.commit.startswith(lower)


def _is(only: str, row: Row, me: frozenset[str]) -> bool:
    """Whether a filter of home leaves a row. ``me``: the names that the viewer goes by."""
    if only == "mine":
        return row.owner_username in me or row.who in me
    if only == "drifted":
        return bool(row.drift)
    if only == "failed":
        return bool(row.failed_operation) or row.health in UNWELL
    return True
