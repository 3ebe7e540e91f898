"""What a step is given: the operation's facts, its own memory, its output, and the ways to the outside."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from opsportal.adapters.cloudfoundry import Foundation
from opsportal.adapters.git import Repository
from opsportal.environments import platform
from opsportal.environments.models import Environment
from opsportal.kit.children import ChildResult, run_child
from opsportal.kit.redaction import redact
from opsportal.operations import store
from opsportal.operations.models import Operation, Output, State, Step
from opsportal.operations.store import Brought, Claim, LeaseLost, Line

#: The label that everything made on the platform carries.
LABEL = "opsportal-operation"
ATTEMPT_LABEL = "opsportal-attempt"
#: Lines of a child kept in one transaction, unless a second has passed before: a loud child must not wait for us.
LINES_AT_ONCE = 1000


class HandOver(Exception):
    """This worker is stopping: put the step back for another one. What the step made is looked for again then."""


class Cancelled(Exception):
    """A person asked to cancel; raised where blocking work can be stopped."""


@dataclass
class Run:
    """One call of one step under one claim.

    ``params`` and ``facts`` are the operation's; ``memo`` is the step's own. Changes to facts and memo and what was
    said are kept when the step answers, and at once by :meth:`remember`. Every write fails once the lease is lost.
    ``seen``: what steps under the same claim tell each other; it may be empty at any moment.
    """

    operation: Operation
    step: Step
    held: Claim
    stopping: Callable[[], bool]
    seen: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._unsaid: list[Line] = []
        self.params: Mapping[str, Any] = self.operation.params
        self.facts: dict[str, Any] = deepcopy(self.operation.facts)
        self.memo: dict[str, Any] = self.step.memo
        self.environment: Environment = self.operation.environment

    # --- who and what -----------------------------------------------------------------------------------

    @property
    def cf(self) -> Foundation:
        """The platform."""
        return platform.foundation()

    @property
    def repository(self) -> Repository:
        """The bare clone."""
        return platform.repository()

    @property
    def labels(self) -> dict[str, str]:
        """Labels for what this attempt of this step makes: the operation's id, and the attempt's number."""
        return {LABEL: str(self.operation.id), ATTEMPT_LABEL: str(self.step.attempt)}

    @property
    def elapsed(self) -> float:
        """Seconds since the step began."""
        return (timezone.now() - (self.step.started_at or timezone.now())).total_seconds()

    @property
    def cancelled(self) -> bool:
        """Whether a person has asked to cancel (read fresh)."""
        return Operation.objects.filter(id=self.operation.id, cancel_requested_at__isnull=False).exists()

    # --- memory -----------------------------------------------------------------------------------------

    def remember(self, **memo: Any) -> None:
        """Keep memo, facts and what was said now. Raises LeaseLost when another worker has taken over."""
        self.memo.update(memo)
        store.remember(self.held, self.step, self.brought())

    def brought(self) -> Brought:
        """What an answer brings along: the facts, and what was said since it was last kept."""
        lines, self._unsaid = self._unsaid, []
        return Brought(self.facts, lines, settings.OUTPUT_LINES_LIMIT)

    def note(self, words: str) -> None:
        """A remark for the operation's receipt."""
        store.note(self.held, words)

    # --- output -----------------------------------------------------------------------------------------

    def say(self, *texts: str) -> None:
        """Lines in the portal's own voice."""
        self.print([Line(timezone.now(), Output.Stream.NOTE, text) for text in texts])

    def print(self, lines: Sequence[Line]) -> None:
        """Lines of output, without what can be told to be a secret: whoever may see the operation reads them.

        They and the memo are kept together when the step answers, or at :meth:`flush`.
        """
        self._unsaid += [replace(line, text=redact(line.text)) for line in lines]
        if len(self._unsaid) >= LINES_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Keep now what was said: before work that takes long."""
        lines, self._unsaid = self._unsaid, []
        if lines:
            store.append(self.held, self.step, lines, limit=settings.OUTPUT_LINES_LIMIT)

    def progress(self, detail: str, fraction: float | None = None) -> None:
        """Show how far blocking work is, and what was said before it."""
        self.flush()
        store.show_progress(self.held, self.step, detail, fraction)

    # --- blocking work ----------------------------------------------------------------------------------

    def beat(self) -> None:
        """Called often during blocking work: stops it when this worker stops, a person cancels, or the lease is lost."""
        if self.stopping():
            raise HandOver
        row = (
            Operation.objects.filter(id=self.operation.id)
            .values("fence", "cancel_requested_at", "state")
            .get()
        )
        if row["fence"] != self.held.fence or row["state"] != State.RUNNING:
            raise LeaseLost(str(self.operation.id))
        if row["cancel_requested_at"] is not None and not self.step.tidy:
            raise Cancelled

    def child(self, argv: Sequence[str], before_beat: Callable[[], object], **limits: Any) -> ChildResult:
        """Run a child process with its output shown live; ``limits`` as for ``run_child``.

        ``before_beat`` is called about every second. The child never outlives this worker.
        Raises HandOver, Cancelled or LeaseLost when it was stopped for that.
        """
        buffer: list[Line] = []
        stopped: list[Exception] = []

        def on_line(stream: str, text: str) -> None:
            buffer.append(Line(timezone.now(), "err" if stream == "stderr" else "out", text))
            if len(buffer) >= LINES_AT_ONCE:
                flush()

        def flush() -> None:
            lines, buffer[:] = list(buffer), []
            self.print(lines)
            self.flush()

        def on_beat() -> bool:
            try:
                flush()
                before_beat()
                self.beat()
            except (HandOver, Cancelled, LeaseLost) as error:
                stopped.append(error)
                return False
            return True

        result = run_child(argv, on_line=on_line, on_beat=on_beat, **limits)
        if stopped:
            raise stopped[0]
        flush()
        return result


def short_name(operation_id: UUID | str, step: str, attempt: int) -> str:
    """A name that is this attempt's alone, for what cannot be labelled or is found by name (tasks)."""
    digest = hashlib.sha256(f"{operation_id}/{step}/{attempt}".encode()).hexdigest()[:10]
    return f"{step}-{digest}"


def at(nanoseconds: int) -> datetime:
    """A log line's moment."""
    return datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC)
