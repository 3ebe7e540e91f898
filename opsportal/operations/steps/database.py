"""An environment's database as the platform has it: found, and made anew (product.md, Recreate database)."""

from typing import Any

from django.conf import settings

from opsportal.adapters.cloudfoundry import ServiceInstance
from opsportal.operations.outcomes import Done, Fail, Outcome, Wait
from opsportal.operations.run import Run
from opsportal.operations.steps import guard, place, services
from opsportal.operations.steps.check import refused


def usual_name(environment: str) -> str:
    """The name an environment's database has (DATABASE_NAME_PATTERN)."""
    return str(settings.DATABASE_NAME_PATTERN).format(environment=environment)


def find_database(run: Run) -> Outcome:
    """Find the application and its database, and remember what it is made of before anything is taken away.

    Where there is none (an earlier run stopped half way) it is made by the settings. Facts: ``database``:
    ``{guid, name, plan, parameters, tags}``.
    """
    found = place.find_application(run)
    if isinstance(found, Fail):
        return found
    failed = guard.not_stable(run) or guard.own_databases_only(run)
    if failed:
        return failed
    if "database" not in run.facts:
        chosen = own_database(run)
        if isinstance(chosen, Fail):
            return chosen
        made_of = _as_it_is(run, chosen) if chosen else _by_the_settings(run)
        if isinstance(made_of, Fail):
            return made_of
        run.facts["database"] = made_of
    database = run.facts["database"]
    if not database["guid"]:
        return Done(f"There is no {database['name']}: it will be made")
    used = _used_elsewhere(run, database)
    return used or Done(f"{database['name']}, plan {database['plan_name']}")


def own_database(run: Run) -> ServiceInstance | Fail | None:
    """The one database of the environment: the one bound, else the one with the usual name in the space; or None."""
    bound = [
        run.cf.service_instance(each.service_instance_guid) for each in run.cf.bindings(run.facts["app"])
    ]
    databases = [each for each in bound if is_database(run, each)]
    if len(databases) > 1:
        names = ", ".join(sorted(each.name for each in databases))
        return Fail("database:several", {"app": run.environment.app_name, "names": names})
    if databases:
        return databases[0]
    named = run.cf.service_instance_named(usual_name(run.environment.name), run.facts["space"])
    return named if named is not None and named.space_guid == run.facts["space"] else None


def is_database(run: Run, instance: ServiceInstance) -> bool:
    """Whether an instance is of the offering that databases are made of (DATABASE_OFFERING)."""
    if instance.type != "managed" or not instance.plan_guid:
        return False
    offering = run.cf.service_plan(instance.plan_guid).offering_guid
    return bool(offering) and run.cf.service_offering_name(str(offering)) == settings.DATABASE_OFFERING


def _as_it_is(run: Run, found: ServiceInstance) -> dict[str, Any]:
    plan = run.cf.service_plan(str(found.plan_guid))
    parameters = run.cf.service_instance_parameters(found.guid)
    if parameters is None:
        run.say(
            "The platform does not tell with which parameters the database was made: the plan's own are used."
        )
    return {
        "guid": found.guid,
        "name": found.name,
        "plan": plan.guid,
        "plan_name": plan.name,
        "parameters": parameters,
        "tags": list(found.tags),
    }


def _by_the_settings(run: Run) -> dict[str, Any] | Fail:
    name, plan_name = usual_name(run.environment.name), settings.DATABASE_PLAN
    plan = run.cf.service_plan_named(plan_name, settings.DATABASE_OFFERING, run.facts["space"])
    if plan is None:
        remedy = (
            f"Nor is there a plan {plan_name} of {settings.DATABASE_OFFERING}: an admin checks the settings."
        )
        return Fail("database:none", {"name": name, "space": run.environment.space_name, "remedy": remedy})
    return {
        "guid": "",
        "name": name,
        "plan": plan.guid,
        "plan_name": plan.name,
        "parameters": None,
        "tags": [],
    }


def _used_elsewhere(run: Run, database: dict[str, Any]) -> Fail | None:
    """The refusal when other apps are bound to it, or it is shared: it is not ours alone to delete."""
    found = services.instance(run, database["guid"])
    if found is None:
        return None
    others = [each for each in run.cf.bindings_of(found.guid) if each.app_guid != run.facts["app"]]
    if others:
        apps = ", ".join(sorted(run.cf.app_by_guid(str(each.app_guid)).name for each in others))
        return Fail("database:in-use", {"name": database["name"], "what": f"bound to {apps}."})
    shared = run.cf.shared_spaces(found.guid)
    if shared:
        spaces = ", ".join(sorted(run.cf.space_by_guid(each).name for each in shared))
        return Fail("database:in-use", {"name": database["name"], "what": f"shared into {spaces}."})
    return None


def unbind(run: Run) -> Outcome:
    """Take the binding away; the application has no database from its next start on."""
    database = run.facts["database"]
    if not database["guid"]:
        return Done("There was none", skipped=True)
    if "unbind_asked" not in run.memo:
        failed = guard.destructive(run) or _used_elsewhere(run, database)
        if failed:
            return failed
    waits = services.unbound(run, run.facts["app"], database["guid"], database["name"])
    return waits or Done(f"{database['name']} is unbound")


def delete(run: Run) -> Outcome:
    """Delete the service instance with all its data. The point of no return: asked again right before."""
    database = run.facts["database"]
    if not database["guid"] or services.instance(run, database["guid"]) is None:
        return Done("It is gone", skipped=not database["guid"])
    if "delete_asked" not in run.memo:
        failed = refused(run) or guard.not_stable(run) or _is_another(run, database)
        if failed:
            return failed
    waits = services.deleted(run, database["guid"], database["name"])
    return waits or Done(f"{database['name']} is deleted")


def _is_another(run: Run, database: dict[str, Any]) -> Fail | None:
    """The refusal when what would be deleted lies in another space than the environment's, or is used there."""
    found = services.instance(run, database["guid"])
    return (guard.foreign(run, found) if found else None) or _used_elsewhere(run, database)


def create(run: Run) -> Outcome:
    """Make the database again, as it was: same name, same plan. Found again after any crash; never a second one."""
    database = run.facts["database"]
    made = services.created(
        run,
        database["name"],
        space=run.facts["space"],
        plan=database["plan"],
        parameters=database["parameters"],
        tags=tuple(database["tags"]),
        not_guid=database["guid"],
    )
    if isinstance(made, Wait | Fail):
        return made
    if made.metadata.labels.get("opsportal-operation") != str(run.operation.id):
        run.note(f"{made.name} had been made by somebody else meanwhile: it is used as it is.")
    run.facts["new_database"] = made.guid
    return Done(f"{made.name} is there, plan {database['plan_name']}")


def bind(run: Run) -> Outcome:
    """Bind the new database; the application sees it from its next start on."""
    name = run.facts["database"]["name"]
    waits = services.bound(run, run.facts["app"], run.facts["new_database"], name)
    return waits or Done(f"{name} is bound")
