"""Python applications, without a network: what they require must be installed beside the local cloud already."""

from __future__ import annotations

import importlib.metadata
import platform
import re
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from .base import BuildpackFailed, Compiled, Staging, procfile

VERSION = "1.8.0"
SIGNS = ("requirements.txt", "setup.py", "Pipfile", "pyproject.toml", "environment.yml", "manage.py")


class PythonBuildpack:
    """Checks requirements and collects static files, in the words of the real buildpack where they help."""

    def detect(self, app: Path) -> bool:
        """There is a file that only Python applications have."""
        return any((app / sign).is_file() for sign in SIGNS)

    def compile(self, staging: Staging) -> Compiled:
        """Check the Python version and the requirements, collect static files; `BuildpackFailed` otherwise."""
        staging.out(f"-----> Python Buildpack version {VERSION}")
        self._check_runtime(staging)
        self._check_requirements(staging)
        self._collect_static(staging)
        return Compiled(_process_types(staging.app), "python", VERSION)

    def _check_runtime(self, staging: Staging) -> None:
        have = platform.python_version()
        path = staging.app / "runtime.txt"
        wanted = path.read_text(errors="replace").strip() if path.is_file() else ""
        staging.out("-----> Supplying Python")
        numbers = re.fullmatch(r"python-(\d+)(?:\.(\d+|x))?(?:\.(\d+|x))?", wanted)
        if wanted and not numbers:
            raise BuildpackFailed(f"Could not install python: no match found for {wanted}")
        staging.out(f"-----> Installing python {have}")
        if numbers and not _same_minor(numbers.groups(), have):
            staging.out(f"       **WARNING** {wanted} was asked for; this cloud has only python {have}")

    def _check_requirements(self, staging: Staging) -> None:
        path = staging.app / "requirements.txt"
        if not path.is_file():
            return
        staging.out("-----> Running Pip Install (without a network: everything must be installed already)")
        missing = [problem for line in _entries(path) for problem in _problems(line)]
        for problem in missing:
            staging.say("ERR", f"       ERROR: {problem}")
        if missing:
            raise BuildpackFailed("Could not install pip packages: " + "; ".join(missing))

    def _collect_static(self, staging: Staging) -> None:
        off = staging.environment.get("DISABLE_COLLECTSTATIC", "0") not in ("", "0")
        if off or not (staging.app / "manage.py").is_file():
            return
        staging.out("-----> Running python manage.py collectstatic --noinput --traceback")
        status = staging.run(["python", "manage.py", "collectstatic", "--noinput", "--traceback"])
        if status:
            staging.say("ERR", " !     Error while running '$ python manage.py collectstatic --noinput'.")
            staging.say("ERR", "       You may need to update application code to resolve this error.")
            staging.say("ERR", "       Or, you can disable collectstatic for this application:")
            staging.say("ERR", "          $ cf set-env <app> DISABLE_COLLECTSTATIC 1")
            raise BuildpackFailed(f"python manage.py collectstatic exited with status {status}")


def _same_minor(wanted: tuple[str | None, ...], have: str) -> bool:
    mine = have.split(".")
    return all(part in (None, "x", own) for part, own in zip(wanted[:2], mine, strict=False))


def _entries(path: Path) -> list[str]:
    """The requirement lines of a file: comments, hashes and options away, continued lines joined."""
    text = re.sub(r"\\\r?\n", " ", path.read_text(errors="replace"))
    lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in text.splitlines())
    return [re.split(r"\s+--", line)[0].strip() for line in lines if line and not line.startswith("-")]


def _problems(line: str) -> list[str]:
    try:
        wanted = Requirement(line)
    except InvalidRequirement:
        return [f"Invalid requirement: {line!r}"]
    if wanted.marker is not None and not wanted.marker.evaluate():
        return []
    try:
        have = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError:
        return [f"No matching distribution found for {line} (it is not installed beside the local cloud)"]
    if wanted.specifier and not wanted.specifier.contains(have, prereleases=True):
        return [f"No matching distribution found for {line} (installed beside the local cloud: {have})"]
    return []


def _process_types(app: Path) -> dict[str, str]:
    given = procfile(app)
    if "web" not in given and (app / "manage.py").is_file():
        modules = sorted(path.parent.name for path in app.glob("*/wsgi.py"))
        if modules:
            return {"web": f"gunicorn {modules[0]}.wsgi --bind 0.0.0.0:$PORT", **given}
    return given
