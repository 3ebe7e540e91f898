"""Service instances and what binds them to apps, cf-api §7.2 and §7.3. Credentials are never read here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from opsportal.adapters.cloudfoundry.answers import reading
from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.paths import filters, v3
from opsportal.adapters.cloudfoundry.wire import Fields, Labelled, Metadata


@dataclass(frozen=True)
class LastOperation:
    """The newest operation on a service object: ``state`` initial, in progress, succeeded or failed."""

    type: str
    state: str
    description: str

    @classmethod
    def read(cls, fields: Fields) -> "LastOperation":
        """Read an object's ``last_operation``; absent is empty."""
        found = fields.within("last_operation")
        words = [found.maybe_text(key) or "" for key in ("type", "state", "description")]
        return cls(*words)


@dataclass(frozen=True)
class ServiceInstance(Labelled):
    """A service instance, ``managed`` or ``user-provided``."""

    guid: str
    name: str
    type: str
    tags: tuple[str, ...]
    plan_guid: str | None
    space_guid: str | None
    last_operation: LastOperation
    metadata: Metadata
    created_at: datetime | None
    updated_at: datetime | None

    @classmethod
    def read(cls, fields: Fields) -> "ServiceInstance":
        """Read one as the API gives it."""
        return cls(
            guid=fields.guid(),
            name=fields.text("name"),
            type=fields.maybe_text("type") or "",
            tags=fields.names("tags"),
            plan_guid=fields.related("service_plan"),
            space_guid=fields.related("space"),
            last_operation=LastOperation.read(fields),
            metadata=Metadata.read(fields),
            created_at=fields.maybe_moment("created_at"),
            updated_at=fields.maybe_moment("updated_at"),
        )


@dataclass(frozen=True)
class Binding(Labelled):
    """A service instance bound to an app. ``name`` is the binding's own and mostly None."""

    guid: str
    name: str | None
    type: str
    app_guid: str | None
    service_instance_guid: str
    service_instance_name: str | None
    last_operation: LastOperation
    metadata: Metadata

    @classmethod
    def read(cls, fields: Fields, instance_names: Mapping[str, str]) -> "Binding":
        """Read one as the API gives it, with the names of the instances included beside it."""
        instance = fields.within("relationships").within("service_instance").within("data").guid()
        return cls(
            guid=fields.guid(),
            name=fields.maybe_text("name"),
            type=fields.maybe_text("type") or "app",
            app_guid=fields.related("app"),
            service_instance_guid=instance,
            service_instance_name=instance_names.get(instance),
            last_operation=LastOperation.read(fields),
            metadata=Metadata.read(fields),
        )


class Services(Client):
    """Reading which services there are and who uses them."""

    def service_instances(self, space_guid: str) -> list[ServiceInstance]:
        """List a space's service instances by name, those shared into it too."""
        params = filters(space_guids=[space_guid], order_by=["name"])
        return self._list(v3("service_instances"), ServiceInstance.read, params)

    def bindings(self, app_guid: str) -> list[Binding]:
        """List an app's service bindings, with the instances' names."""
        params = filters(app_guids=[app_guid], type=["app"], include=["service_instance"], per_page=["500"])
        found: list[Binding] = []
        for page, answer in self._pages(v3("service_credential_bindings"), params):
            with reading(answer):
                included = page.included.maybe_items("service_instances")
                names = {one.guid(): one.text("name") for one in included}
                found += [Binding.read(one, names) for one in page.resources]
        return found
