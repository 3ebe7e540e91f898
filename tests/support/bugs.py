"""Makers for tests of tickets: the cast with two more people, a ticket as far on its path as wanted."""

import struct
import zlib
from datetime import timedelta
from typing import Any

from django.utils import timezone

from opsportal.accounts.models import Person, PersonRole
from opsportal.bugs import actions
from opsportal.bugs.models import Consent, Ticket
from tests.support import people

#: Beside the cast: somebody of the product team, a third engineer, a second product owner, a second designer.
MORE = {
    "tom": ("Tom Tran", ["product_team"]),
    "eve": ("Eve Evans", ["engineer"]),
    "paul": ("Paul Park", ["product_owner"]),
    "dot": ("Dot Diaz", ["designer"]),
}
REPORT: dict[str, Any] = {
    "title": "Nobody can submit a domain request",
    "happens": "The last step answers 500.",
    "should": "The request is submitted.",
    "priority": "high",
}
PROPOSAL = {"breaks": "Requests are lost", "for_whom": "Everybody who requests", "since": "Today, 09:14"}


def person(username: str) -> Person:
    """One of the cast, or one of those beside it."""
    if username not in MORE:
        return people.person(username)
    name, roles = MORE[username]
    made, fresh = Person.objects.get_or_create(username=username, defaults={"name": name})
    if fresh:
        made.set_password("correct-horse-battery")
        made.save()
        PersonRole.objects.bulk_create(PersonRole(person=made, role=role) for role in roles)
    return made


def everybody() -> list[Person]:
    """The cast and those beside it."""
    return [person(username) for username in (*people.CAST, *MORE)]


def ticket(by: str = "ana", **given: Any) -> Ticket:
    """A ticket that was just reported."""
    return actions.report(by=person(by), **{**REPORT, **given})


def proposed(by: str = "ana", **given: Any) -> Ticket:
    """A ticket that waits for a product owner's word."""
    return ticket(by, **{**PROPOSAL, "priority": "critical", **given})


def refined(**given: Any) -> Ticket:
    """A ticket that may be assigned."""
    return actions.refine(ticket=ticket(**given), by=person("tom"))


def critical(**given: Any) -> Ticket:
    """A ticket that a product owner consented to."""
    made = proposed(**given)
    actions.consent(ticket=made, by=person("pam"))
    return again(made)


def late(**given: Any) -> Ticket:
    """A Critical that the lead has not assigned in time: it was consented to two weeks ago."""
    made = critical(**given)
    long_ago = timezone.now() - timedelta(days=14)
    Consent.objects.filter(ticket=made).update(decided_at=long_ago, proposed_at=long_ago)
    return again(made)


def assigned(by: str = "lee", **given: Any) -> Ticket:
    """A ticket that ana fixes and cleo and eve review."""
    made = refined(**given)
    return actions.assign(
        ticket=made, by=person(by), engineer=person("ana"), reviewers=[person("cleo"), person("eve")]
    )


def pull(ticket: Ticket, **given: Any) -> list[Ticket]:
    """GitHub shows an open pull request of the ticket."""
    shown: dict[str, Any] = {
        "number": 482, "title": f"{ticket.key}: keep the request", "url": "https://github.test/team/getgov/pull/482",
        "branch": "ab/keep-the-request", "head": "1a2b3c4d" * 5, "author": "ana", "state": "open", "draft": False,
        "reviews": [], "opened_at": timezone.now(),
    }  # fmt: skip
    return actions.pull_request_seen(**{**shown, **given})


def review(login: str, state: str = "approved") -> dict[str, str]:
    """A review as GitHub shows it."""
    return {"login": login, "state": state, "at": timezone.now().isoformat()}


def again(ticket: Ticket) -> Ticket:
    """The ticket as it is kept now."""
    return Ticket.objects.get(pk=ticket.pk)


def png(width: int = 2, height: int = 2) -> bytes:
    """A PNG; its header tells a size, whatever is in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes(width * 3) for _ in range(min(height, 64))) if width <= 64 else b""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
