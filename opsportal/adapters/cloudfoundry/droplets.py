"""Droplets from elsewhere: listed, copied, or downloaded and uploaded again; cf-api §8.6."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from opsportal.adapters.cloudfoundry.answers import parsed, refusal
from opsportal.adapters.cloudfoundry.builds import Droplet
from opsportal.adapters.cloudfoundry.calls import Bearer, Call
from opsportal.adapters.cloudfoundry.client import Client
from opsportal.adapters.cloudfoundry.errors import BadAnswer
from opsportal.adapters.cloudfoundry.multipart import BitsForm
from opsportal.adapters.cloudfoundry.paths import filters, labelled, v3
from opsportal.adapters.cloudfoundry.wire import metadata_body
from opsportal.kit.http import MOVED, NoAuth

_TOGETHER = 3600.0  # seconds for a whole download
_MOST_HOPS = 4


class Droplets(Client):
    """What moves a droplet from one app to another."""

    def droplets(
        self,
        app_guid: str,
        *,
        labels: Mapping[str, str | None] | None = None,
        states: Iterable[str] | None = None,
    ) -> list[Droplet]:
        """List an app's droplets, newest first; their process types are hidden here."""
        params = filters(app_guids=[app_guid], states=states, order_by=["-created_at"]) | labelled(labels)
        return self._list(v3("droplets"), Droplet.read, params)

    def copy_droplet(
        self, source_guid: str, app_guid: str, labels: Mapping[str, str] | None = None
    ) -> Droplet:
        """Start copying a STAGED droplet to another app, also across spaces; it is COPYING until it is STAGED.

        Needs the right to read the source and to develop the destination: else NotFound, NotAuthorized or Unprocessable.
        """
        answer = self._request(
            "POST",
            v3("droplets"),
            params={"source_guid": source_guid},
            payload={"relationships": {"app": {"data": {"guid": app_guid}}}, **metadata_body(labels)},
        )
        return parsed(answer, Droplet.read)

    def create_droplet(
        self, app_guid: str, process_types: Mapping[str, str], labels: Mapping[str, str] | None = None
    ) -> Droplet:
        """Make a droplet that waits for its bits; the start commands must be told (cf-api §8.6)."""
        payload: dict[str, Any] = {
            "relationships": {"app": {"data": {"guid": app_guid}}},
            "process_types": dict(process_types),
            **metadata_body(labels),
        }
        return self._post(v3("droplets"), payload, Droplet.read)

    def upload_droplet(
        self, guid: str, bits: Path, on_progress: Callable[[int, int], None] | None = None
    ) -> Droplet:
        """Send a droplet's bits (a tar.gz), streamed; a droplet takes one upload."""
        form = BitsForm(None, bits, on_progress, filename="droplet.tgz", content_type="application/gzip")
        answer = self._request(
            "POST",
            v3("droplets", guid, "upload"),
            headers={"Content-Type": form.content_type},
            body=form.open,
            timeout=self._upload_timeout,
        )
        return parsed(answer, Droplet.read)

    def download_droplet(
        self,
        guid: str,
        target: Path,
        *,
        max_bytes: int,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Write a droplet's bits to a file, streamed; gives its size in bytes.

        The platform may answer with a signed address elsewhere: there the token does not go along. BadAnswer when it
        is larger than ``max_bytes``; whatever was written by then is left to the caller.
        """
        url = self._absolute(v3("droplets", guid, "download"))
        with target.open("wb") as file:

            def take(block: bytes, total: int) -> None:
                file.write(block)
                if on_progress:
                    on_progress(file.tell(), total)

            for _ in range(_MOST_HOPS):
                auth = Bearer(self._tokens.current()) if self._is_trusted(url) else NoAuth()
                call = Call("GET", url, auth=auth, timeout=self._upload_timeout)
                answer = self._transport.stream(call, take, max_bytes=max_bytes, seconds=_TOGETHER)
                if answer.status == 200:
                    return file.tell()
                if answer.status not in MOVED or not answer.headers.get("Location"):
                    raise refusal(answer)
                url = self._followed(url, answer.headers["Location"])
        raise BadAnswer("redirects again and again", method="GET", path=v3("droplets", guid, "download"))
