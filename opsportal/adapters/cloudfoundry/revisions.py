"""Revisions: what an app ran before, cf-api §8.4."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.paths import filters, v3
from opsportal.adapters.cloudfoundry.wire import Fields, Labelled, Metadata


@dataclass(frozen=True)
class Revision(Labelled):
    """A droplet, commands and environment together. ``deployable`` is False once its droplet is gone."""

    guid: str
    version: int
    droplet_guid: str | None
    description: str
    deployable: bool
    commands: Mapping[str, str | None]
    app_guid: str | None
    metadata: Metadata
    created_at: datetime | None

    @classmethod
    def read(cls, fields: Fields) -> "Revision":
        """Read one as the API gives it."""
        processes = fields.objects("processes")
        return cls(
            guid=fields.guid(),
            version=fields.whole("version"),
            droplet_guid=fields.within("droplet").maybe_text("guid"),
            description=fields.maybe_text("description") or "",
            deployable=fields.flag("deployable"),
            commands={kind: one.maybe_text("command") for kind, one in processes.items()},
            app_guid=fields.related("app"),
            metadata=Metadata.read(fields),
            created_at=fields.maybe_moment("created_at"),
        )


class Revisions(Client):
    """Reading what an app can be rolled back to."""

    def revisions(self, app_guid: str, deployed: bool = False) -> list[Revision]:
        """List an app's revisions, newest first; with ``deployed`` only those that run now."""
        parts = ("apps", app_guid, "revisions", *(["deployed"] if deployed else []))
        params = {} if deployed else filters(order_by=["-created_at"])
        return self._list(v3(*parts), Revision.read, params)

    def revision_environment_variables(self, revision_guid: str) -> dict[str, str]:
        """Read the variables a revision would bring back: secrets, to be compared and never shown."""
        address = v3("revisions", revision_guid, "environment_variables")
        return self._get(address, lambda fields: fields.texts("var"))
