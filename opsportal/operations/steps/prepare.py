"""Take the source at the commit, and build its assets: the first steps of a deploy."""

import hashlib
import os
import shlex
import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from opsportal.adapters.git import GitError, PathNotFound, TooLarge
from opsportal.environments import platform
from opsportal.environments.manifests import Manifest, ManifestError, for_platform
from opsportal.environments.rules import variables
from opsportal.environments.versions import COMMIT_LABEL
from opsportal.kit.children import ChildResult
from opsportal.kit.wording import duration, size
from opsportal.operations.models import AssetBuild
from opsportal.operations.outcomes import Done, Fail, Outcome, Wait
from opsportal.operations.run import LABEL, Run
from opsportal.operations.source import overlay_changes
from opsportal.operations.steps import commits, workspace

#: Seconds a build's claim holds without being renewed; a dead builder's place is taken after this.
BUILD_LEASE = 15


def take_source(run: Run) -> Outcome:
    """Find the commit, read its manifest, and lay its files out."""
    wanted = run.params.get("commit") or run.params["ref"]
    try:
        found = run.repository.resolve(wanted)
    except GitError:
        run.repository.refresh()
        found = run.repository.resolve(wanted)
    commit = found.commit
    run.facts |= {"commit": commit.sha, "subject": commit.subject[:300]}
    try:
        manifest = read_manifest(run, commit.sha)
        manifest_text(run)
    except ManifestError as error:
        return bad_manifest(run, error)
    for warning in manifest.warnings:
        run.say(f"The manifest: {warning}")
    try:
        run.facts["tree"] = commits.tree_id(run.repository, commit.sha, manifest.path)
        run.facts["path"] = manifest.path
        _source(run)
    except PathNotFound:
        gone = f"its path “{manifest.path}” is not in the repository."
        return bad_manifest(run, ManifestError(gone, "Correct the manifest's path, push, and deploy again."))
    except TooLarge as error:
        return Fail("source:too-large", {"commit": commit.sha[:8], "what": error})
    files = workspace.files_of(_source(run))
    total = size(sum(entry.size for entry in files))
    run.say(f"{commit.sha} {commit.subject}", f"{len(files)} files, {total} from {manifest.path or '.'}")
    return Done(f"{commit.sha[:8]} {commit.subject}")


def read_manifest(run: Run, commit: str) -> Manifest:
    """The environment's manifest at a commit. Raises ManifestError or GitError."""
    name = run.environment.name
    path = platform.manifest_path(name)
    try:
        return commits.manifest(run.repository, commit, path, name, settings.APP_NAME_PATTERN)
    except PathNotFound as error:
        raise ManifestError(
            "there is no such file.", "Add the manifest on this branch, or deploy a commit that has it."
        ) from error


def manifest_text(run: Run) -> str:
    """What the platform is given: the manifest with its variables filled in, and our labels. Raises ManifestError."""
    manifest = read_manifest(run, run.facts["commit"])
    labels = {LABEL: str(run.operation.id), COMMIT_LABEL: run.facts["commit"]}
    return for_platform(manifest, variables(run.facts["commit"], run.params["ref"]), labels=labels)


def bad_manifest(run: Run, error: ManifestError) -> Fail:
    """The failure that says which manifest, at which commit, and what to do."""
    facts = {"path": platform.manifest_path(run.environment.name), "commit": run.facts["commit"][:8]}
    return Fail("manifest:bad", facts | {"what": error.problem, "remedy": error.remedy})


def build_assets(run: Run) -> Outcome:
    """Build what the repository builds before a deploy; never skipped silently (product.md, Deploy).

    Reused when neither its inputs nor the command changed. Only one operation builds the same thing at a time.
    """
    command = settings.ASSET_BUILD_COMMAND
    if not command:
        return Done("No build command is set (ASSET_BUILD_COMMAND)", skipped=True)
    key = run.facts["build"] = _build_key(run, command)
    if _built(key).is_dir():
        os.utime(_built(key))
        return Done(f"Reused: neither the inputs nor the command changed ({key[:12]})", skipped=True)
    if not _claim_build(run, key):
        return Wait(0.5, "Another operation builds the same assets; its result will be used")
    try:
        return _build(run, key, command)
    finally:
        AssetBuild.objects.filter(key=key, operation=run.operation.id).update(lease_expires_at=None)


