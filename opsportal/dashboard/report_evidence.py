"""What a new ticket keeps of its environment: how it is, what runs, what was done last, which errors it printed.

The ticket holds it as values (``{headline, facts, entries}``, bugs.models.Ticket.evidence): a ticket knows no
environment. What could be a secret is taken out twice: when an entry is kept, and here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone

from opsportal.dashboard.environment_page import answer
from opsportal.environments import holds
from opsportal.environments.queries import Environment
from opsportal.kit import wording
from opsportal.kit.redaction import redact
from opsportal.logs import present
from opsportal.logs import queries as logs
from opsportal.logs.filters import Search
from opsportal.operations.queries import Operation, State, last_ended, last_that_brought_code

#: Errors are looked for since the last deploy, but no further back than this.
FURTHEST = timedelta(days=1)
ERRORS, LONGEST_ENTRY, LONGEST_TITLE = 5, 4_000, 200
_ALWAYS = 2**63 - 1


@dataclass(frozen=True)
class Source:
    """Where somebody came from: the log entry or the operation that the report is about; both may be None."""

    entry: present.Shown | None = None
    operation: Operation | None = None

    @property
    def title(self) -> str:
        """A first title: what was raised, what the entry says, or which operation failed why."""
        if self.entry is not None:
            said = self.entry.headline
            raised = said.rpartition(" — ")[2]
            return _short(redact(raised or said), LONGEST_TITLE)
        if self.operation is not None:
            return _short(redact(f"{self.operation.headline}: {self.operation.problem}"), LONGEST_TITLE)
        return ""

    @property
    def happens(self) -> str:
        """A first answer to "what happens"."""
        if self.entry is not None:
            said = redact(self.entry.headline)
            return f"{self.entry.source} says at {_moment(self.entry.at)}: {said}"
        if self.operation is not None:
            return redact(f"{self.operation.headline} failed. {self.operation.problem}".strip())
        return ""


def source_of(environment: Environment | None, entry: str, operation: str) -> Source:
    """What the address or the form named, as far as it exists in this environment."""
    if environment is None:
        return Source()
    return Source(_entry(environment, entry), _operation(environment, operation))


def gather(environment: Environment, source: Source) -> dict[str, Any]:
    """The evidence of an environment now: ``{headline, facts: [[name, words]], entries: [{at, text, url}]}``."""
    return {
        "headline": answer(environment),
        "facts": [[name, redact(words)] for name, words in _facts(environment, source)],
        "entries": [_kept(environment, each) for each in _entries(environment, source)],
    }


def _facts(environment: Environment, source: Source) -> Iterator[tuple[str, str]]:
    running = f"{environment.instances_running} of {wording.count(environment.instances_wanted, 'instance')} running"
    yield "Health", f"{environment.get_health_display()}, {running}"
    runs = environment.app_commit or environment.platform_commit or environment.deployed_commit
    ref = environment.platform_ref or environment.deployed_ref
    if runs or ref:
        yield "Runs", " ".join(each for each in (ref, runs[:8]) if each)
    if environment.deployed_at:
        yield "Deployed", f"{_moment(environment.deployed_at)} by {environment.deployed_by or 'somebody'}"
    for name, text in (
        ("Crash", environment.last_crash),
        ("The application", environment.app_health),
        ("Drift", environment.drift),
    ):
        if text:
            yield name, text
    if hold := holds.active(environment):
        yield "Hold", holds.words(hold)
    last = source.operation or last_ended(environment)
    if last is not None:
        said = f"{last.headline}: {last.get_state_display().lower()}, {_moment(last.ended_at or last.created_at)}"
        problem = f". {last.problem}" if last.problem and last.state != State.SUCCEEDED else ""
        yield "Last operation", f"{said}, asked for by {last.requester}{problem}"


def _entries(environment: Environment, source: Source) -> list[present.Shown]:
    last = last_that_brought_code(environment)
    earliest = timezone.now() - FURTHEST
    since = max(last.started_at or earliest, earliest) if last else earliest
    newest = present.entries(logs.error_entries(environment, since, ERRORS), UTC)
    if source.entry is None:
        return newest
    return [source.entry, *(each for each in newest if each.entry.pk != source.entry.entry.pk)][:ERRORS]


def _kept(environment: Environment, shown: present.Shown) -> dict[str, str]:
    return {
        "at": shown.at.isoformat(timespec="milliseconds"),
        "text": _short(redact(_text(shown)), LONGEST_ENTRY),
        "url": reverse("logs:entry", args=[environment.name, shown.entry.pk]),
    }


def _text(shown: present.Shown) -> str:
    """What was printed; a router's line says little to people, so what it means stands above it."""
    is_request = shown.source.startswith("RTR")
    return f"{shown.headline}\n{shown.entry.text}" if is_request else shown.entry.text


def _entry(environment: Environment, said: str) -> present.Shown | None:
    if not (said.isascii() and said.isdigit() and len(said) < 19):
        return None
    rows = logs.matching_entries(environment.pk, Search(0, _ALWAYS, preset=""))
    row = rows.filter(pk=int(said)).first()
    return present.entry(row, UTC, whole=True) if row else None


def _operation(environment: Environment, said: str) -> Operation | None:
    try:
        wanted = UUID(said)
    except ValueError:
        return None
    return Operation.objects.filter(environment=environment, pk=wanted).first()


def _moment(at: datetime) -> str:
    """A moment that says the same to everybody who reads the ticket later."""
    return wording.exact(at, UTC)


def _short(text: str, longest: int) -> str:
    text = text.strip()
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
