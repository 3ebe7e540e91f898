"""Where a chore happens: the environment's space and application on the platform."""

from django.conf import settings

from opsportal.environments.witnesses import find_space
from opsportal.operations.outcomes import Done, Fail, Outcome
from opsportal.operations.run import Run


def find_application(run: Run) -> Outcome:
    """Find the space and the application, which must have something staged to run. Facts: ``space``, ``app``."""
    failed = locate(run)
    if failed:
        return failed
    if run.cf.current_droplet(run.facts["app"]) is None:
        return Fail("platform:no-droplet", {"app": run.environment.app_name})
    return Done(f"{run.environment.app_name} in {run.environment.space_name}")


def locate(run: Run) -> Fail | None:
    """Set the facts ``space`` and ``app``, looked up by name and afresh; the failure when one is not there."""
    space = find_space(run.environment, run.cf)
    if not space:
        facts = {"space": run.environment.space_name, "organization": settings.CF_ORGANIZATION}
        return Fail("platform:space-gone", facts)
    app = run.cf.app(run.environment.app_name, space)
    if app is None:
        facts = {"app": run.environment.app_name, "space": run.environment.space_name}
        return Fail("platform:app-gone", facts)
    run.facts |= {"space": space, "app": app.guid}
    return None
