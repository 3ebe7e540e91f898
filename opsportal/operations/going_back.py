"""What a roll back brings back and what it does not, in words for pages; read from our own tables alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from opsportal.environments import actions as environments
from opsportal.environments.models import Comparison, Environment
from opsportal.kit import wording
from opsportal.operations.migrated import running_commit

#: Migrations named one by one; more are counted.
NAMED = 8
NEVER_COMES_BACK = (
    "Data: records that were made, changed or deleted since stay as they are.",
    "Bindings, other environment variables, instances and memory stay as they are now.",
)
NOTHING_EARLIER = (
    "There is no earlier version to go back to: nothing else ran here, or the platform has removed it. "
    "The next deploy leaves one behind."
)


def choices(environment: Environment) -> Sequence[tuple[str, str]]:
    """``[(number, words)]`` of the versions that can be rolled back to, newest first."""
    return [(str(each["number"]), label(each)) for each in environment.versions if each.get("deployable")]


def newest(environment: Environment) -> str:
    """The number of the newest version that can be rolled back to; empty when there is none."""
    found = choices(environment)
    return found[0][0] if found else ""


def label(version: Mapping[str, Any]) -> str:
    """``12: main (1a2b3c4d), 20 Nov 2026, 09:05:00 EST by Ana``: the moment in the reader's zone, which is named."""
    said = f"{version['number']}: {_name(version)}"
    if version.get("at"):
        at = datetime.fromisoformat(str(version["at"]))
        said += f", {wording.exact(at, timezone.get_current_timezone())}"
    return said + (f" by {version['by']}" if version.get("by") else "")


def _name(version: Mapping[str, Any]) -> str:
    commit, ref = str(version.get("commit") or "")[:8], str(version.get("ref") or "")
    if ref and commit and not commit.startswith(ref[:8]):
        return f"{ref} ({commit})"
    return commit or ref or "pushed by somebody else"


def between(environment: Environment, commit: str) -> Comparison | None:
    """What lies between an earlier commit and what runs now; asked of the worker where it is not known yet."""
    now = running_commit(environment)
    if not commit or not now:
        return None
    return environments.compare(base=commit, head=now, environment=environment)


def loses(environment: Environment, params: Mapping[str, Any]) -> Sequence[str]:
    """Migrations that lie between, as far as that is known: going back does not undo them."""
    found = between(environment, str(params.get("commit") or ""))
    return not_undone(found.migrations) if found and found.answered_at and found.migrations else []


def preview(environment: Environment, params: Mapping[str, Any]) -> Sequence[str]:
    """What stays as it is, that it is held afterwards, and what is known of migrations where none is lost."""
    found = between(environment, str(params.get("commit") or ""))
    said = [] if loses(environment, params) else migrations_in_words(found)
    held = f"{environment.name} is held afterwards, until somebody releases it."
    return [*said, *NEVER_COMES_BACK, held]


def migrations_in_words(comparison: Comparison | None) -> list[str]:
    """The migrations between, which are not undone; or that it is not known, or that there are none."""
    if comparison is None:
        return [
            "Which migrations lie between is not known: compare the database's tables with the older code."
        ]
    if comparison.problem:
        return [f"Which migrations lie between is not known: {comparison.problem}"]
    if comparison.answered_at is None:
        return ["Which migrations lie between is being looked up; look again in a moment."]
    return not_undone(comparison.migrations)


def not_undone(migrations: Sequence[str]) -> list[str]:
    """Sentences about migrations that the older code does not know."""
    if not migrations:
        return ["No migrations lie between."]
    names = ", ".join(path.rpartition("/")[2] for path in sorted(migrations)[:NAMED])
    more = f" and {len(migrations) - NAMED} more" if len(migrations) > NAMED else ""
    count = wording.count(len(migrations), "migration lies", "migrations lie")
    return [f"{count} between and will not be undone: {names}{more}. The older code meets the newer tables."]
