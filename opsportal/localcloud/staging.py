"""Staging: a package becomes a droplet, its story going live into the app's log (platform API §4.5)."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import vcap
from .app_life import audit_app
from .blobs import BadBits
from .buildpacks import BUILDPACKS, BuildpackFailed, Compiled, Staging
from .cell.environment import system_environment
from .context import SYSTEM
from .retention import expire_droplets

if TYPE_CHECKING:
    from .runtime import Runtime
    from .store import Document

log = logging.getLogger(__name__)

NOT_DETECTED = "NoAppDetectedError - An app was not successfully detected by any available buildpack"
INTERRUPTED = "StagingError - Staging error: staging was interrupted by a restart of the platform"


class StagingFailed(Exception):
    """A build ends as FAILED; the text is its error: "`Id` - description"."""


def known_buildpack(name: str) -> str | None:
    """The buildpack that a name or a Git address of a lifecycle means, or None."""
    if name in BUILDPACKS:
        return name
    if "://" in name:
        return next((one for one in BUILDPACKS if one.removesuffix("_buildpack") in name), None)
    return None


class Stager:
    """Stages builds, a few side by side."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._cloud = runtime.cloud

    def stage(self, build_guid: str, asked_at: float) -> None:
        """Do a build's work (in a thread of its own); `asked_at` as in `time.monotonic()`."""
        build = self._cloud.store.get("build", build_guid)
        app = self._cloud.store.get("app", (build or {}).get("app_guid", ""))
        if build is None or app is None or build["state"] != "STAGING":
            return
        try:
            droplet = self._make(build, app)
        except StagingFailed as error:
            self._say(app, f"Failed to stage build: {error}", "ERR")
            self._after(asked_at, self._fail, build, app, str(error))
        except Exception as error:
            log.exception("build %s failed", build_guid)
            text = f"StagingError - Staging error: {type(error).__name__}: {error}"
            self._after(asked_at, self._fail, build, app, text)
        else:
            self._after(asked_at, self._finish, build, app, droplet)

    def _after(self, asked_at: float, callback: Any, *arguments: Any) -> None:
        wait = asked_at + self._cloud.knobs.staging_seconds - time.monotonic()
        if wait > 0:
            self._runtime.later(wait, callback, *arguments)
        else:
            callback(*arguments)

    def _say(self, app: Document, text: str, stream: str = "OUT") -> None:
        self._runtime.say(app["guid"], "STG", text, stream)

    def _make(self, build: Document, app: Document) -> dict[str, Any]:
        blobs = self._runtime.blobs
        names = [known_buildpack(name) or name for name in build["lifecycle"]["data"]["buildpacks"] or []]
        for name in names or list(BUILDPACKS):
            self._say(app, f"Downloading {name}...")
            self._say(app, f"Downloaded {name}")
        self._say(app, f"Cell creating container for instance {build['guid']}")
        with blobs.temporary_directory() as scratch:
            home = Path(scratch)
            (home / "app").mkdir()
            (home / "tmp").mkdir()
            self._say(app, "Downloading app package...")
            try:
                blobs.unpack_package(build["package_guid"], home / "app")
            except (BadBits, OSError) as error:
                raise StagingFailed(f"StagingError - Staging error: {error}") from error
            size = blobs.package(build["package_guid"]).stat().st_size
            self._say(app, f"Downloaded app package ({_human(size)})")
            chosen, compiled = self._compile(names, home, app)
            self._say(app, "Exit status 0")
            (home / "tmp").rmdir() if not any((home / "tmp").iterdir()) else None
            guid = self._runtime.new_guid()
            checksum = blobs.keep_droplet(guid, home)
        return {
            "guid": guid,
            "checksum": checksum,
            "buildpacks": chosen,
            "process_types": compiled.process_types,
        }

    def _compile(self, names: list[str], home: Path, app: Document) -> tuple[list[dict[str, Any]], Compiled]:
        environment = {
            **vcap.environment(self._cloud, app, "staging"),
            **system_environment(self._runtime.cell.shims, home, self._runtime.cell.markers),
        }
        staging = Staging(home / "app", environment, lambda stream, text: self._say(app, text, stream))
        if not names:
            found = next((name for name, one in BUILDPACKS.items() if one.detect(home / "app")), None)
            if found is None:
                raise StagingFailed(NOT_DETECTED)
            names = [found]
        process_types: dict[str, str] = {}
        chosen = []
        for name in names:
            if name not in BUILDPACKS:
                raise StagingFailed(f"BuildpackCompileFailed - Buildpack {name} is not on this platform")
            try:
                compiled = BUILDPACKS[name].compile(staging)
            except BuildpackFailed as error:
                self._say(app, f" **ERROR** {error}", "ERR")
                self._say(
                    app, "Failed to compile droplet: Failed to run finalize script: exit status 12", "ERR"
                )
                self._say(app, "Exit status 223", "ERR")
                text = "App staging failed in the buildpack compile phase"
                raise StagingFailed(f"BuildpackCompileFailed - {text}") from error
            process_types |= compiled.process_types
            chosen.append(_shown(name, compiled))
        return chosen, Compiled(process_types, chosen[-1]["detect_output"], chosen[-1]["version"])

    def _finish(self, build: Document, app: Document, made: dict[str, Any]) -> None:
        store = self._cloud.store
        size = self._runtime.blobs.droplet(made["guid"]).stat().st_size
        self._say(app, "Uploading droplet, build artifacts cache...")
        self._say(app, f"Uploaded droplet ({_human(size)})")
        self._say(app, "Uploading complete")
        with store.lock:
            if store.get("app", app["guid"]) is None or store.get("build", build["guid"]) is None:
                self._runtime.blobs.delete(self._runtime.blobs.droplet(made["guid"]))
                return
            droplet = store.create(
                "droplet",
                {
                    "guid": made["guid"],
                    "state": "STAGED",
                    "error": None,
                    "lifecycle": build["lifecycle"],
                    "execution_metadata": "",
                    "process_types": made["process_types"],
                    "checksum": {"type": "sha256", "value": made["checksum"]},
                    "buildpacks": made["buildpacks"],
                    "stack": build["lifecycle"]["data"].get("stack"),
                    "app_guid": app["guid"],
                    "package_guid": build["package_guid"],
                    "metadata": {"labels": {}, "annotations": {}},
                },
            )
            store.update("build", build["guid"], state="STAGED", droplet_guid=droplet["guid"])
        expire_droplets(self._cloud, app["guid"])
        self._say(app, f"Cell stopping instance {build['guid']}")
        self._say(app, f"Cell destroying container for instance {build['guid']}")
        data = {"build_guid": build["guid"], "package_guid": build["package_guid"]}
        audit_app(self._cloud, "audit.app.build.staged", SYSTEM, app, data)

    def _fail(self, build: Document, app: Document, error: str) -> None:
        store = self._cloud.store
        with store.lock:
            if store.get("build", build["guid"]) is None:
                return
            store.update("build", build["guid"], state="FAILED", error=error)
        self._say(app, f"Cell destroying container for instance {build['guid']}")
        data = {"build_guid": build["guid"], "package_guid": build["package_guid"], "error": error}
        audit_app(self._cloud, "audit.app.build.failed", SYSTEM, app, data)


def _shown(name: str, compiled: Compiled) -> dict[str, Any]:
    return {
        "name": name,
        "detect_output": compiled.detected,
        "version": compiled.version,
        "buildpack_name": compiled.detected,
    }


def _human(size: int) -> str:
    for unit in ("B", "K", "M"):
        if size < 1024:
            return f"{size:.0f}{unit}" if unit == "B" else f"{size:.1f}{unit}"
        size //= 1024
    return f"{size:.1f}G"