def prepared(run: Run) -> Path | None:
    """The application as it will be uploaded: source and built assets. None when this machine must build first."""
    source, key = _source(run), run.facts.get("build")
    if key is None:
        return source
    if not _built(key).is_dir():
        return None
    target = workspace.root() / "prepared" / f"{run.facts['tree'][:20]}-{key[:20]}"
    if not target.is_dir():
        with workspace.made_whole(target) as scratch:
            shutil.copytree(source, scratch, symlinks=True, dirs_exist_ok=True)
            shutil.copytree(_built(key), scratch, symlinks=True, dirs_exist_ok=True)
        workspace.prune(target.parent)
    os.utime(target)
    return target


def _source(run: Run) -> Path:
    target = workspace.root() / "sources" / str(run.facts["tree"])
    if not target.is_dir():
        with workspace.made_whole(target) as scratch:
            run.repository.export(run.facts["commit"], run.facts["path"], scratch)
        workspace.prune(target.parent)
    os.utime(target)
    return target


def _built(key: str) -> Path:
    return workspace.root() / "builds" / key


def _build_key(run: Run, command: str) -> str:
    commit, path = run.facts["commit"], run.facts["path"]
    inputs = [f"{path}/{each}".strip("/") for each in settings.ASSET_BUILD_INPUTS] or [path]
    trees = [f"{each}={commits.tree_id(run.repository, commit, each)}" for each in inputs]
    return hashlib.sha256("\n".join([command, *trees]).encode()).hexdigest()


def _claim_build(run: Run, key: str) -> bool:
    now = timezone.now()
    AssetBuild.objects.get_or_create(key=key, defaults={"commit": run.facts["commit"]})
    free = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lte=now) | Q(operation=run.operation.id)
    return bool(
        AssetBuild.objects.filter(free, key=key).update(
            operation=run.operation.id,
            lease_expires_at=now + timedelta(seconds=BUILD_LEASE),
            commit=run.facts["commit"],
        )
    )


def _build(run: Run, key: str, command: str) -> Outcome:
    started = time.monotonic()
    run.say(f"$ {command}")
    with workspace.made_whole(_built(key)) as outputs:
        place, home = outputs.with_name(outputs.name + "-tree"), outputs.with_name(outputs.name + "-home")
        try:
            shutil.copytree(_source(run), place, symlinks=True)
            home.mkdir()
            result = run.child(
                ["sh", "-c", command],
                cwd=place,
                env=_scrubbed(home),
                before_beat=lambda: _claim_build(run, key),
                time_limit_s=settings.ASSET_BUILD_SECONDS,
                memory_limit_mb=settings.ASSET_BUILD_MEMORY_MB,
                output_limit_bytes=settings.ASSET_BUILD_OUTPUT_MB * 1_000_000,
            )
            failed = _failure(command, result)
            if failed:
                shutil.rmtree(outputs)
                return failed
            made = overlay_changes(_source(run), place, outputs)
        finally:
            shutil.rmtree(place, ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)
    workspace.prune(_built(key).parent)
    seconds = time.monotonic() - started
    AssetBuild.objects.filter(key=key).update(built_at=timezone.now(), seconds=seconds)
    return Done(f"Built {made} files in {duration(seconds)}")


def _scrubbed(home: Path) -> dict[str, str]:
    """A build sees named variables only: none of the portal's secrets, and a home of its own."""
    seen = {name: os.environ[name] for name in settings.ASSET_BUILD_ENV if name in os.environ}
    return seen | {"HOME": str(home), "CI": "true"}


def _failure(command: str, result: ChildResult) -> Fail | None:
    facts: dict[str, Any] = {"command": shlex.join(shlex.split(command))[:200]}
    match result.ended:
        case "exited" if result.exit_status == 0:
            return None
        case "timed out":
            return Fail("build:too-long", facts | {"limit": duration(settings.ASSET_BUILD_SECONDS)})
        case "output limit":
            return Fail("build:too-loud", facts | {"limit": f"{settings.ASSET_BUILD_OUTPUT_MB} MB"})
        case "out of memory":
            return Fail("build:memory", facts | {"limit": f"{settings.ASSET_BUILD_MEMORY_MB} MB"})
        case "exited":
            return Fail("build:failed", facts | {"how": f"exit status {result.exit_status}"})
        case _:
            return Fail("build:failed", facts | {"how": f"signal {result.signal}"})
