"""Retention: of each app only the newest few bits are kept; older ones expire (platform API §4.4, §8.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .running import runtime

if TYPE_CHECKING:
    from .context import Cloud
    from .store import Document

NO_CHECKSUM = {"type": "sha256", "value": None}


def expire_droplets(cloud: Cloud, app_guid: str) -> None:
    """Expire all staged droplets of an app but the current one and the newest that the knob allows beside it."""
    with cloud.store.lock:
        app = cloud.store.get("app", app_guid) or {}
        found = cloud.store.find("droplet", app_guid=app_guid, state="STAGED")
        others = [one for one in found if one["guid"] != app.get("current_droplet_guid")]
        for one in _surplus(others, cloud.knobs.max_staged_droplets):
            cloud.store.update("droplet", one["guid"], state="EXPIRED", checksum=None)
            runtime(cloud).blobs.delete(runtime(cloud).blobs.droplet(one["guid"]))


def expire_packages(cloud: Cloud, app_guid: str) -> None:
    """The same for packages that are ready; the one that the current droplet was made of stays."""
    with cloud.store.lock:
        app = cloud.store.get("app", app_guid) or {}
        droplet = cloud.store.get("droplet", app.get("current_droplet_guid")) or {}
        found = cloud.store.find("package", app_guid=app_guid, state="READY", type="bits")
        staging = {
            one["package_guid"] for one in cloud.store.find("build", app_guid=app_guid, state="STAGING")
        }
        kept = {droplet.get("package_guid"), *staging}
        others = [one for one in found if one["guid"] not in kept]
        for one in _surplus(others, cloud.knobs.max_ready_packages):
            data = {**one["data"], "checksum": NO_CHECKSUM}
            cloud.store.update("package", one["guid"], state="EXPIRED", data=data)
            runtime(cloud).blobs.delete(runtime(cloud).blobs.package(one["guid"]))


def _surplus(oldest_first: list[Document], most: int) -> list[Document]:
    return oldest_first[: max(0, len(oldest_first) - most)]
