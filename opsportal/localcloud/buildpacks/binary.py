"""Programs that need no building."""

from __future__ import annotations

from pathlib import Path

from .base import Compiled, Staging, procfile


class BinaryBuildpack:
    """Takes the files as they are; it is never detected, only chosen."""

    def detect(self, app: Path) -> bool:
        """Never: anything could be a program."""
        return False

    def compile(self, staging: Staging) -> Compiled:
        """Nothing to do but to read the Procfile."""
        staging.out("-----> Binary Buildpack version 1.1.0")
        return Compiled(procfile(staging.app), "binary", "1.1.0")
