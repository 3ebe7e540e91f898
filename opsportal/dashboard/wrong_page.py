"""“Something is wrong”: what an engineer looks at first, gathered, and the first remedy (issue: Logs of an environment)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from opsportal.accounts.queries import Person
from opsportal.environments import actions as environments
from opsportal.environments import holds
from opsportal.environments.queries import Environment, Health, find
from opsportal.kit import wording
from opsportal.logs import queries as logs
from opsportal.operations import offers, registry
from opsportal.operations.migrated import commit_migrated, running_commit
from opsportal.operations.queries import Operation, State, last_ended, last_that_brought_code

#: Errors are looked for since the last change, but no further back than this.
FURTHEST = timedelta(days=1)
SHOWN = 5


@dataclass(frozen=True)
class Look:
    """One thing looked at. ``state``: succeeded (fine), failed (wrong), not_known, waiting (being worked out)."""

    title: str
    state: str
    word: str
    words: str
    url: str = ""
    link: str = ""
    details: Sequence[str] = ()


def context(name: str, person: Person) -> dict[str, Any] | None:
    """The template's context; None when there is no such environment."""
    found = find(name)
    if found is None:
        return None
    looks = list(_looks(found))
    wrong = [each for each in looks if each.state == "failed"]
    migrate = registry.kind("migrate")
    groups = offers.for_environment(found, person)
    wanted = {"migrate", "restart", "roll_back"}
    remedies = [offer for group in groups for offer in group.offers if offer.kind.name in wanted]
    return {
        "environment": found,
        "looks": looks,
        "answer": _answer(found, wrong),
        "first": next((each for each in remedies if migrate and each.kind.name == "migrate"), None),
        "others": [each for each in remedies if each.kind.name != "migrate"],
        "hold": holds.active(found),
        "stopped": found.health == Health.STOPPED,
        "scale_url": reverse("operations:ask", args=[found.name, "scale"]),
        "waiting": any(each.state == "waiting" for each in looks),
    }


def _answer(environment: Environment, wrong: Sequence[Look]) -> str:
    if not wrong:
        return f"Nothing the portal can see is wrong with {environment.name}."
    what = ", ".join(each.title[:1].lower() + each.title[1:] for each in wrong)
    return f"{wording.count(len(wrong), 'thing')} to look at: {what}."


def _looks(environment: Environment) -> Iterator[Look]:
    brought = last_that_brought_code(environment)
    if hold := holds.active(environment):
        url = reverse("environments:hold", args=[environment.name])
        yield Look("Hold", "failed", "Held", holds.words(hold), url, "Who may pass, and release")
    yield _health(environment)
    yield _last_change(brought)
    yield _last_operation(last_ended(environment))
    yield _crashes(environment)
    yield _errors(environment, brought)
    yield _migrations(environment)
    yield Look(
        "Drift",
        "failed" if environment.drift else "succeeded",
        "Differs" if environment.drift else "None",
        environment.drift or "Git, the platform and the application agree, as far as each says anything.",
    )


def _health(environment: Environment) -> Look:
    fine = environment.health == Health.HEALTHY
    words = f"{environment.instances_running} of {wording.count(environment.instances_wanted, 'instance')} running."
    if environment.app_health:
        words += f" The application: {environment.app_health}"
    state = "succeeded" if fine else "not_known" if environment.health == Health.UNKNOWN else "failed"
    return Look("Instances", state, Health(environment.health).label, words)


def _last_change(last: Operation | None) -> Look:
    if last is None:
        return Look("Last deploy", "not_known", "None", "The portal has deployed nothing here.")
    when = wording.ago(last.ended_at or last.created_at, timezone.now())
    words = f"{last.headline}, {when}, by {last.requester}."
    return Look("Last deploy", "succeeded", "Succeeded", words, _operation_url(last), "Its steps and output")


def _last_operation(last: Operation | None) -> Look:
    if last is None:
        return Look("Last operation", "not_known", "None", "Nothing was done here through the portal.")
    words = f"{last.headline}, {wording.ago(last.created_at, timezone.now())}. {last.problem}".strip()
    state = last.state if last.state in {State.SUCCEEDED, State.FAILED} else "not_known"
    return Look(
        "Last operation", state, last.get_state_display(), words, _operation_url(last), "Its steps and output"
    )


def _operation_url(operation: Operation) -> str:
    return reverse("operations:operation", args=[operation.id])


def _crashes(environment: Environment) -> Look:
    reasons = [
        f"Instance {each.get('index')}: {str(each.get('state', '')).lower()} {each.get('details') or ''}".strip()
        for each in environment.instances
        if each.get("state") in {"CRASHED", "DOWN"} or each.get("details")
    ]
    if environment.last_crash:
        reasons.insert(0, environment.last_crash)
    since = timezone.now() - FURTHEST
    # A task that failed is an operation's matter; here it is about what serves.
    said = [each for each in logs.crash_lines(environment, since) if not each.layer.startswith("APP/TASK")]
    reasons += [each.text for each in said if each.text not in reasons][:SHOWN]
    if not reasons:
        return Look("Crashes", "succeeded", "None", "No instance is known to have crashed in the last day.")
    url = logs.address(environment, since, layer="CELL")
    return Look("Crashes", "failed", "Crashed", reasons[0], url, "What the cell said", reasons[1:])


def _errors(environment: Environment, last: Operation | None) -> Look:
    since = _since(last)
    counts = logs.counts_by_level(environment, since)
    total = sum(count for level, count in counts.items() if level >= level.ERROR)
    url = logs.address(environment, since, level="error")
    about = f"since {wording.ago(since, timezone.now())}"
    if not total:
        return Look("Errors in the log", "succeeded", "None", f"No error entry {about}.", url, "The log")
    words = f"{wording.count(total, 'error entry', 'error entries')} {about}."
    newest = [each.text.strip().splitlines()[-1] for each in logs.error_entries(environment, since, SHOWN)]
    return Look("Errors in the log", "failed", "Errors", words, url, "All of them", newest)


def _since(last: Operation | None) -> datetime:
    earliest = timezone.now() - FURTHEST
    return max(last.started_at or earliest, earliest) if last else earliest


def _migrations(environment: Environment) -> Look:
    title, runs, migrated = "Migrations", running_commit(environment), commit_migrated(environment)
    if not runs:
        return Look(title, "not_known", "Not known", "Nothing is known to run there.")
    if not migrated:
        words = "The portal has never migrated this database: migrate is safe to repeat."
        return Look(title, "failed", "Never migrated", words)
    if migrated == runs:
        return Look(title, "succeeded", "Applied", "Migrated at the commit that runs.")
    between = environments.compare(base=migrated, head=runs, environment=environment)
    if between.answered_at is None:
        return Look(title, "waiting", "Looking", "The migrations between are being worked out.")
    if between.migrations:
        count = wording.count(len(between.migrations), "migration lies", "migrations lie")
        words = f"{count} between what was last migrated ({migrated[:8]}) and what runs ({runs[:8]})."
        return Look(title, "failed", "Not applied", words, details=between.migrations)
    return Look(
        title, "succeeded", "Applied", "No migration lies between what was last migrated and what runs."
    )
