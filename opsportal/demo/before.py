"""`python -m opsportal.demo.before`: what ran before the portal came.

Stable, staging and development run what the team's earlier scripts pushed there, straight to the platform: the portal
finds it, as it would on its first day with a real team. Safe to run again: what is there stays.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import django

from opsportal.demo import driving

PATTERNS = {"stable": r"v[0-9]+\.[0-9]+\.[0-9]+", "staging": r"staging-[0-9]+", "development": "main"}
LIMIT_S, LOOK_S, GIT_S = 150.0, 0.2, 60
FILL = "python manage.py createcachetable && python manage.py migrate --no-input && python manage.py load"


@dataclass(frozen=True)
class Release:
    """What runs on an environment: a tag or branch, and its commit."""

    environment: str
    ref: str
    commit: str

    @property
    def variables(self) -> dict[str, str]:
        """What its manifest asks for."""
        return {"GIT_COMMIT_SHA": self.commit, "GIT_TAG": self.ref, "GIT_BRANCH": self.ref}


def main() -> None:
    """Push what is missing, all at once."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsportal.config.settings")
    django.setup()
    repository = Path(os.environ["GIT_REPOSITORY_URL"].removeprefix("file://"))
    with ThreadPoolExecutor(len(PATTERNS)) as pool:
        pushed = [
            each
            for each in pool.map(lambda release: _push(repository, release), _releases(repository))
            if each
        ]
    if pushed:
        sys.stdout.write(f"Pushed what ran before the portal: {', '.join(pushed)}\n")


def newest(names: list[str], pattern: str) -> str:
    """The last of the names that the pattern takes, by its numbers."""
    fitting = [name for name in names if re.fullmatch(pattern, name)]
    return max(fitting, key=lambda name: [int(each) for each in re.findall(r"[0-9]+", name)])


def _releases(repository: Path) -> list[Release]:
    names = (
        _git(repository, "for-each-ref", "--format=%(refname:short)", "refs/tags", "refs/heads")
        .decode()
        .split("\n")
    )
    refs = {environment: newest(names, pattern) for environment, pattern in PATTERNS.items()}
    return [
        Release(environment, ref, _git(repository, "rev-parse", f"{ref}^{{commit}}").decode().strip())
        for environment, ref in refs.items()
    ]


def _push(repository: Path, release: Release) -> str:
    """Push one release; its words, or nothing where an application is there already."""
    from django.conf import settings  # noqa: PLC0415  settings need Django

    from opsportal.environments import platform  # noqa: PLC0415
    from opsportal.environments.manifests import for_platform, parse_manifest  # noqa: PLC0415

    cf = platform.foundation()
    organization = cf.organization(settings.CF_ORGANIZATION)
    spaces = {each.name: each.guid for each in cf.spaces(organization.guid)} if organization else {}
    space = spaces.get(release.environment)
    name = settings.APP_NAME_PATTERN.format(environment=release.environment)
    if space is None or cf.app(name, space) is not None:
        return ""
    path = settings.MANIFEST_PATTERN.format(environment=release.environment)
    text = _git(repository, "show", f"{release.commit}:{path}")
    manifest = parse_manifest(
        text, environment=release.environment, app_name=settings.APP_NAME_PATTERN, path=path
    )
    application = _application(repository, release.commit, settings.ASSET_BUILD_COMMAND)
    filled = for_platform(manifest, release.variables)
    _to_its_end(driving.deploy(cf, application, space=space, app_name=name, manifest=filled))
    app = cf.app(name, space)
    if app is None:
        raise RuntimeError(f"The platform did not keep the application of {release.environment}.")
    task = cf.create_task(app.guid, command=FILL, name="fill-the-database")
    _until(lambda: cf.task(task.guid).finished)
    return f"{release.environment} {release.ref}"


def _application(repository: Path, commit: str, build: str) -> driving.Application:
    """The application's files at a commit, with its assets built."""
    with tempfile.TemporaryDirectory() as place:
        with tarfile.open(fileobj=io.BytesIO(_git(repository, "archive", commit, "src"))) as archive:
            archive.extractall(place, filter="data")
        source = Path(place) / "src"
        subprocess.run(shlex.split(build), cwd=source, check=True, timeout=GIT_S, capture_output=True)
        return driving.Application.below(source)


def _to_its_end(steps: driving.Steps) -> None:
    ended = object()
    _until(lambda: next(steps, ended) is ended)


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"The local cloud needed more than {LIMIT_S:.0f} seconds.")
        time.sleep(LOOK_S)


def _git(repository: Path, *arguments: str) -> bytes:
    return subprocess.run(
        ["git", "-C", str(repository), *arguments], check=True, capture_output=True, timeout=GIT_S
    ).stdout


if __name__ == "__main__":
    main()
