"""The platform's own audit events, cf-api §12."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.paths import filters, in_portions, v3
from opsportal.adapters.cloudfoundry.wire import Fields


@dataclass(frozen=True)
class Party:
    """Who acted, or what was acted on; a name is the one it had then."""

    guid: str
    type: str
    name: str

    @classmethod
    def read(cls, fields: Fields) -> "Party":
        """Read an event's ``actor`` or ``target``; what is absent is empty."""
        return cls(*(fields.maybe_text(key) or "" for key in ("guid", "type", "name")))


@dataclass(frozen=True)
class AuditEvent:
    """One thing that somebody or something did. ``created_at`` is in whole seconds: several share one."""

    guid: str
    type: str
    created_at: datetime
    actor: Party
    target: Party
    data: Mapping[str, Any]
    space_guid: str | None

    @classmethod
    def read(cls, fields: Fields) -> "AuditEvent":
        """Read one as the API gives it."""
        return cls(
            guid=fields.guid(),
            type=fields.text("type"),
            created_at=fields.moment("created_at"),
            actor=Party.read(fields.within("actor")),
            target=Party.read(fields.within("target")),
            data=fields.within("data").raw(),
            space_guid=fields.within("space").maybe_text("guid"),
        )


class AuditEvents(Client):
    """Reading what happened on the platform, by whoever."""

    def audit_events(
        self,
        target_guids: Iterable[str],
        types: Iterable[str] | None = None,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> list[AuditEvent]:
        """List events on some objects; no objects, no events.

        With ``since`` (aware, inclusive) oldest first, to be followed onward from the newest seen; without it
        newest first. ``limit`` as many at most for each fifty objects.
        """
        params = filters(types=types, order_by=["created_at" if since else "-created_at"])
        if since:
            params["created_ats[gte]"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        found: list[AuditEvent] = []
        for portion in in_portions(target_guids):
            asked = params | filters(target_guids=portion)
            found += self._list(v3("audit_events"), AuditEvent.read, asked, limit)
        return sorted(found, key=lambda one: one.created_at, reverse=since is None)
