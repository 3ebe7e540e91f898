"""Packages: what is already on the platform, and sending the rest; cf-api §4.4."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from opsportal.adapters.cloudfoundry.answers import parsed
from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.multipart import BitsForm
from opsportal.adapters.cloudfoundry.paths import filters, labelled, v3
from opsportal.adapters.cloudfoundry.wire import Fields, Labelled, Metadata, metadata_body

_MOST_RESOURCES = 5000


@dataclass(frozen=True)
class Resource:
    """A file by its content: ``sha1`` in hex, ``size`` in bytes, ``mode`` as octal text such as "644"."""

    path: str
    sha1: str
    size: int
    mode: str = "644"

    @classmethod
    def read(cls, fields: Fields) -> "Resource":
        """Read one as the API gives it."""
        sha1 = fields.within("checksum").text("value")
        size, mode = fields.whole("size_in_bytes"), fields.maybe_text("mode")
        return cls(fields.text("path"), sha1, size, mode or "644")

    def body(self) -> dict[str, Any]:
        """Give it the way the API takes it."""
        return {
            "path": self.path,
            "mode": self.mode,
            "checksum": {"value": self.sha1},
            "size_in_bytes": self.size,
        }


@dataclass(frozen=True)
class Package(Labelled):
    """An app's source on the platform.

    ``state`` is AWAITING_UPLOAD, PROCESSING_UPLOAD, COPYING, READY, FAILED (see ``error``) or EXPIRED;
    ``checksum`` is None until the upload has been worked through.
    """

    guid: str
    type: str
    state: str
    error: str | None
    checksum: str | None
    checksum_type: str | None
    app_guid: str | None
    metadata: Metadata
    created_at: datetime | None
    updated_at: datetime | None

    @property
    def ready(self) -> bool:
        """Whether it can be staged."""
        return self.state == "READY"

    @property
    def failed(self) -> bool:
        """Whether it will never be ready."""
        return self.state in {"FAILED", "EXPIRED"}

    @classmethod
    def read(cls, fields: Fields) -> "Package":
        """Read one as the API gives it."""
        data = fields.within("data")
        return cls(
            guid=fields.guid(),
            type=fields.maybe_text("type") or "bits",
            state=fields.text("state"),
            error=data.maybe_text("error"),
            checksum=data.within("checksum").maybe_text("value"),
            checksum_type=data.within("checksum").maybe_text("type"),
            app_guid=fields.related("app"),
            metadata=Metadata.read(fields),
            created_at=fields.maybe_moment("created_at"),
            updated_at=fields.maybe_moment("updated_at"),
        )


class Packages(Client):
    """Making packages, sending only what the platform lacks."""

    def match_resources(self, resources: Iterable[Resource]) -> list[Resource]:
        """Ask which of these files the platform has already; empty ones are not asked about.

        Asks in portions of 5,000. It changes nothing, so unlike other POSTs it is repeated when it fails.
        """
        found: list[Resource] = []
        worth_asking = (one for one in resources if one.size > 0)
        while portion := list(islice(worth_asking, _MOST_RESOURCES)):
            payload = {"resources": [one.body() for one in portion]}
            answer = self._request("POST", v3("resource_matches"), payload=payload, repeatable=True)
            found += parsed(answer, lambda fields: [Resource.read(one) for one in fields.items("resources")])
        return found

    def create_package(self, app_guid: str, labels: Mapping[str, str] | None = None) -> Package:
        """Make a package that waits for its bits."""
        payload = {
            "type": "bits",
            "relationships": {"app": {"data": {"guid": app_guid}}},
            **metadata_body(labels),
        }
        return self._post(v3("packages"), payload, Package.read)

    def upload_bits(
        self,
        package_guid: str,
        resources: Iterable[Resource],
        bits: BinaryIO | Path | None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Package:
        """Send a package's content: the files matched before, by name, and a zip of the others, streamed.

        ``bits`` is a file or its path (None when all was matched); an open file is sent from where it stands
        and must be seekable. ``on_progress(sent, total)`` is told bytes of the zip, every half a megabyte or
        oftener. Never holds the file in memory. A package takes one upload: a second one is Unprocessable with title
        CF-PackageBitsAlreadyUploaded. Raises BodyUnreadable when the file cannot be read or shrinks.
        """
        listed = json.dumps([one.body() for one in resources]).encode()
        form = BitsForm(listed, bits, on_progress)
        answer = self._request(
            "POST",
            v3("packages", package_guid, "upload"),
            headers={"Content-Type": form.content_type},
            body=form.open,
            timeout=self._upload_timeout,
        )
        return parsed(answer, Package.read)

    def package(self, guid: str) -> Package:
        """Ask how a package stands."""
        return self._get(v3("packages", guid), Package.read)

    def packages(
        self,
        app_guid: str,
        *,
        labels: Mapping[str, str | None] | None = None,
        states: Iterable[str] | None = None,
    ) -> list[Package]:
        """List an app's packages, newest first."""
        params = filters(app_guids=[app_guid], states=states, order_by=["-created_at"]) | labelled(labels)
        return self._list(v3("packages"), Package.read, params)

    def packages_under_way(self) -> set[str]:
        """Guids of all packages whose bits the platform still reads, in every space these credentials see."""
        return set(self._list(v3("packages"), Fields.guid, filters(states=["PROCESSING_UPLOAD", "COPYING"])))
