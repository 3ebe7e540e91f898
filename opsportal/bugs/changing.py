"""One change of a ticket: locked, permitted, told, kept. Every action on a ticket that is there goes through it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from django.db import transaction
from django.utils import timezone

from opsportal.accounts.queries import By, Person
from opsportal.accounts.rules import Refused, Verdict
from opsportal.audit import actions as audit
from opsportal.bugs import rules, standing
from opsportal.bugs.models import Event, Reached, Ticket


@dataclass
class Change:
    """What an action does to the ticket that it holds. :meth:`keep` writes it, the trail last of all."""

    ticket: Ticket
    by: By
    action: str
    now: datetime = field(default_factory=timezone.now)
    reason: str = ""
    details: dict[str, object] = field(default_factory=dict)
    #: Nothing happened: neither version nor trail.
    nothing: bool = False
    _events: list[Event] = field(default_factory=list)
    _tellings: list[Callable[[], None]] = field(default_factory=list)

    @property
    def who(self) -> str:
        """The name of who does it."""
        return self.by.name or self.by.username

    def reach(
        self, stage: str, *, at: datetime | None = None, details: Mapping[str, object] | None = None
    ) -> bool:
        """A stage is reached; False when it was before."""
        _, made = Reached.objects.get_or_create(
            ticket=self.ticket,
            stage=stage,
            defaults={"at": at or self.now, "by": self.by.username, "details": dict(details or {})},
        )
        return made

    def leave(self, *stages: str) -> list[str]:
        """Stages that no longer hold; those that did."""
        rows = self.ticket.reached.filter(stage__in=stages)
        held = list(rows.values_list("stage", flat=True))
        rows.delete()
        return held

    def event(
        self, kind: str, details: Mapping[str, object] | None = None, *, at: datetime | None = None
    ) -> None:
        """A line of the ticket's timeline."""
        self._events.append(
            Event(
                ticket=self.ticket, at=at or self.now, actor=self.by.username[:150], actor_name=self.who[:150],
                kind=kind, details=dict(details or {}),
            )
        )  # fmt: skip

    def tell(self, telling: Callable[[], None]) -> None:
        """Somebody is told of it, once all of it is written."""
        self._tellings.append(telling)

    def keep(self) -> None:
        """Write it: stage, version, timeline, what is told, the trail."""
        standing.forget(self.ticket)
        if self.nothing:
            return
        ticket = self.ticket
        ticket.stage = rules.stage(list(ticket.reached.values_list("stage", flat=True)))
        ticket.version += 1
        ticket.updated_at = self.now
        ticket.save(force_update=True)
        for event in self._events:
            event.details["version"] = ticket.version
        Event.objects.bulk_create(self._events)
        for telling in self._tellings:
            telling()
        audit.record(
            actor=self.by.username,
            actor_kind="person" if isinstance(self.by, Person) else "service",
            action=f"ticket.{self.action}",
            target=ticket.key,
            target_kind="ticket",
            reason=self.reason,
            details=self.details,
        )


@contextmanager
def changing(ticket: Ticket | int, by: By, what: str, *, free: bool = False) -> Iterator[Change]:
    """Hold the ticket's row, ask whether ``by`` may do ``what`` with it now, and keep what was done.

    ``free``: nobody is asked, because a fact is told and not a wish. Raises Refused (the trail keeps who tried), NotNow
    or Ticket.DoesNotExist.
    """
    number = ticket if isinstance(ticket, int) else ticket.pk
    try:
        with transaction.atomic():
            locked = Ticket.objects.select_for_update(no_key=True).get(pk=number)
            if not free:
                standing.require(by, what, locked)
            change = Change(locked, by, what)
            yield change
            change.keep()
    except Refused as refused:
        _keep_attempt(number, by, what, refused)
        raise


def refuse(ticket: Ticket, by: By, what: str, verdict: Verdict) -> NoReturn:
    """Raise Refused before anything is looked at; the trail keeps who tried."""
    refused = Refused(verdict)
    _keep_attempt(ticket.pk, by, what, refused)
    raise refused


def _keep_attempt(number: int, by: By, what: str, refused: Refused) -> None:
    audit.record(
        actor=by.username,
        actor_kind="person" if isinstance(by, Person) else "service",
        action=f"ticket.{what}",
        target=Ticket(pk=number).key,
        target_kind="ticket",
        result="refused",
        reason=str(refused),
    )
