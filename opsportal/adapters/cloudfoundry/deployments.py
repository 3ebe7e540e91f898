"""Rolling deployments, cf-api §4.7."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.paths import filters, labelled, v3
from opsportal.adapters.cloudfoundry.wire import Fields, Labelled, Metadata, metadata_body


@dataclass(frozen=True)
class NewProcess:
    """A process that a deployment made; its instances tell whether the deployment gets anywhere."""

    guid: str
    type: str


@dataclass(frozen=True)
class Deployment(Labelled):
    """One roll-out. ``status_value`` is ACTIVE or FINALIZED, ``status_reason`` why.

    There is no failed state: when new instances crash it stays ACTIVE until somebody cancels. ``error`` is
    what the platform could not do at its last try, if it says.
    """

    guid: str
    status_value: str
    status_reason: str
    error: str | None
    strategy: str | None
    max_in_flight: int | None
    droplet_guid: str | None
    previous_droplet_guid: str | None
    new_processes: tuple[NewProcess, ...]
    revision_guid: str | None
    revision_version: int | None
    app_guid: str | None
    metadata: Metadata
    created_at: datetime | None
    updated_at: datetime | None

    @property
    def finished(self) -> bool:
        """Whether it will not change any more."""
        return self.status_value == "FINALIZED"

    @property
    def deployed(self) -> bool:
        """Whether the new version has replaced the old one."""
        return self.finished and self.status_reason == "DEPLOYED"

    @property
    def canceled(self) -> bool:
        """Whether it was rolled back."""
        return self.finished and self.status_reason == "CANCELED"

    @property
    def superseded(self) -> bool:
        """Whether a newer deployment of the app took over."""
        return self.finished and self.status_reason == "SUPERSEDED"

    @classmethod
    def read(cls, fields: Fields) -> "Deployment":
        """Read one as the API gives it."""
        status, revision = fields.within("status"), fields.within("revision")
        processes = fields.maybe_items("new_processes")
        return cls(
            guid=fields.guid(),
            status_value=status.text("value"),
            status_reason=status.maybe_text("reason") or "",
            error=status.within("details").maybe_text("error"),
            strategy=fields.maybe_text("strategy"),
            max_in_flight=fields.within("options").maybe_whole("max_in_flight"),
            droplet_guid=fields.within("droplet").maybe_text("guid"),
            previous_droplet_guid=fields.within("previous_droplet").maybe_text("guid"),
            new_processes=tuple(NewProcess(one.guid(), one.text("type")) for one in processes),
            revision_guid=revision.maybe_text("guid"),
            revision_version=revision.maybe_whole("version"),
            app_guid=fields.related("app"),
            metadata=Metadata.read(fields),
            created_at=fields.maybe_moment("created_at"),
            updated_at=fields.maybe_moment("updated_at"),
        )


class Deployments(Client):
    """Rolling an app to a droplet or back to a revision, with the old version serving meanwhile."""

    def create_deployment(
        self,
        app_guid: str,
        droplet_guid: str | None = None,
        revision_guid: str | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        *,
        max_in_flight: int | None = None,
    ) -> Deployment:
        """Start a rolling deployment to a droplet or a revision; to neither, it restarts without downtime.

        A revision also brings back its environment variables and commands (cf-api §8.4). On a stopped app it
        comes back finished at once. Raises ValueError for both a droplet and a revision.
        """
        if droplet_guid and revision_guid:
            raise ValueError("a deployment goes to a droplet or to a revision, not to both")
        payload: dict[str, Any] = {
            "strategy": "rolling",
            "relationships": {"app": {"data": {"guid": app_guid}}},
            **metadata_body(labels, annotations),
        }
        if droplet_guid:
            payload["droplet"] = {"guid": droplet_guid}
        if revision_guid:
            payload["revision"] = {"guid": revision_guid}
        if max_in_flight is not None:
            payload["options"] = {"max_in_flight": max_in_flight}
        return self._post(v3("deployments"), payload, Deployment.read)

    def deployment(self, guid: str) -> Deployment:
        """Ask how a deployment stands."""
        return self._get(v3("deployments", guid), Deployment.read)

    def deployments(
        self,
        app_guid: str,
        *,
        labels: Mapping[str, str | None] | None = None,
        status_values: Iterable[str] | None = None,
        limit: int | None = None,
    ) -> list[Deployment]:
        """List an app's deployments, newest first; ``limit`` as many at most."""
        params = filters(app_guids=[app_guid], status_values=status_values, order_by=["-created_at"])
        return self._list(v3("deployments"), Deployment.read, params | labelled(labels), limit)

    def deployments_under_way(self) -> set[str]:
        """Guids of all deployments that are not finished, in every space these credentials see: one question."""
        return set(self._list(v3("deployments"), Fields.guid, filters(status_values=["ACTIVE"])))

    def cancel_deployment(self, guid: str) -> None:
        """Roll back to the previous droplet; changed variables stay. Unprocessable once it is finished."""
        self._request("POST", v3("deployments", guid, "actions", "cancel"))
