"""What turns source into something that runs: it looks at the files, prepares them, and says the start command."""

from __future__ import annotations

from . import binary, python, staticfile
from .base import Buildpack, BuildpackFailed, Compiled, Staging

BUILDPACKS: dict[str, Buildpack] = {
    "staticfile_buildpack": staticfile.StaticfileBuildpack(),
    "python_buildpack": python.PythonBuildpack(),
    "binary_buildpack": binary.BinaryBuildpack(),
}

__all__ = ["BUILDPACKS", "Buildpack", "BuildpackFailed", "Compiled", "Staging"]
