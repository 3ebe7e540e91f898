"""What every destructive step asks first: the rules once more, and whether this is, in any way, stable."""

from opsportal.adapters.cloudfoundry import ServiceInstance
from opsportal.environments import platform
from opsportal.environments.models import Environment
from opsportal.operations.never_on_stable import Named, Place, refusal
from opsportal.operations.outcomes import Fail
from opsportal.operations.run import Run
from opsportal.operations.steps.check import refused

STABLE = "stable"


def destructive(run: Run) -> Fail | None:
    """The refusal right before data is destroyed: by the rules, or because of what the place is; None to go on.

    The last of the four places of "never on stable": it asks the platform what app and space this really is, and
    refuses an app that is bound to a database of another space.
    """
    return refused(run) or not_stable(run) or own_databases_only(run)


def not_stable(run: Run) -> Fail | None:
    """The refusal when the environment, the app or the space is stable's, or is not what the portal takes it for."""
    row = Environment.objects.get(pk=run.environment.pk)
    app = run.cf.app_by_guid(run.facts["app"])
    space = run.cf.space_by_guid(str(app.space_guid))
    place = Place(
        name=row.name,
        kind=row.kind,
        expected=Named(row.app_name, row.space_name),
        found=Named(app.name, space.name),
        stable=Named(platform.app_name(STABLE), platform.space_name(STABLE)),
    )
    closed = refusal(place)
    return Fail(closed[0], {"what": closed[1]}) if closed else None


def own_databases_only(run: Run) -> Fail | None:
    """The refusal when the app is bound to a managed service instance that lies in another space: shared into this."""
    for binding in run.cf.bindings(run.facts["app"]):
        instance = run.cf.service_instance(binding.service_instance_guid)
        failed = foreign(run, instance)
        if failed:
            return failed
    return None


def foreign(run: Run, instance: ServiceInstance) -> Fail | None:
    """The refusal when a service instance is not of this environment's own space."""
    if instance.type != "managed" or instance.space_guid in {run.facts["space"], None}:
        return None
    space = run.cf.space_by_guid(str(instance.space_guid)).name
    facts = {"app": run.environment.app_name, "database": instance.name, "space": space}
    return Fail("guard:foreign-database", facts)
