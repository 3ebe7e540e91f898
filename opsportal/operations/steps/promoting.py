"""The very droplet that runs on one environment, brought to another: copied, compared, rolled out; no new build."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from opsportal.adapters.cloudfoundry import Droplet, NotAuthorized, NotFound
from opsportal.environments import platform, witnesses
from opsportal.environments.manifests import ManifestError
from opsportal.environments.models import Environment
from opsportal.environments.rules import same_commit
from opsportal.environments.versions import COMMIT_LABEL
from opsportal.kit.wording import size
from opsportal.operations.outcomes import Done, Fail, Outcome, Wait
from opsportal.operations.run import Run
from opsportal.operations.steps import prepare, rollout, ship, workspace
from opsportal.operations.steps.once import once
from opsportal.operations.steps.pacing import look_again_in


def find_source(run: Run) -> Outcome:
    """What runs on the source is what the portal deployed there, by the platform's and the application's own word."""
    source = Environment.objects.get(name=run.params["from"])
    space = source.space_guid or witnesses.find_space(source, run.cf)
    app = run.cf.app(source.app_name, space) if space else None
    droplet = run.cf.current_droplet(app.guid) if app else None
    if app is None or droplet is None or not droplet.staged:
        return Fail("promote:source-gone", {"source": source.name, "what": "nothing staged runs there."})
    drifted = _drift(run, source, app.guid, droplet)
    if drifted:
        return Fail("promote:drift", {"source": source.name, "what": drifted})
    run.facts["source"] = {"app": app.guid, "droplet": droplet.guid, "checksum": droplet.checksum or ""}
    return Done(f"{source.name} runs {run.params['commit'][:8]}, droplet {droplet.guid[:8]}")


def _drift(run: Run, source: Environment, app: str, droplet: Droplet) -> str:
    """In which way the source runs something else than was chosen; empty when it does not."""
    wanted = run.params["commit"]
    if droplet.guid != run.params["droplet"]:
        return f"its droplet is {droplet.guid[:8]} now, not {run.params['droplet'][:8]}: it has been deployed to since."
    if source.deployed_commit and not same_commit(source.deployed_commit, wanted):
        return f"the portal deployed {source.deployed_commit[:8]} since."
    labelled = droplet.labels.get(COMMIT_LABEL, "") or run.cf.environment_variables(app).get(
        "GIT_COMMIT_SHA", ""
    )
    if not labelled or not same_commit(labelled, wanted):
        return f"the platform says {labelled[:8] or 'nothing'} instead of {wanted[:8]}."
    said = witnesses.ask_application([platform.reachable(route.url) for route in run.cf.routes(app)])[
        "app_commit"
    ]
    if said and not same_commit(said, wanted):
        return f"the application says {said[:8]} instead of {wanted[:8]}."
    return ""


def take_manifest(run: Run) -> Outcome:
    """The target's own manifest at the commit, and its application; made empty where there is none yet."""
    commit = run.repository.resolve(run.params["commit"]).commit
    run.facts |= {"commit": commit.sha, "subject": commit.subject[:300]}
    try:
        manifest = prepare.read_manifest(run, commit.sha)
        prepare.manifest_text(run)
    except ManifestError as error:
        return prepare.bad_manifest(run, error)
    for warning in manifest.warnings:
        run.say(f"The manifest: {warning}")
    missing = ship.find_or_make_application(run)
    return missing or Done(f"{commit.sha[:8]} {commit.subject}")


def copy_droplet(run: Run) -> Outcome:
    """The same bits as a droplet of the target's; nothing goes on unless both checksums are known and equal."""
    guid = once(run, "droplet", find=lambda: _own_droplet(run), make=lambda: _begin_copy(run))
    if isinstance(guid, Wait):
        return guid
    droplet = run.cf.droplet(guid)
    if droplet.state == "AWAITING_UPLOAD":
        droplet = _by_way_of_here(run, droplet)
    if droplet.state in {"FAILED", "EXPIRED"}:
        why = droplet.error or f"the copy is {droplet.state.lower()}"
        return Fail("platform:refused", {"what": why, "remedy": "Retry from this step."})
    if not droplet.staged:
        return Wait(look_again_in(run), "The platform is copying the droplet")
    return _compare(run, droplet)


def _compare(run: Run, droplet: Droplet) -> Outcome:
    there, here = run.facts["source"]["checksum"], droplet.checksum or ""
    run.say(
        f"{droplet.checksum_type or 'checksum'} on {run.params['from']}: {there or 'not told'}",
        f"{droplet.checksum_type or 'checksum'} on {run.environment.name}: {here or 'not told'}",
    )
    if not there or there != here:
        return Fail("promote:checksum", {"what": f"{there or 'not told'} there, {here or 'not told'} here."})
    rollout.mark_droplet(run, droplet.guid)
    run.facts |= {"droplet": droplet.guid, "checksum": here}
    run.note(f"The very droplet of {run.params['from']}: equal checksums, {here}.")
    return Done(f"Equal checksums: {here[:16]}…")


def _own_droplet(run: Run) -> str | None:
    found = run.cf.droplets(run.facts["app"], labels=run.labels)
    return found[0].guid if found else None


def _begin_copy(run: Run) -> str:
    """Copied by the platform; where the rights differ, an empty droplet that takes what is downloaded here."""
    source = run.facts["source"]["droplet"]
    try:
        return run.cf.copy_droplet(source, run.facts["app"], labels=run.labels).guid
    except (NotAuthorized, NotFound):
        run.say("The platform may not copy it between these spaces: it is downloaded and uploaded again.")
        commands = run.cf.droplet(source).process_types or {"web": ""}
        return run.cf.create_droplet(run.facts["app"], commands, labels=run.labels).guid


def _by_way_of_here(run: Run, droplet: Droplet) -> Droplet:
    """Down and up again, streamed through a file of this machine."""
    source = run.facts["source"]["droplet"]
    with tempfile.TemporaryDirectory(dir=workspace.root()) as scratch:
        bits = Path(scratch) / "droplet.tgz"
        total = run.cf.download_droplet(
            source,
            bits,
            max_bytes=settings.DROPLET_MB * 1_000_000,
            on_progress=_reporter(run, "Downloaded", 0.0),
        )
        run.say(f"Downloaded {size(total)}")
        return run.cf.upload_droplet(droplet.guid, bits, on_progress=_reporter(run, "Uploaded", 0.5))


def _reporter(run: Run, what: str, begins: float) -> Callable[[int, int], None]:
    """Shows how far it is, about once a second, and stops it when it must stop. Each way is half of the step."""
    last = [time.monotonic()]

    def report(done: int, total: int) -> None:
        if time.monotonic() - last[0] >= 1:
            last[0] = time.monotonic()
            run.beat()
            run.progress(f"{what} {size(done)}", begins + done / total / 2 if total else None)

    return report
