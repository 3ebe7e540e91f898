"""What the local cloud itself needs: the calls of a deploy, driven directly and looked at again very soon.

Nothing of the portal's engine is in between: no database, no queue, no rules, no snapshot, no checks afterwards.
"""

from __future__ import annotations

import hashlib
import heapq
import io
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from opsportal.adapters.cloudfoundry import Foundation, Resource
from opsportal.environments.manifests import for_platform, parse_manifest

Steps = Iterator[None]
LIMIT_S = 600


@dataclass(frozen=True)
class Source:
    """A commit's application: its files by path, and where its manifests lie."""

    repository: Path
    commit: str
    files: dict[str, bytes]
    programs: frozenset[str]

    @classmethod
    def at(cls, repository: Path, ref: str, built: dict[str, bytes] | None = None) -> Source:
        """The files below src/ at a ref, with ``built`` on top."""
        commit = _git(repository, "rev-parse", f"refs/heads/{ref}").decode().strip()
        listing = _git(repository, "ls-tree", "-r", commit, "src").decode().splitlines()
        modes = {name: about.split()[0] for about, _, name in (line.partition("\t") for line in listing)}
        files = {name.removeprefix("src/"): _git(repository, "show", f"{commit}:{name}") for name in modes}
        programs = frozenset(
            name.removeprefix("src/") for name, mode in modes.items() if mode.endswith("755")
        )
        return cls(repository, commit, files | (built or {}), programs)

    def mode(self, path: str) -> str:
        """A file's mode, as the platform writes it."""
        return "755" if path in self.programs else "644"

    def manifest(self, environment: str, ref: str) -> str:
        """The manifest as the platform takes it."""
        path = f"ops/manifests/manifest-{environment}.yaml"
        text = _git(self.repository, "show", f"{self.commit}:{path}")
        manifest = parse_manifest(text, environment=environment, app_name="getgov-{environment}", path=path)
        return for_platform(manifest, {"GIT_COMMIT_SHA": self.commit, "GIT_BRANCH": ref, "GIT_TAG": ref})


def deploy(cf: Foundation, source: Source, space: str, manifest: str, app_name: str) -> Steps:
    """One deploy as steps; each ``yield`` is a look that found the platform still at work."""
    app = cf.app(app_name, space) or cf.create_app(app_name, space)
    wanted = [
        Resource(path, hashlib.sha1(data, usedforsecurity=False).hexdigest(), len(data), source.mode(path))
        for path, data in source.files.items()
        if data
    ]
    known = cf.match_resources(wanted)
    have = {each.path for each in known}
    package = cf.create_package(app.guid)
    bits = _zip(source, [path for path in source.files if path not in have])
    package = cf.upload_bits(package.guid, known, bits)
    while package.state != "READY":
        yield
        package = cf.package(package.guid)
    job = cf.apply_manifest(space, manifest)
    while not (state := cf.job(job.guid)).finished:
        yield
    if state.failed:
        raise RuntimeError(f"manifest: {state.errors}")
    build = cf.create_build(package.guid)
    while build.state == "STAGING":
        yield
        build = cf.build(build.guid)
    if not build.droplet_guid:
        raise RuntimeError(f"staging: {build.error}")
    deployment = cf.create_deployment(app.guid, droplet_guid=build.droplet_guid)
    while not deployment.finished:
        yield
        deployment = cf.deployment(deployment.guid)
    web = [each.guid for each in cf.processes(app.guid) if each.type == "web"][-1]
    while not all(each.state == "RUNNING" for each in cf.stats(web)):
        yield


def run(deploys: Sequence[Callable[[], Steps]], *, every: float, threads: int) -> float:
    """Carry all out at once, looking at each every ``every`` seconds, with so many threads. Seconds it took."""
    due = [(0.0, number, None) for number in range(len(deploys))]
    heap: list[tuple[float, int, Steps | None]] = list(due)
    waiting, left, failed = threading.Condition(), [len(deploys)], list[BaseException]()
    began = time.monotonic()

    def work() -> None:
        while True:
            with waiting:
                while left[0] and not failed and (not heap or heap[0][0] > time.monotonic() - began):
                    pause = heap[0][0] - (time.monotonic() - began) if heap else 0.5
                    waiting.wait(max(0.001, pause))
                if not left[0] or failed:
                    return
                _, number, steps = heapq.heappop(heap)
            try:
                if time.monotonic() - began > LIMIT_S:
                    raise TimeoutError("a direct deploy did not end")
                steps = steps or deploys[number]()
                ended = next(steps, waiting) is waiting
            except Exception as error:
                ended = True
                failed.append(error)
            with waiting:
                if ended:
                    left[0] -= 1
                else:
                    heapq.heappush(heap, (time.monotonic() - began + every, number, steps))
                waiting.notify_all() if not left[0] or failed else waiting.notify()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    if failed:
        raise failed[0]
    return time.monotonic() - began


def spaces_of(cf: Foundation, organization: str) -> dict[str, str]:
    """Space name → guid."""
    found = cf.organization(organization)
    if found is None:
        raise RuntimeError(f"there is no organization {organization}")
    return {each.name: each.guid for each in cf.spaces(found.guid)}


def _zip(source: Source, paths: Sequence[str]) -> io.BytesIO | None:
    if not paths:
        return None
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            member = zipfile.ZipInfo(path)
            member.external_attr = (0o100000 | int(source.mode(path), 8)) << 16
            archive.writestr(member, source.files[path])
    made.seek(0)
    return made


def _git(repository: Path, *arguments: str) -> bytes:
    return subprocess.run(
        ["git", "-C", str(repository), *arguments], check=True, capture_output=True, timeout=60
    ).stdout
