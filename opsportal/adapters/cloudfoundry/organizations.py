"""Organizations and spaces, cf-api §3.1 and §3.2."""

from dataclasses import dataclass

from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.paths import filters, v3
from opsportal.adapters.cloudfoundry.wire import Fields, Labelled, Metadata


@dataclass(frozen=True)
class Organization(Labelled):
    """An organization."""

    guid: str
    name: str
    suspended: bool
    metadata: Metadata

    @classmethod
    def read(cls, fields: Fields) -> "Organization":
        """Read one as the API gives it."""
        return cls(fields.guid(), fields.text("name"), fields.flag("suspended"), Metadata.read(fields))


@dataclass(frozen=True)
class Space(Labelled):
    """A space; here one per environment."""

    guid: str
    name: str
    organization_guid: str | None
    metadata: Metadata

    @classmethod
    def read(cls, fields: Fields) -> "Space":
        """Read one as the API gives it."""
        return cls(fields.guid(), fields.text("name"), fields.related("organization"), Metadata.read(fields))


class Organizations(Client):
    """Finding organizations and spaces."""

    def organization(self, name: str) -> Organization | None:
        """Find an organization by its exact name; None when there is none that these credentials see."""
        found = self._list(v3("organizations"), Organization.read, filters(names=[name]))
        return next((one for one in found if one.name == name), None)

    def space(self, name: str, organization_guid: str) -> Space | None:
        """Find a space by its exact name in an organization; None when there is none in sight."""
        params = filters(names=[name], organization_guids=[organization_guid])
        found = self._list(v3("spaces"), Space.read, params)
        return next((one for one in found if one.name == name), None)

    def spaces(self, organization_guid: str) -> list[Space]:
        """List an organization's spaces by name."""
        params = filters(organization_guids=[organization_guid], order_by=["name"])
        return self._list(v3("spaces"), Space.read, params)
