"""Stage the package into a droplet, roll it out, and watch until it serves or has failed."""

import time
from collections.abc import Callable

from django.conf import settings

from opsportal.adapters.cloudfoundry import Build, Deployment, Droplet, InstanceStats, NotFound
from opsportal.environments.versions import BY_NOTE, COMMIT_LABEL, REF_NOTE
from opsportal.operations.outcomes import Done, Fail, Outcome, Until, Wait
from opsportal.operations.run import LABEL, Run
from opsportal.operations.steps import log_tail
from opsportal.operations.steps.check import refused
from opsportal.operations.steps.once import once
from opsportal.operations.steps.pacing import fraction_of_usual, may_look_closely, wait
from opsportal.operations.steps.verify import keep_what_was_rolled_out

#: Looks in a row that must find only crashed instances, and the seconds these must span, before we give up.
CRASH_LOOKS, CRASH_SECONDS = 3, 4.0
#: Seconds after which one crash is enough: it had all the time to become healthy.
LATE = 60.0
STARTING = "The platform is starting new instances"


def stage(run: Run) -> Outcome:
    """Have the platform stage the package; its log is shown live."""
    if _staged_before(run):
        return Done("The droplet of the first try is used again", skipped=True)
    asked_before = {"build", "build_intended_at"} & run.memo.keys()
    build_guid = once(run, "build", find=lambda: _own_build(run), make=lambda: _new_build(run))
    if isinstance(build_guid, Wait):
        return build_guid
    staging = Until("build", build_guid)
    if not asked_before:
        return wait(run, "Staging", fraction_of_usual(run), until=staging)
    build = run.cf.build(build_guid)
    log_tail.follow(run, run.facts["app"], lambda source: source == "STG")
    if build.state == "STAGING":
        if run.elapsed > settings.STAGING_SECONDS:
            return _staging_failed(run, f"it did not end within {settings.STAGING_SECONDS} seconds.")
        return wait(run, "Staging", fraction_of_usual(run), until=staging)
    if build.state != "STAGED" or not build.droplet_guid:
        return _staging_failed(run, build.error or "the platform does not say why.")
    return _label_droplet(run, build)


#: What the platform's error id says is its own trouble, not the application's (the API's list of staging errors).
_ITS_OWN = ("StagerError", "StagingError", "StagingTimeExpired", "InsufficientResources", "NoCompatibleCell")


def _staging_failed(run: Run, what: str) -> Fail:
    error_id = "platform:staging-interrupted" if what.startswith(_ITS_OWN) else "platform:staging"
    return Fail(error_id, {"what": what, "serving": what_serves(run)})


def _staged_before(run: Run) -> bool:
    guid = run.facts.get("droplet")
    if not guid:
        return False
    try:
        return run.cf.droplet(guid).state == "STAGED"
    except NotFound:
        return False


def _own_build(run: Run) -> str | None:
    found = run.cf.builds(run.facts["app"], labels=run.labels)
    return found[0].guid if found else None


def _new_build(run: Run) -> str:
    return run.cf.create_build(
        run.facts["package"], labels=run.labels | {COMMIT_LABEL: run.facts["commit"]}
    ).guid


def _label_droplet(run: Run, build: Build) -> Outcome:
    guid = str(build.droplet_guid)
    droplet = mark_droplet(run, guid)
    run.facts |= {"droplet": guid, "checksum": droplet.checksum or ""}
    run.say(f"Droplet {guid}, {droplet.checksum_type or 'checksum'} {droplet.checksum or 'not told'}")
    return Done(f"Droplet {guid[:8]}")


def mark_droplet(run: Run, guid: str) -> Droplet:
    """What the droplet is, kept with it on the platform: whose operation, which commit, under which name, by whom."""
    by = run.operation.requested_by.name if run.operation.requested_by else "the portal"
    return run.cf.mark_droplet(
        guid,
        labels={LABEL: str(run.operation.id), COMMIT_LABEL: run.facts["commit"]},
        annotations={REF_NOTE: run.facts.get("ref") or run.params.get("ref", ""), BY_NOTE: by},
    )


def roll_out(run: Run) -> Outcome:
    """Replace the old version without downtime. The old one serves until the new one is healthy."""
    return roll_out_by(run, _new_deployment, keep_what_was_rolled_out)


