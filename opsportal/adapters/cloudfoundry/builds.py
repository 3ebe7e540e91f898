"""Builds and the droplets they make, cf-api §4.5 and §8.6."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.errors import NotFound
from opsportal.adapters.cloudfoundry.paths import filters, labelled, v3
from opsportal.adapters.cloudfoundry.wire import Fields, Labelled, Metadata, metadata_body


@dataclass(frozen=True)
class Build(Labelled):
    """One staging of a package. ``state`` is STAGING, STAGED or FAILED; then ``error`` says "Id - words"."""

    guid: str
    state: str
    error: str | None
    package_guid: str | None
    droplet_guid: str | None
    app_guid: str | None
    created_by: str | None
    metadata: Metadata
    created_at: datetime | None
    updated_at: datetime | None

    @property
    def staged(self) -> bool:
        """Whether it made a droplet."""
        return self.state == "STAGED"

    @property
    def failed(self) -> bool:
        """Whether it ended without one."""
        return self.state == "FAILED"

    @property
    def finished(self) -> bool:
        """Whether it will not change any more."""
        return self.staged or self.failed

    @classmethod
    def read(cls, fields: Fields) -> "Build":
        """Read one as the API gives it; a staged one without a droplet is misshapen."""
        build = cls(
            guid=fields.guid(),
            state=fields.text("state"),
            error=fields.maybe_text("error"),
            package_guid=fields.within("package").maybe_text("guid"),
            droplet_guid=fields.within("droplet").maybe_text("guid"),
            app_guid=fields.related("app"),
            created_by=fields.within("created_by").maybe_text("name"),
            metadata=Metadata.read(fields),
            created_at=fields.maybe_moment("created_at"),
            updated_at=fields.maybe_moment("updated_at"),
        )
        if build.staged:
            fields.within("droplet").guid()
        return build


@dataclass(frozen=True)
class Droplet(Labelled):
    """What runs. ``checksum`` (a sha256) proves that two are the same; lists hide the process types."""

    guid: str
    state: str
    error: str | None
    checksum: str | None
    checksum_type: str | None
    buildpacks: tuple[str, ...]
    stack: str | None
    process_types: Mapping[str, str]
    app_guid: str | None
    package_guid: str | None
    metadata: Metadata
    created_at: datetime | None
    updated_at: datetime | None

    @property
    def staged(self) -> bool:
        """Whether it can be deployed."""
        return self.state == "STAGED"

    @classmethod
    def read(cls, fields: Fields) -> "Droplet":
        """Read one as the API gives it."""
        checksum = fields.within("checksum")
        return cls(
            guid=fields.guid(),
            state=fields.text("state"),
            error=fields.maybe_text("error"),
            checksum=checksum.maybe_text("value"),
            checksum_type=checksum.maybe_text("type"),
            buildpacks=tuple(one.maybe_text("name") or "" for one in fields.maybe_items("buildpacks")),
            stack=fields.maybe_text("stack"),
            process_types=fields.hidden_texts("process_types"),
            app_guid=fields.related("app"),
            package_guid=fields.linked("package"),
            metadata=Metadata.read(fields),
            created_at=fields.maybe_moment("created_at"),
            updated_at=fields.maybe_moment("updated_at"),
        )


class Builds(Client):
    """Staging packages into droplets."""

    def create_build(self, package_guid: str, labels: Mapping[str, str] | None = None) -> Build:
        """Start staging a READY package; Unprocessable with CF-StagingInProgress while another one stages."""
        payload = {"package": {"guid": package_guid}, **metadata_body(labels)}
        return self._post(v3("builds"), payload, Build.read)

    def build(self, guid: str) -> Build:
        """Ask how a build stands."""
        return self._get(v3("builds", guid), Build.read)

    def builds(self, app_guid: str, *, labels: Mapping[str, str | None] | None = None) -> list[Build]:
        """List an app's builds, newest first."""
        params = filters(app_guids=[app_guid], order_by=["-created_at"]) | labelled(labels)
        return self._list(v3("builds"), Build.read, params)

    def builds_under_way(self) -> set[str]:
        """Guids of all builds that the platform works on, in every space these credentials see: one question."""
        return set(self._list(v3("builds"), Fields.guid, filters(states=["STAGING"])))

    def droplet(self, guid: str) -> Droplet:
        """Read a droplet."""
        return self._get(v3("droplets", guid), Droplet.read)

    def mark_droplet(
        self,
        guid: str,
        labels: Mapping[str, str | None] | None = None,
        annotations: Mapping[str, str | None] | None = None,
    ) -> Droplet:
        """Set labels and annotations of a droplet, None deletes one; gives the droplet as it is then (cf-api §9)."""
        return self._patch(v3("droplets", guid), metadata_body(labels, annotations), Droplet.read)

    def current_droplet(self, app_guid: str) -> Droplet | None:
        """Read the droplet that an app runs, or None when it has none; NotFound when the app is not there."""
        try:
            return self._get(v3("apps", app_guid, "droplets", "current"), Droplet.read)
        except NotFound as missing:
            if missing.detail.startswith("App"):
                raise
            return None
