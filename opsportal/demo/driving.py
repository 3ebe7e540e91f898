"""The platform's calls of a deploy, driven directly: no database, no queue, no rules in between.

What ran before the portal came is pushed this way, and what a deploy is measured against.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from opsportal.adapters.cloudfoundry import Foundation, Resource

#: Each ``yield`` is a look that found the platform still at work.
Steps = Iterator[None]


@dataclass(frozen=True)
class Application:
    """An application's files by path, and which of them may be executed."""

    files: Mapping[str, bytes]
    programs: frozenset[str] = frozenset()

    @classmethod
    def below(cls, directory: Path) -> Application:
        """What lies in a directory."""
        files = [each for each in sorted(directory.rglob("*")) if each.is_file()]
        programs = frozenset(
            str(each.relative_to(directory)) for each in files if each.stat().st_mode & 0o100
        )
        return cls({str(each.relative_to(directory)): each.read_bytes() for each in files}, programs)

    def mode(self, path: str) -> str:
        """A file's mode, as the platform writes it."""
        return "755" if path in self.programs else "644"

    def resources(self) -> list[Resource]:
        """Every file that is not empty, as the platform may know it."""
        return [
            Resource(path, hashlib.sha1(data, usedforsecurity=False).hexdigest(), len(data), self.mode(path))
            for path, data in self.files.items()
            if data
        ]

    def bits(self, paths: Sequence[str]) -> io.BytesIO | None:
        """These files as a zip; None for none."""
        if not paths:
            return None
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in paths:
                member = zipfile.ZipInfo(path)
                member.compress_type = zipfile.ZIP_DEFLATED
                member.external_attr = (0o100000 | int(self.mode(path), 8)) << 16
                archive.writestr(member, self.files[path])
        made.seek(0)
        return made


def deploy(cf: Foundation, application: Application, *, space: str, app_name: str, manifest: str) -> Steps:
    """One deploy as steps: files that are missing, manifest, staging, roll-out, until its instances run.

    Raises RuntimeError when the platform could not do it.
    """
    app = cf.app(app_name, space) or cf.create_app(app_name, space)
    known = cf.match_resources(application.resources())
    have = {each.path for each in known}
    package = cf.create_package(app.guid)
    bits = application.bits([path for path in application.files if path not in have])
    package = cf.upload_bits(package.guid, known, bits)
    while package.state not in {"READY", "FAILED", "EXPIRED"}:
        yield
        package = cf.package(package.guid)
    job = cf.apply_manifest(space, manifest)
    while not (state := cf.job(job.guid)).finished:
        yield
    if state.failed or not package.ready:
        raise RuntimeError(f"{app_name}: {package.error or state.errors}")
    build = cf.create_build(package.guid)
    while build.state == "STAGING":
        yield
        build = cf.build(build.guid)
    if not build.droplet_guid:
        raise RuntimeError(f"staging {app_name}: {build.error}")
    yield from _roll_out(cf, app.guid, build.droplet_guid)


def _roll_out(cf: Foundation, app: str, droplet: str) -> Steps:
    deployment = cf.create_deployment(app, droplet_guid=droplet)
    while not deployment.finished:
        yield
        deployment = cf.deployment(deployment.guid)
    web = [each.guid for each in cf.processes(app) if each.type == "web"][-1]
    while not all(each.state == "RUNNING" for each in cf.stats(web)):
        yield
