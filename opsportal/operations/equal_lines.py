"""The ``cf`` and ``git`` lines that do by hand what an operation does, ready to copy. No secret is in them."""

import posixpath
import shlex
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from opsportal.environments import platform
from opsportal.environments.models import Environment


def log_in(environment: Environment) -> list[str]:
    """Log in and look at the environment's space. The local cloud has passwords and no single sign-on page."""
    single_sign_on = () if settings.CF_IS_LOCAL else ("--sso",)
    return [
        _line("cf", "login", "-a", settings.CF_API_URL, *single_sign_on),
        _line("cf", "target", "-o", settings.CF_ORGANIZATION, "-s", environment.space_name),
    ]


def deploy(environment: Environment, params: Mapping[str, Any]) -> list[str]:
    """What a deploy is by hand: source, assets, push, migrate, look."""
    ref, commit = str(params["ref"]), str(params.get("commit") or params["ref"])
    manifest = platform.manifest_path(environment.name)
    variables = {
        "GIT_COMMIT_SHA": commit,
        "GIT_TAG" if params.get("ref_kind") == "tag" else "GIT_BRANCH": ref,
    }
    lines = [_line("git", "fetch", "--tags", "origin"), _line("git", "checkout", "--detach", commit)]
    if settings.ASSET_BUILD_COMMAND:
        lines.append(f"(cd {shlex.quote(_source_folder(manifest))} && {settings.ASSET_BUILD_COMMAND})")
    lines += log_in(environment)
    given = [part for name, value in variables.items() for part in ("--var", f"{name}={value}")]
    lines.append(_line("cf", "push", "-f", manifest, *given, "--strategy", "rolling"))
    if params.get("migrate"):
        task = ("--command", settings.MIGRATE_COMMAND, "--name", "migrate", "--wait")
        lines.append(_line("cf", "run-task", environment.app_name, *task))
    if environment.routes:
        lines.append(_line("curl", f"{environment.routes[0]}/version"))
    return lines


def look(environment: Environment) -> list[str]:
    """What a person types to see for themselves."""
    return [
        *log_in(environment),
        _line("cf", "app", environment.app_name),
        _line("cf", "logs", environment.app_name, "--recent"),
        _line("cf", "events", environment.app_name),
    ]


def for_operation(kind: str, environment: Environment, params: Mapping[str, Any]) -> list[str]:
    """The lines of one operation; for a kind without lines of its own, how to look."""
    return deploy(environment, params) if kind == "deploy" else look(environment)


def _source_folder(manifest: str) -> str:
    """Where the team's manifests say the source is: beside the folder that holds them."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(manifest), "../../src"))


def _line(*words: str) -> str:
    return shlex.join(words)
