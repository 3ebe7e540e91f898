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


@dataclass(frozen=True)
class MemoryAllowance:
    """What an organization's quota allows and what is used of it, in MB; None: no limit, or not told."""

    total_mb: int | None
    per_process_mb: int | None
    used_mb: int | None


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

    def space_by_guid(self, guid: str) -> Space:
        """Read a space; NotFound when it is gone or out of sight."""
        return self._get(v3("spaces", guid), Space.read)

    def memory_allowance(self, organization_guid: str) -> MemoryAllowance:
        """How much memory the organization may use and uses (cf-api §3.1, §3.5). NotAuthorized where it may not be read."""
        quota = self._get(v3("organizations", organization_guid), lambda fields: fields.related("quota"))
        used = self._get(
            v3("organizations", organization_guid, "usage_summary"),
            lambda fields: fields.within("usage_summary").maybe_whole("memory_in_mb"),
        )
        if quota is None:
            return MemoryAllowance(None, None, used)
        return self._get(
            v3("organization_quotas", quota),
            lambda fields: MemoryAllowance(
                fields.within("apps").maybe_whole("total_memory_in_mb"),
                fields.within("apps").maybe_whole("per_process_memory_in_mb"),
                used,
            ),
        )

    def spaces(self, organization_guid: str) -> list[Space]:
        """List an organization's spaces by name."""
        params = filters(organization_guids=[organization_guid], order_by=["name"])
        return self._list(v3("spaces"), Space.read, params)
