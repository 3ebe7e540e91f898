"""Is the expected code there, and well? And the record of it."""

from django.utils import timezone

from opsportal.environments import actions as environments
from opsportal.environments import witnesses
from opsportal.environments.rules import same_commit
from opsportal.environments.versions import SERVED_NOTE
from opsportal.operations.outcomes import Done, Fail, Outcome, Wait
from opsportal.operations.run import Run
from opsportal.operations.steps import snapshot

#: Seconds the application has to answer well after it was rolled out.
PATIENCE = 60.0
#: Under this name what was verified last goes on to the record.
SIGHT = "sight"


def verify(run: Run) -> Outcome:
    """The application answers well and reports the commit; env vars, bindings and sizes are compared."""
    sight = run.seen[SIGHT] = witnesses.Sight(run.cf, run.facts["app"])
    addresses, said = sight.addresses, sight.said
    reported, expected = said["app_commit"], run.facts["commit"]
    if said["app_health"] or not reported or not same_commit(reported, expected):
        if run.elapsed < PATIENCE:
            return Wait(1.0, said["app_health"] or f"It reports {reported[:8] or 'no commit'} still")
        if said["app_health"]:
            where = addresses[0] if addresses else run.environment.app_name
            return Fail("platform:unhealthy-after", {"url": where, "what": said["app_health"]})
        facts = {"reported": reported[:8] or "no commit", "expected": expected[:8]}
        return Fail("platform:wrong-version", facts)
    for difference in snapshot.differences(run.facts["before"], snapshot.take(sight)):
        run.note(difference)
    run.facts["address"] = addresses[0]
    return Done(f"Healthy at {addresses[0]}, and it reports {expected[:8]}")


def record(run: Run) -> Outcome:
    """Look at the environment afresh, so that its page tells what is there now."""
    mark_as_good(run)
    look_afresh(run)
    return Done(f"{run.facts['commit'][:8]} runs on {run.environment.name}")


def mark_as_good(run: Run) -> None:
    """What runs now serves well: kept with the droplet, so that it can be rolled back to later."""
    droplet = run.facts.get("droplet")
    if droplet:
        moment = timezone.now().isoformat(timespec="seconds")
        run.cf.label("droplets", droplet, annotations={SERVED_NOTE: moment})


def record_version(run: Run) -> Outcome:
    """The droplet that was rolled out served well: keep that with it, and look at the environment afresh."""
    mark_as_good(run)
    return look_afresh(run)


def look_afresh(run: Run) -> Outcome:
    """Look at the environment, so that its page tells what is there now."""
    environment = run.environment
    environment.refresh_from_db()
    witnesses.refresh(environment, run.cf, run.seen.pop(SIGHT, None))
    return Done()


def keep_what_was_rolled_out(run: Run) -> None:
    """Git's witness from now on: the new version serves, whether or not what follows succeeds."""
    environments.record_deploy(
        environment=run.environment,
        commit=run.facts["commit"],
        ref=run.params["ref"],
        ref_kind=run.params["ref_kind"],
        subject=run.facts["subject"],
        by=run.operation.requested_by.name if run.operation.requested_by else "the portal",
        operation=run.operation.id,
        at=timezone.now(),
    )
