"""Stable's data to staging: stable's database is shared for a moment, read, and given back. Stable is only ever read.

While it is shared, staging's application is bound to it, so that one task sees both databases by their names. Whatever
happens, binding and share are taken away again; nothing else runs in between.
"""

import shlex
from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from opsportal.adapters.cloudfoundry import (
    NotAuthorized,
    NotFound,
    RateLimited,
    ServiceInstance,
    Unavailable,
    Unprocessable,
)
from opsportal.environments.models import Environment, EnvironmentKind
from opsportal.environments.witnesses import find_space
from opsportal.operations.outcomes import Done, Fail, Outcome, Wait
from opsportal.operations.run import Run
from opsportal.operations.steps import database, guard, place, restarting, services, tasks
from opsportal.operations.steps.check import refused

#: Seconds for which taking the share away is tried, however the platform is.
INSIST = 3600.0
_DATABASE = "Deploy there first, or have an admin make it."


def find_both(run: Run) -> Outcome:
    """Stable's database and staging's own. Facts: ``source`` and ``target``: ``{guid, name, space}``."""
    found = place.find_application(run)
    if isinstance(found, Fail):
        return found
    failed = guard.not_stable(run)
    if failed:
        return failed
    source, target = _source(run), _target(run)
    for each in (source, target):
        if isinstance(each, Fail):
            return each
    if isinstance(source, ServiceInstance) and isinstance(target, ServiceInstance):
        run.facts |= {name: _facts(each) for name, each in (("source", source), ("target", target))}
    return _mixed_up(run) or Done(
        f"{run.facts['source']['name']} will be copied to {run.facts['target']['name']}"
    )


def _facts(instance: ServiceInstance) -> dict[str, str]:
    return {"guid": instance.guid, "name": instance.name, "space": str(instance.space_guid)}


def _source(run: Run) -> ServiceInstance | Fail:
    stable = Environment.objects.filter(kind=EnvironmentKind.STABLE).first()
    space = (stable.space_guid or find_space(stable, run.cf)) if stable else ""
    name = database.usual_name(stable.name if stable else "stable")
    found = run.cf.service_instance_named(name, space) if space else None
    if found is None:
        return Fail(
            "database:none",
            {"name": name, "space": stable.space_name if stable else "stable", "remedy": _DATABASE},
        )
    return found


def _target(run: Run) -> ServiceInstance | Fail:
    """The one database of staging's own space; one of another space that is still bound is not it."""
    space, name = run.facts["space"], database.usual_name(run.environment.name)
    bound = [
        run.cf.service_instance(each.service_instance_guid) for each in run.cf.bindings(run.facts["app"])
    ]
    own = [each for each in bound if each.space_guid == space and database.is_database(run, each)]
    if len(own) > 1:
        names = ", ".join(sorted(each.name for each in own))
        return Fail("database:several", {"app": run.environment.app_name, "names": names})
    if not own:
        return Fail("database:none", {"name": name, "space": run.environment.space_name, "remedy": _DATABASE})
    return own[0]


def _mixed_up(run: Run) -> Fail | None:
    """The refusal when the two are not what they must be: one of stable's space, one of this, never the same."""
    source, target = run.facts["source"], run.facts["target"]
    stable = Environment.objects.filter(kind=EnvironmentKind.STABLE).first()
    stable_space = run.cf.space_by_guid(source["space"]).name
    right = stable is not None and stable_space == stable.space_name
    if (
        right
        and target["space"] == run.facts["space"] != source["space"]
        and source["guid"] != target["guid"]
    ):
        return None
    what = f"it would copy {source['name']} of the space “{stable_space}” over {target['name']}."
    return Fail("guard:mismatch", {"what": what})


def share(run: Run) -> Outcome:
    """Share stable's database into staging's space; that it must be taken back is written down first."""
    source = run.facts["source"]
    if not run.memo.get("asked"):
        failed = refused(run) or guard.not_stable(run) or _mixed_up(run)
        if failed:
            return failed
        run.facts["shared"] = True
        run.remember(asked=True)
    try:
        run.cf.share_service_instance(source["guid"], run.facts["space"])
    except (NotAuthorized, Unprocessable) as error:
        return Fail("copy:no-sharing", {"name": source["name"], "what": error.detail or error})
    return Done(f"{source['name']} is shared into {run.environment.space_name}")


def bind(run: Run) -> Outcome:
    """Bind it to staging's application; what runs does not see it, the copying task does."""
    if "bound_at" not in run.facts:
        run.facts["bound_at"] = timezone.now().isoformat()
        run.remember()
    source = run.facts["source"]
    waits = services.bound(run, run.facts["app"], source["guid"], source["name"])
    return waits or Done(f"{source['name']} is bound")


def clone(run: Run) -> Outcome:
    """Copy everything as a task that names both databases; the last check that stable is what is read."""
    if not tasks.begun(run):
        failed = refused(run) or guard.not_stable(run) or _mixed_up(run)
        if failed:
            return failed
    names = {each: shlex.quote(run.facts[each]["name"]) for each in ("source", "target")}
    command = settings.COPY_DATABASE_COMMAND.replace("{source}", names["source"]).replace(
        "{target}", names["target"]
    )
    return tasks.run_task(run, "copy-database", command, remedy=REMEDY)


REMEDY = (
    "Its output says why. Staging's data may be half copied: retry from this step, which copies it anew. Stable's was "
    "only read."
)


def unbind(run: Run) -> Outcome:
    """Take the binding away."""
    source = run.facts["source"]
    waits = services.unbound(run, run.facts["app"], source["guid"], source["name"])
    return waits or Done(f"{source['name']} is not bound any more")


def unshare(run: Run) -> Outcome:
    """Take the share away, which also ends any binding there; and see that it is gone."""
    source, space = run.facts["source"], run.facts["space"]
    if space in run.cf.shared_spaces(source["guid"]):
        with suppress(Unprocessable, NotFound):  # somebody was quicker; the next look says whether it is gone
            run.cf.unshare_service_instance(source["guid"], space)
        return Wait(0.2, f"{source['name']} is taken back")
    run.facts["shared"] = False
    return Done(f"{source['name']} is not shared any more")


def unshare_whatever_happens(run: Run) -> Outcome:
    """The tidy step: like :func:`unshare`, and it goes on trying while the platform is away."""
    try:
        return unshare(run)
    except (Unavailable, RateLimited) as error:
        if run.elapsed < INSIST:
            return Wait(10.0, f"Trying again in 10 s: {error}")
        raise


def restart_what_saw_it(run: Run) -> Outcome:
    """An instance that started while stable's database was bound has its address: it is started anew."""
    if "rolling" not in run.memo:
        bound_at = datetime.fromisoformat(run.facts["bound_at"])
        window = (timezone.now() - bound_at).total_seconds() + 2
        saw = [each for each in restarting.instances(run) if each.uptime is not None and each.uptime < window]
        if not saw:
            return Done("No instance started meanwhile", skipped=True)
        run.remember(rolling=True)
        run.say(
            f"{len(saw)} instances started while {run.facts['source']['name']} was bound: they are started anew."
        )
    return restarting.roll_instances(run)


def migrate(run: Run) -> Outcome:
    """Bring the copied tables up to staging's code; never while another space's database is bound."""
    closed = None if tasks.begun(run) else guard.not_stable(run) or guard.own_databases_only(run)
    return closed or tasks.migrate(run)
