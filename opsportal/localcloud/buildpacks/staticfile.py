"""Directories of files to serve: by Python's own server, for there is no other on the machine for sure."""

from __future__ import annotations

from pathlib import Path

from .base import BuildpackFailed, Compiled, Staging, procfile


class StaticfileBuildpack:
    """Serves what lies in the directory, or in the `root:` that the Staticfile names."""

    def detect(self, app: Path) -> bool:
        """There is a Staticfile."""
        return (app / "Staticfile").is_file()

    def compile(self, staging: Staging) -> Compiled:
        """Move nothing; say how to serve."""
        staging.out("-----> Staticfile Buildpack version 1.6.0")
        root = _root(staging.app)
        if not (staging.app / root).resolve().is_relative_to(staging.app.resolve()):
            raise BuildpackFailed(
                f"the application Staticfile specifies a root location {root} outside of it"
            )
        if not (staging.app / root).is_dir():
            raise BuildpackFailed(
                f"the application Staticfile specifies a root location {root} that does not exist"
            )
        staging.out(f"-----> Root folder {root}")
        serve = f'python -m http.server --bind 127.0.0.1 --directory "{root}" $PORT'
        return Compiled({"web": serve, **procfile(staging.app)}, "staticfile", "1.6.0")


def _root(app: Path) -> str:
    path = app / "Staticfile"
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and name.strip() == "root" and value.strip():
            return value.strip()
    return "."