def roll_out_by(run: Run, start: Callable[[Run], str], keep: Callable[[Run], None] | None) -> Outcome:
    """A rolling deployment that ``start`` makes (its guid), watched to its end; ``keep`` records that it serves."""
    asked_before = {"deployment", "deployment_intended_at"} & run.memo.keys()
    if "deployment" not in run.memo:
        closed = refused(run)
        if closed:
            return closed
        if "previous" not in run.facts:
            current = run.cf.current_droplet(run.facts["app"])
            run.facts["previous"] = current.guid if current else ""
    guid = once(run, "deployment", find=lambda: _own_deployment(run), make=lambda: start(run))
    if isinstance(guid, Wait):
        return guid
    if not asked_before:
        return wait(run, STARTING, fraction_of_usual(run), until=Until("deployment", guid))
    deployment = _followed(run, guid)
    if deployment.superseded:
        return Fail("platform:superseded", {"app": run.environment.app_name})
    if deployment.finished and not deployment.deployed:
        return Fail("platform:deployment-cancelled", {"app": run.environment.app_name})
    return _watch(run, deployment, keep)


def _followed(run: Run, guid: str) -> Deployment:
    """Our deployment, or the twin of it that superseded it: a request without an answer that came through late."""
    deployment = run.cf.deployment(guid)
    newest = _own_deployment(run) if deployment.superseded else guid
    if newest is None or newest == guid:
        return deployment
    run.memo["deployment"] = newest
    return run.cf.deployment(newest)


def _own_deployment(run: Run) -> str | None:
    found = run.cf.deployments(run.facts["app"], labels=run.labels)
    return found[0].guid if found else None


def _new_deployment(run: Run) -> str:
    return run.cf.create_deployment(
        run.facts["app"], droplet_guid=run.facts["droplet"], labels=run.labels
    ).guid


def _watch(run: Run, deployment: Deployment, keep: Callable[[Run], None] | None) -> Outcome:
    """Done once deployed and every wanted instance runs; failed when the new ones only crash, or time is up."""
    finished = deployment.finished
    stats = _new_instances(run, deployment) if finished or may_look_closely(run) else []
    running = sum(each.state == "RUNNING" for each in stats)
    if finished and running == len(stats):
        run.facts["touched"] = False
        if keep:
            keep(run)
        return Done(f"{running} of {len(stats)} instances running")
    if finished and not running and not run.cf.app_by_guid(run.facts["app"]).started:
        return Done("The application is stopped: nothing to start")
    why = _hopeless(run, stats)
    if why:
        since = int((run.step.started_at.timestamp() if run.step.started_at else time.time()) * 1e9)
        log_tail.last_words(run, run.facts["app"], lambda source: source not in {"RTR", "STG"}, since=since)
        return Fail("platform:not-healthy", {"what": why, "serving": what_serves(run)})
    detail = f"{running} of {len(stats)} new instances running" if stats else STARTING
    until = None if finished else Until("deployment", deployment.guid)
    return wait(run, detail, fraction_of_usual(run), until=until)


def _new_instances(run: Run, deployment: Deployment) -> list[InstanceStats]:
    guids = [process.guid for process in deployment.new_processes if process.type == "web"]
    if not guids:
        guids = [process.guid for process in run.cf.processes(run.facts["app"]) if process.type == "web"][-1:]
    try:
        return [each for guid in guids for each in run.cf.stats(guid)]
    except NotFound:
        return []


def _hopeless(run: Run, stats: list[InstanceStats]) -> str:
    """Why the new version will not come up, or empty while there is hope."""
    if run.elapsed > settings.ROLLOUT_SECONDS:
        return f"it was not healthy within {settings.ROLLOUT_SECONDS} seconds."
    if any(each.running for each in stats):
        run.memo.pop("crashes", None)
        return ""
    crashed = [each for each in stats if each.crashed]
    if not crashed:
        return ""
    crashes = run.memo.setdefault("crashes", {"looks": 0, "since": run.elapsed})
    crashes["looks"] += 1
    seldom = crashes["looks"] < CRASH_LOOKS or run.elapsed - crashes["since"] < CRASH_SECONDS
    if seldom and run.elapsed < LATE:
        return ""
    return f"instance {crashed[0].index} crashed ({crashed[0].details or 'the platform does not say why'})."


def what_serves(run: Run) -> str:
    """Who serves after this failure, in words."""
    never = run.facts.get("new") or run.facts.get("previous") == ""
    return (
        "Nothing ran here before, so nothing serves now."
        if never
        else "The version that ran before still serves."
    )
