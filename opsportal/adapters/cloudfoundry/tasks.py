"""Tasks: one command in a container of its own, cf-api §6."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.paths import filters, labelled, v3
from opsportal.adapters.cloudfoundry.wire import Fields, Labelled, Metadata, metadata_body

_STATUS = re.compile(r"status (\d{1,9})", re.IGNORECASE)


@dataclass(frozen=True)
class Task(Labelled):
    """A task. ``state`` is PENDING, RUNNING, CANCELING, SUCCEEDED or FAILED; lists leave out ``command``."""

    guid: str
    sequence_id: int | None
    name: str
    command: str | None
    state: str
    failure_reason: str | None
    droplet_guid: str | None
    memory_in_mb: int | None
    disk_in_mb: int | None
    app_guid: str | None
    metadata: Metadata
    created_at: datetime | None
    updated_at: datetime | None

    @property
    def succeeded(self) -> bool:
        """Whether the command ended with status 0."""
        return self.state == "SUCCEEDED"

    @property
    def failed(self) -> bool:
        """Whether it ended otherwise, was cancelled, or never started."""
        return self.state == "FAILED"

    @property
    def finished(self) -> bool:
        """Whether it will not change any more."""
        return self.succeeded or self.failed

    @property
    def exit_status(self) -> int | None:
        """The command's exit status: the API has no field for it, a failure only words (cf-api §6).

        None while it runs, and when it failed without ever having had one.
        """
        if self.succeeded:
            return 0
        found = _STATUS.search(self.failure_reason or "") if self.failed else None
        return int(found.group(1)) if found else None

    @classmethod
    def read(cls, fields: Fields) -> "Task":
        """Read one as the API gives it."""
        return cls(
            guid=fields.guid(),
            sequence_id=fields.maybe_whole("sequence_id"),
            name=fields.text("name"),
            command=fields.maybe_text("command"),
            state=fields.text("state"),
            failure_reason=fields.within("result").maybe_text("failure_reason"),
            droplet_guid=fields.maybe_text("droplet_guid"),
            memory_in_mb=fields.maybe_whole("memory_in_mb"),
            disk_in_mb=fields.maybe_whole("disk_in_mb"),
            app_guid=fields.related("app"),
            metadata=Metadata.read(fields),
            created_at=fields.maybe_moment("created_at"),
            updated_at=fields.maybe_moment("updated_at"),
        )


class Tasks(Client):
    """Running tasks; a name that is a task's own lets its log lines be told apart."""

    def create_task(
        self,
        app_guid: str,
        command: str,
        name: str,
        labels: Mapping[str, str] | None = None,
        *,
        memory_in_mb: int | None = None,
        disk_in_mb: int | None = None,
    ) -> Task:
        """Run a command of at most 4,096 characters on the app's current droplet, even of a stopped app."""
        payload: dict[str, Any] = {"command": command, "name": name, **metadata_body(labels)}
        sizes = {"memory_in_mb": memory_in_mb, "disk_in_mb": disk_in_mb}
        payload |= {key: value for key, value in sizes.items() if value is not None}
        return self._post(v3("apps", app_guid, "tasks"), payload, Task.read)

    def task(self, guid: str) -> Task:
        """Ask how a task stands."""
        return self._get(v3("tasks", guid), Task.read)

    def tasks(
        self,
        app_guid: str,
        *,
        labels: Mapping[str, str | None] | None = None,
        names: Iterable[str] | None = None,
    ) -> list[Task]:
        """List an app's tasks, newest first."""
        params = filters(names=names, order_by=["-created_at"]) | labelled(labels)
        return self._list(v3("apps", app_guid, "tasks"), Task.read, params)

    def cancel_task(self, guid: str) -> Task:
        """Ask for a task's end; it is CANCELING, then FAILED. Unprocessable once it has ended."""
        return self._post(v3("tasks", guid, "actions", "cancel"), None, Task.read)
