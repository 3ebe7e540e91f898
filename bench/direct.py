"""What the local cloud itself needs: the calls of a deploy, driven directly and looked at again very soon.

Nothing of the portal's engine is in between: no database, no queue, no rules, no snapshot, no checks afterwards.
"""

from __future__ import annotations

import heapq
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from opsportal.adapters.cloudfoundry import Foundation
from opsportal.demo import driving
from opsportal.demo.driving import Application, Steps
from opsportal.environments.manifests import for_platform, parse_manifest

LIMIT_S = 600


@dataclass(frozen=True)
class Source:
    """A commit's application: its files by path, and where its manifests lie."""

    repository: Path
    commit: str
    application: Application

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
        return cls(repository, commit, Application(files | (built or {}), programs))

    def manifest(self, environment: str, ref: str) -> str:
        """The manifest as the platform takes it."""
        path = f"ops/manifests/manifest-{environment}.yaml"
        text = _git(self.repository, "show", f"{self.commit}:{path}")
        manifest = parse_manifest(text, environment=environment, app_name="getgov-{environment}", path=path)
        return for_platform(manifest, {"GIT_COMMIT_SHA": self.commit, "GIT_BRANCH": ref, "GIT_TAG": ref})


def deploy(cf: Foundation, source: Source, space: str, manifest: str, app_name: str) -> Steps:
    """One deploy as steps; each ``yield`` is a look that found the platform still at work."""
    return driving.deploy(cf, source.application, space=space, app_name=app_name, manifest=manifest)


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


def _git(repository: Path, *arguments: str) -> bytes:
    return subprocess.run(
        ["git", "-C", str(repository), *arguments], check=True, capture_output=True, timeout=60
    ).stdout
