"""Processes and what their instances do, cf-api §4.8."""

from dataclasses import dataclass
from datetime import datetime

from opsportal.adapters.cloudfoundry.answers import parsed
from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.paths import v3
from opsportal.adapters.cloudfoundry.wire import Fields, Labelled, Metadata


@dataclass(frozen=True)
class Process(Labelled):
    """A process type of an app: how many instances of which size, and how health is checked.

    Lists hide ``command``. While a deployment runs an app has two ``web`` processes, and after it the guid of
    ``web`` is a new one: read it each time. Sizes are in MB, the timeout in seconds.
    """

    guid: str
    type: str
    command: str | None
    instances: int
    memory_in_mb: int | None
    disk_in_mb: int | None
    health_check_type: str | None
    health_check_endpoint: str | None
    health_check_timeout: int | None
    app_guid: str | None
    revision_guid: str | None
    metadata: Metadata
    created_at: datetime | None
    updated_at: datetime | None

    @classmethod
    def read(cls, fields: Fields) -> "Process":
        """Read one as the API gives it."""
        check = fields.within("health_check")
        return cls(
            guid=fields.guid(),
            type=fields.text("type"),
            command=fields.maybe_text("command"),
            instances=fields.whole("instances"),
            memory_in_mb=fields.maybe_whole("memory_in_mb"),
            disk_in_mb=fields.maybe_whole("disk_in_mb"),
            health_check_type=check.maybe_text("type"),
            health_check_endpoint=check.within("data").maybe_text("endpoint"),
            health_check_timeout=check.within("data").maybe_whole("timeout"),
            app_guid=fields.related("app"),
            revision_guid=fields.related("revision"),
            metadata=Metadata.read(fields),
            created_at=fields.maybe_moment("created_at"),
            updated_at=fields.maybe_moment("updated_at"),
        )


@dataclass(frozen=True)
class InstanceStats:
    """One instance now. ``state`` is STARTING, RUNNING, CRASHED, STOPPING or DOWN; ``details`` why.

    Whatever the platform leaves out is None: an instance that is DOWN says almost nothing. ``memory`` and
    ``disk`` and their quotas are bytes, ``cpu`` a fraction, ``uptime`` seconds.
    """

    type: str
    index: int
    state: str
    routable: bool | None
    details: str | None
    uptime: int | None
    cpu: float | None
    memory: int | None
    memory_quota: int | None
    disk: int | None
    disk_quota: int | None
    instance_guid: str | None

    @property
    def running(self) -> bool:
        """Whether it is up and healthy."""
        return self.state == "RUNNING"

    @property
    def crashed(self) -> bool:
        """Whether it ended too often or never became healthy."""
        return self.state == "CRASHED"

    @classmethod
    def read(cls, fields: Fields) -> "InstanceStats":
        """Read one as the API gives it."""
        usage = fields.within("usage")
        return cls(
            type=fields.maybe_text("type") or "",
            index=fields.maybe_whole("index") or 0,
            state=fields.text("state"),
            routable=fields.flag("routable") if "routable" in fields.raw() else None,
            details=fields.maybe_text("details"),
            uptime=fields.maybe_whole("uptime"),
            cpu=usage.maybe_number("cpu"),
            memory=usage.maybe_whole("mem"),
            memory_quota=fields.maybe_whole("mem_quota"),
            disk=usage.maybe_whole("disk"),
            disk_quota=fields.maybe_whole("disk_quota"),
            instance_guid=fields.maybe_text("instance_guid"),
        )


class Processes(Client):
    """Reading processes and their instances."""

    def processes(self, app_guid: str) -> list[Process]:
        """List an app's processes."""
        return self._list(v3("apps", app_guid, "processes"), Process.read)

    def process(self, guid: str) -> Process:
        """Read one process, its command too where these credentials may."""
        return self._get(v3("processes", guid), Process.read)

    def stats(self, process_guid: str) -> list[InstanceStats]:
        """Ask what each instance of a process does now, by index; Unavailable when the runtime is away."""
        found = self._get(
            v3("processes", process_guid, "stats"),
            lambda fields: [InstanceStats.read(one) for one in fields.items("resources")],
        )
        return sorted(found, key=lambda one: one.index)

    def scale(
        self,
        process_guid: str,
        *,
        instances: int | None = None,
        memory_in_mb: int | None = None,
        disk_in_mb: int | None = None,
    ) -> Process:
        """Set what is given and leave the rest: instances at once, sizes at the next start.

        It may be repeated: the same twice changes nothing more. Unprocessable beyond a quota, or while a deployment
        is under way.
        """
        sizes = {"instances": instances, "memory_in_mb": memory_in_mb, "disk_in_mb": disk_in_mb}
        payload = {name: value for name, value in sizes.items() if value is not None}
        answer = self._request(
            "POST", v3("processes", process_guid, "actions", "scale"), payload=payload, repeatable=True
        )
        return parsed(answer, Process.read)
