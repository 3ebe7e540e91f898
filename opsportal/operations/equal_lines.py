"""The ``cf`` and ``git`` lines that do by hand what an operation does, ready to copy. No secret is in them."""

import posixpath
import shlex
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from opsportal.environments import platform
from opsportal.environments.models import Environment
from opsportal.operations import equal_lines_chores
from opsportal.operations.equal_lines_place import line, log_in, task


def deploy(environment: Environment, params: Mapping[str, Any]) -> list[str]:
    """What a deploy is by hand: source, assets, push, migrate, look."""
    ref, commit = str(params["ref"]), str(params.get("commit") or params["ref"])
    manifest = platform.manifest_path(environment.name)
    variables = {
        "GIT_COMMIT_SHA": commit,
        "GIT_TAG" if params.get("ref_kind") == "tag" else "GIT_BRANCH": ref,
    }
    lines = [line("git", "fetch", "--tags", "origin"), line("git", "checkout", "--detach", commit)]
    if settings.ASSET_BUILD_COMMAND:
        lines.append(f"(cd {shlex.quote(_source_folder(manifest))} && {settings.ASSET_BUILD_COMMAND})")
    lines += log_in(environment)
    given = [part for name, value in variables.items() for part in ("--var", f"{name}={value}")]
    lines.append(line("cf", "push", "-f", manifest, *given, "--strategy", "rolling"))
    if params.get("migrate"):
        lines.append(task(environment, settings.MIGRATE_COMMAND, "migrate"))
    if environment.routes:
        lines.append(line("curl", f"{environment.routes[0]}/version"))
    return lines


def look(environment: Environment) -> list[str]:
    """What a person types to see for themselves."""
    return [
        *log_in(environment),
        line("cf", "app", environment.app_name),
        line("cf", "logs", environment.app_name, "--recent"),
        line("cf", "events", environment.app_name),
    ]


def for_operation(kind: str, environment: Environment, params: Mapping[str, Any]) -> list[str]:
    """The lines of one operation; for a kind without lines of its own, how to look."""
    lines = deploy if kind == "deploy" else equal_lines_chores.LINES.get(kind)
    return lines(environment, params) if lines else look(environment)


def _source_folder(manifest: str) -> str:
    """Where the team's manifests say the source is: beside the folder that holds them."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(manifest), "../../src"))
