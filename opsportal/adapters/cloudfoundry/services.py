"""Service instances, what binds them to apps, and sharing; cf-api §7. Credentials are never read here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsportal.adapters.cloudfoundry.answers import job_guid, reading
from opsportal.adapters.cloudfoundry.calls import Answer
from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.errors import NotAuthorized, NotFound, Unavailable, Unprocessable
from opsportal.adapters.cloudfoundry.jobs import JobRef
from opsportal.adapters.cloudfoundry.paths import filters, v3
from opsportal.adapters.cloudfoundry.wire import Fields, Labelled, Metadata, metadata_body


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


@dataclass(frozen=True)
class ServicePlan(Labelled):
    """A plan of a service offering, by whose names people know it."""

    guid: str
    name: str
    offering_guid: str | None
    available: bool
    metadata: Metadata

    @classmethod
    def read(cls, fields: Fields) -> "ServicePlan":
        """Read one as the API gives it."""
        return cls(
            guid=fields.guid(),
            name=fields.text("name"),
            offering_guid=fields.related("service_offering"),
            available=fields.flag("available"),
            metadata=Metadata.read(fields),
        )


class Services(Client):
    """Which services there are and who uses them; making, deleting, binding and sharing them."""

    def service_instances(self, space_guid: str) -> list[ServiceInstance]:
        """List a space's service instances by name, those shared into it too."""
        params = filters(space_guids=[space_guid], order_by=["name"])
        return self._list(v3("service_instances"), ServiceInstance.read, params)

    def service_instance(self, guid: str) -> ServiceInstance:
        """Read one; NotFound once it is gone."""
        return self._get(v3("service_instances", guid), ServiceInstance.read)

    def service_instance_named(self, name: str, space_guid: str) -> ServiceInstance | None:
        """Find one by its exact name in a space (or shared into it); None when there is none."""
        params = filters(names=[name], space_guids=[space_guid])
        found = self._list(v3("service_instances"), ServiceInstance.read, params)
        return next((one for one in found if one.name == name), None)

    def service_instance_parameters(self, guid: str) -> dict[str, Any] | None:
        """What a managed one was made with; None where the broker does not tell (most do not)."""
        try:
            return dict(self._get(v3("service_instances", guid, "parameters"), lambda fields: fields.raw()))
        except (Unprocessable, NotFound, NotAuthorized, Unavailable):
            return None

    def service_plan(self, guid: str) -> ServicePlan:
        """Read a plan."""
        return self._get(v3("service_plans", guid), ServicePlan.read)

    def service_plan_named(self, name: str, offering: str, space_guid: str) -> ServicePlan | None:
        """Find a plan by its name and its offering's, as a space may use it (cf-api §7.1)."""
        params = filters(names=[name], service_offering_names=[offering], space_guids=[space_guid])
        return next(iter(self._list(v3("service_plans"), ServicePlan.read, params)), None)

    def service_offering_name(self, guid: str) -> str:
        """The name of an offering, such as "aws-rds"."""
        return self._get(v3("service_offerings", guid), lambda fields: fields.text("name"))

    def create_service_instance(
        self,
        name: str,
        space_guid: str,
        plan_guid: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        tags: Iterable[str] = (),
        labels: Mapping[str, str] | None = None,
    ) -> JobRef:
        """Start making a managed one. Its ``last_operation`` tells how it goes; Unprocessable when the name is taken."""
        payload: dict[str, Any] = {
            "type": "managed",
            "name": name,
            "relationships": {
                "space": {"data": {"guid": space_guid}},
                "service_plan": {"data": {"guid": plan_guid}},
            },
            **metadata_body(labels),
        }
        payload |= {"parameters": dict(parameters)} if parameters else {}
        payload |= {"tags": list(tags)} if tags else {}
        answer = self._request("POST", v3("service_instances"), payload=payload)
        return JobRef(job_guid(answer, self._is_trusted))

    def delete_service_instance(self, guid: str) -> JobRef | None:
        """Delete one with its data and bindings: the job, or None when it is gone already at the answer."""
        return self._job_or_done(self._request("DELETE", v3("service_instances", guid)))

    def create_binding(
        self, app_guid: str, service_instance_guid: str, labels: Mapping[str, str] | None = None
    ) -> JobRef | None:
        """Bind an app; it sees it at its next start, a task at once. Unprocessable when it is bound already."""
        payload = {
            "type": "app",
            "relationships": {
                "app": {"data": {"guid": app_guid}},
                "service_instance": {"data": {"guid": service_instance_guid}},
            },
            **metadata_body(labels),
        }
        return self._job_or_done(self._request("POST", v3("service_credential_bindings"), payload=payload))

    def delete_binding(self, guid: str) -> JobRef | None:
        """Take a binding away; None when that is done at the answer."""
        return self._job_or_done(self._request("DELETE", v3("service_credential_bindings", guid)))

    def share_service_instance(self, guid: str, space_guid: str) -> None:
        """Let apps of another space bind to it; sharing twice changes nothing more (cf-api §7.4)."""
        address = v3("service_instances", guid, "relationships", "shared_spaces")
        self._request("POST", address, payload={"data": [{"guid": space_guid}]}, repeatable=True)

    def unshare_service_instance(self, guid: str, space_guid: str) -> None:
        """End a share, and the bindings of that space's apps. Unprocessable when it is not shared there."""
        self._request("DELETE", v3("service_instances", guid, "relationships", "shared_spaces", space_guid))

    def shared_spaces(self, guid: str) -> list[str]:
        """The guids of the spaces that it is shared into."""
        address = v3("service_instances", guid, "relationships", "shared_spaces")
        return self._get(address, lambda fields: [one.guid() for one in fields.items("data")])

    def bindings_of(self, service_instance_guid: str) -> list[Binding]:
        """List the apps bound to an instance, in whichever space; without the instances' names."""
        params = filters(service_instance_guids=[service_instance_guid], type=["app"])
        return self._list(v3("service_credential_bindings"), lambda one: Binding.read(one, {}), params)

    def _job_or_done(self, answer: Answer) -> JobRef | None:
        """The job that an answer started (202), or None."""
        return JobRef(job_guid(answer, self._is_trusted)) if answer.status == 202 else None

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
