"""Start what is there anew: stage the same package again, replace the instances, one by one or all at once."""

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from opsportal.adapters.cloudfoundry import InstanceStats, NotFound
from opsportal.environments import platform, witnesses
from opsportal.environments.versions import BY_NOTE, COMMIT_LABEL, REF_NOTE
from opsportal.operations.outcomes import Done, Fail, Outcome, Wait
from opsportal.operations.run import Run
from opsportal.operations.steps import rollout, tidy
from opsportal.operations.steps.check import refused
from opsportal.operations.steps.pacing import fraction_of_usual, look_again_in
from opsportal.operations.steps.verify import PATIENCE

ROLLING, AT_ONCE = "rolling", "all_at_once"


def stage_again(run: Run) -> Outcome:
    """Stage the package that runs anew: the same source with the platform's buildpacks and bindings of today.

    What was promoted has no package here: its source was staged elsewhere, and an older one of here must not come back.
    """
    if "package" not in run.facts:
        packages = run.cf.packages(run.facts["app"], states=["READY"])
        current = run.cf.current_droplet(run.facts["app"])
        if current is None:
            return Fail("platform:no-droplet", {"app": run.environment.app_name})
        runs = next((each for each in packages if each.guid == current.package_guid), None)
        if runs is None:
            return Fail("platform:no-package", {"app": run.environment.app_name})
        run.facts |= {"package": runs.guid, "previous": current.guid}
        run.facts |= {
            "commit": current.metadata.labels.get(COMMIT_LABEL, ""),
            "ref": current.metadata.annotations.get(REF_NOTE, ""),
            "deployed_by": current.metadata.annotations.get(BY_NOTE, ""),
        }
    return rollout.stage(run)


def stage_again_if_possible(run: Run) -> Outcome:
    """Stage what runs anew; what was promoted is only started anew, which is enough for a new binding."""
    outcome = stage_again(run)
    if not (isinstance(outcome, Fail) and outcome.error_id == "platform:no-package"):
        return outcome
    current = run.cf.current_droplet(run.facts["app"])
    if current is None:
        return Fail("platform:no-droplet", {"app": run.environment.app_name})
    run.facts["droplet"] = current.guid
    return Done("What runs was promoted: it is started anew as it is", skipped=True)


def roll_out(run: Run) -> Outcome:
    """Replace the instances one by one with the droplet that was staged; the old ones serve meanwhile."""
    run.facts["rolling"] = True
    outcome = rollout.roll_out_by(run, to_the_droplet, None)
    return _ended(run, outcome)


def restart(run: Run) -> Outcome:
    """Start every instance anew, by the way that was asked for; a stopped application is started."""
    if run.params.get("strategy") == AT_ONCE or not run.cf.app_by_guid(run.facts["app"]).started:
        return _all_at_once(run)
    return roll_instances(run)


def roll_instances(run: Run) -> Outcome:
    """Start every instance anew, one by one, with what runs already; no downtime."""
    run.facts["rolling"] = True
    return _ended(run, rollout.roll_out_by(run, _with_what_runs, None))


def _ended(run: Run, outcome: Outcome) -> Outcome:
    if isinstance(outcome, Done):
        run.facts["rolling"] = False
        run.say(
            "Every instance was started anew, one by one: an old one served until its successor was healthy."
        )
    return outcome


def to_the_droplet(run: Run) -> str:
    """A deployment of the droplet that the facts name."""
    return run.cf.create_deployment(
        run.facts["app"], droplet_guid=run.facts["droplet"], labels=run.labels
    ).guid


def _with_what_runs(run: Run) -> str:
    return run.cf.create_deployment(run.facts["app"], labels=run.labels).guid


def _all_at_once(run: Run) -> Outcome:
    """Stop and start all; a worker that died after asking looks at how long the instances run instead of asking again."""
    if "asked_at" not in run.memo:
        closed = refused(run)
        if closed:
            return closed
        run.remember(asked_at=timezone.now().isoformat())
        run.cf.restart_app(run.facts["app"])
        run.remember(answered=True)
    stats = instances(run)
    since = (timezone.now() - datetime.fromisoformat(run.memo["asked_at"])).total_seconds()
    if "answered" not in run.memo and any((each.uptime or 0) > since + 2 for each in stats):
        run.cf.restart_app(run.facts["app"])
        run.remember(answered=True)
    return all_running(run, stats)


def all_running(run: Run, stats: list[InstanceStats]) -> Outcome:
    """Done once every wanted instance runs; failed when time is up."""
    running = sum(each.running for each in stats)
    if stats and running == len(stats):
        return Done(f"{running} of {len(stats)} instances running")
    crashed = next((each for each in stats if each.crashed), None)
    if run.elapsed > settings.ROLLOUT_SECONDS or (crashed and run.elapsed > rollout.LATE):
        why = (crashed.details if crashed else None) or f"{running} of {len(stats)} instances run."
        return Fail("platform:not-healthy", {"what": why, "serving": "Look at its log."})
    return Wait(look_again_in(run), f"{running} of {len(stats)} instances running", fraction_of_usual(run))


def instances(run: Run) -> list[InstanceStats]:
    """How each instance of the newest web process is."""
    web = [process for process in run.cf.processes(run.facts["app"]) if process.type == "web"]
    try:
        return run.cf.stats(web[-1].guid) if web else []
    except NotFound:
        return []


def healthy(run: Run) -> Outcome:
    """The application answers well at its first route; a stopped one, or one without a route, is not asked."""
    app = run.cf.app_by_guid(run.facts["app"])
    addresses = [platform.reachable(route.url) for route in run.cf.routes(run.facts["app"])]
    if not app.started or not addresses or not instances(run):
        return Done("It is stopped, or has no route to ask", skipped=True)
    said = witnesses.ask_application(addresses)
    if said["app_health"]:
        if run.elapsed < PATIENCE:
            return Wait(1.0, said["app_health"])
        return Fail("platform:unhealthy-after", {"url": addresses[0], "what": said["app_health"]})
    run.facts["address"] = addresses[0]
    return Done(f"Healthy at {addresses[0]}")


def stop_rollout(run: Run) -> Outcome:
    """A tidy step: cancel a rollout of ours that is still going; the instances of before serve again."""
    outcome = tidy.stop_rollout(run)
    if isinstance(outcome, Done):
        run.facts["rolling"] = False
    return outcome
