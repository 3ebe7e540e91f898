"""Send the platform what it lacks, and give it the manifest."""

import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from opsportal.adapters.cloudfoundry import NotFound, Package, Resource, Unprocessable
from opsportal.environments.manifests import ManifestError
from opsportal.environments.versions import COMMIT_LABEL
from opsportal.environments.witnesses import Sight, find_space
from opsportal.kit.wording import size
from opsportal.operations.outcomes import Done, Fail, Outcome, Until, Wait
from opsportal.operations.run import LABEL, Run
from opsportal.operations.source import FileEntry, write_zip
from opsportal.operations.steps import prepare, snapshot, workspace
from opsportal.operations.steps.check import refused
from opsportal.operations.steps.once import once
from opsportal.operations.steps.pacing import look_again_in, wait
from opsportal.operations.steps.prepare import bad_manifest, manifest_text


def upload(run: Run) -> Outcome:
    """Make a package of the application; only files the platform does not have are sent."""
    missing = find_or_make_application(run)
    if missing:
        return missing
    new: list[Package] = []
    package_guid = once(run, "package", find=lambda: _own_package(run), make=lambda: _new_package(run, new))
    if isinstance(package_guid, Wait):
        return package_guid
    package = new[0] if new else run.cf.package(package_guid)
    if package.state == "AWAITING_UPLOAD":
        directory = prepare.prepared(run)
        if directory is None:
            return (
                prepare.build_assets(run)
                if _must_build(run)
                else Wait(0.5, "Building the assets on this machine")
            )
        package = _send(run, package, directory)
    if package.state in {"FAILED", "EXPIRED"}:
        return Fail("platform:bits", {"what": package.error or f"the package is {package.state.lower()}"})
    if package.state != "READY":
        return wait(run, "The platform is checking the files", until=Until("package", package.guid))
    run.facts["package"] = package.guid
    return Done(run.memo.get("sent", "All files were there already"))


def find_or_make_application(run: Run) -> Fail | None:
    """Find the space and the application; a new application is made empty and stopped."""
    if run.facts.get("app"):
        return None
    name = run.environment.app_name
    space = run.environment.space_guid or find_space(run.environment, run.cf)
    if not space:
        facts = {"space": run.environment.space_name, "organization": settings.CF_ORGANIZATION}
        return Fail("platform:space-gone", facts)
    app = run.cf.app(name, space)
    run.facts["new"] = app is None
    app = app or run.cf.create_app(name, space, labels={LABEL: str(run.operation.id)})
    run.facts |= {"space": space, "app": app.guid}
    if run.facts["new"]:
        run.remember()
    return None


def _own_package(run: Run) -> str | None:
    found = run.cf.packages(run.facts["app"], labels=run.labels)
    return found[0].guid if found else None


def _new_package(run: Run, new: list[Package]) -> str:
    labels = run.labels | {COMMIT_LABEL: run.facts["commit"]}
    new.append(run.cf.create_package(run.facts["app"], labels=labels))
    return new[0].guid


def _must_build(run: Run) -> bool:
    return run.facts.get("build") is not None


def _send(run: Run, package: Package, directory: Path) -> Package:
    entries = workspace.files_of(directory)
    wanted = [
        Resource(path=each.path, mode=each.mode, sha1=each.sha1, size=each.size)
        for each in entries
        if each.size
    ]
    run.progress(f"Asking which of {len(entries)} files the platform has")
    known = run.cf.match_resources(wanted)
    have = {(resource.path, resource.sha1) for resource in known}
    lacking = [each for each in entries if (each.path, each.sha1) not in have]
    content = [each for each in lacking if each.size]
    run.beat()
    with tempfile.TemporaryDirectory(dir=workspace.root()) as scratch:
        bits = Path(scratch) / "package.zip" if lacking else None
        if bits is not None:
            write_zip(directory, lacking, bits)
        sent = _summary(len(entries), content)
        run.say(sent)
        run.remember()
        answer = run.cf.upload_bits(package.guid, known, bits, on_progress=_reporter(run))
    run.memo["sent"] = sent
    return answer


def _summary(total: int, content: list[FileEntry]) -> str:
    if not content:
        return f"Nothing sent: the platform has all {total} files"
    sent = size(sum(each.size for each in content))
    return f"{len(content)} of {total} files sent, {sent}; the platform has the rest"


def _reporter(run: Run) -> Any:
    """Shows how much has been sent, about once a second, and stops the upload when it must stop."""
    last = [time.monotonic()]

    def report(sent: int, total: int) -> None:
        if time.monotonic() - last[0] >= 1:
            last[0] = time.monotonic()
            run.beat()
            run.progress(f"Sent {size(sent)} of {size(total)}", sent / total if total else None)

    return report


def apply_manifest(run: Run) -> Outcome:
    """Apply the manifest with the commit's variables; env vars, bindings and sizes are remembered first."""
    if "job" not in run.memo:
        closed = refused(run)
        if closed:
            return closed
        try:
            manifest = manifest_text(run)
        except ManifestError as error:
            return bad_manifest(run, error)
        if not run.facts.get("before"):
            run.facts["before"] = snapshot.take(Sight(run.cf, run.facts["app"]))
        run.facts["touched"] = True
        run.remember()
        try:
            # Applied twice it is the same, so the job is kept with the answer.
            run.memo["job"] = run.cf.apply_manifest(run.facts["space"], manifest).guid
        except Unprocessable as error:
            return Fail("manifest:refused", {"what": error.detail or error})
    try:
        job = run.cf.job(run.memo["job"])
    except NotFound:
        run.memo.pop("job")
        return Wait(0.5, "The platform forgot the job; applying the manifest again")
    if job.failed:
        return Fail(
            "manifest:refused",
            {"what": "; ".join(each.detail for each in job.errors) or "the platform does not say why"},
        )
    if not job.finished:
        return Wait(look_again_in(run), "The platform is applying the manifest")
    for warning in job.warnings:
        run.say(f"The platform warns: {warning}")
    return Done()
