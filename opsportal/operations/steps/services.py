"""Service instances and bindings, made and taken away so that each step may be run again at any moment.

Nothing here keeps a state of its own: each call looks at what the platform has (by guid, or by a name that only one
instance of a space can have) and does what is missing. A step answers ``None`` when what it is for is so.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from opsportal.adapters.cloudfoundry import Binding, Conflict, Job, LastOperation, NotFound, ServiceInstance
from opsportal.kit.wording import duration
from opsportal.operations.outcomes import Fail, Wait
from opsportal.operations.run import Run
from opsportal.operations.steps.pacing import fraction_of_usual, look_again_in

#: Seconds given to the platform to show what came of a request that got no answer; and states of what it works on.
SETTLING = 5.0
BUSY = frozenset({"initial", "in progress"})


def instance(run: Run, guid: str) -> ServiceInstance | None:
    """The instance, or None when it is gone."""
    try:
        return run.cf.service_instance(guid)
    except NotFound:
        return None


def deleted(run: Run, guid: str, name: str) -> Wait | Fail | None:
    """An instance is gone. Asking twice for the same guid is harmless; a new one has another."""
    found = instance(run, guid)
    if found is None:
        return None
    return _taken_away(
        run, "delete", name, found.last_operation, lambda: run.cf.delete_service_instance(guid)
    )


def _taken_away(
    run: Run, what: str, name: str, last: LastOperation, ask: Callable[[], object]
) -> Wait | Fail:
    """Ask for the end of something, and wait. It is asked again when nothing came of it: twice does no more than once."""
    asked_at = run.memo.get(f"{what}_asked")
    if last.type == "delete" and last.state == "failed" and asked_at is not None:
        why = last.description or "it does not say"
        return Fail("service:failed", {"what": what, "name": name, "why": why})
    under_way = last.type == "delete" and last.state in BUSY
    if asked_at is None or (not under_way and run.elapsed - asked_at > SETTLING):
        run.remember(**{f"{what}_asked": run.elapsed})
        try:
            ask()
        except (Conflict, NotFound):
            return Wait(1.0, f"The platform is busy with {name}")
    return _wait(run, what, name)


def created(
    run: Run,
    name: str,
    *,
    space: str,
    plan: str,
    parameters: Mapping[str, Any] | None,
    tags: tuple[str, ...],
    not_guid: str,
) -> ServiceInstance | Wait | Fail:
    """A managed instance of that name in the space: found, or made. Never a second one: the name is the platform's lock.

    What an earlier attempt left failed is removed first, on a person's retry alone. ``not_guid``: the one before.
    """
    found = run.cf.service_instance_named(name, space)
    if found is not None and found.guid == not_guid:
        return Wait(1.0, f"The {name} of before is still being deleted")
    asked = "create_asked" in run.memo
    if found is None:
        failed = _job_failed(run, "create_job")
        if failed is not None:
            return Fail("service:failed", {"what": "create", "name": name, "why": failed})
        if not asked or _forgotten(run):
            run.remember(create_asked=run.elapsed)
            job = run.cf.create_service_instance(
                name, space, plan, parameters=parameters, tags=tags, labels=run.labels
            )
            run.remember(create_job=job.guid)
        return _wait(run, "create", name)
    state = found.last_operation.state
    if found.last_operation.type == "create" and state == "failed":
        if asked:
            why = found.last_operation.description or "it does not say"
            return Fail("service:failed", {"what": "create", "name": name, "why": why})
        return deleted(run, found.guid, name) or Wait(0.0, "Making it again")
    if state in BUSY:
        run.memo.setdefault("create_asked", run.elapsed)
        return _wait(run, "create", name)
    return found


def bound(run: Run, app: str, service_instance: str, name: str) -> Wait | Fail | None:
    """The app is bound to the instance; the platform itself refuses a second binding."""
    binding = binding_of(run, app, service_instance)
    if binding is None:
        failed = _job_failed(run, "bind_job")
        if failed is not None:
            return Fail("service:failed", {"what": "bind", "name": name, "why": failed})
        if "bind_asked" not in run.memo or _forgotten(run):
            run.remember(bind_asked=run.elapsed)
            try:
                job = run.cf.create_binding(app, service_instance, labels=run.labels)
            except Conflict:
                return Wait(1.0, f"The platform is busy with {name}")
            run.remember(bind_job=job.guid if job else "")
        return _wait(run, "bind", name)
    last = binding.last_operation
    if last.type == "create" and last.state == "failed":
        if "bind_asked" in run.memo:
            return Fail(
                "service:failed", {"what": "bind", "name": name, "why": last.description or "it does not say"}
            )
        return unbound(run, app, service_instance, name) or Wait(0.0, "Binding again")
    if last.state in BUSY:
        run.memo.setdefault("bind_asked", run.elapsed)
        return _wait(run, "bind", name)
    return None


def unbound(run: Run, app: str, service_instance: str, name: str) -> Wait | Fail | None:
    """The app is not bound to the instance any more."""
    binding = binding_of(run, app, service_instance)
    if binding is None:
        return None
    return _taken_away(
        run, "unbind", name, binding.last_operation, lambda: run.cf.delete_binding(binding.guid)
    )


def binding_of(run: Run, app: str, service_instance: str) -> Binding | None:
    """The app's binding to the instance, in whatever state."""
    found = run.cf.bindings(app)
    return next((one for one in found if one.service_instance_guid == service_instance), None)


def _wait(run: Run, what: str, name: str) -> Wait | Fail:
    """The platform takes minutes for these: progress by earlier runs, and an end to patience."""
    if run.elapsed > settings.SERVICE_SECONDS:
        limit = duration(settings.SERVICE_SECONDS)
        return Fail("service:too-long", {"what": what, "name": name, "limit": limit})
    doing = {"create": "making", "delete": "deleting", "bind": "binding", "unbind": "unbinding"}[what]
    return Wait(look_again_in(run), f"The platform is {doing} {name}", fraction_of_usual(run))


def _job_failed(run: Run, name: str) -> str | None:
    """Why a job of ours failed, in the platform's words; None while it has not."""
    job = _job(run, str(run.memo.get(name, "")))
    if job is None or not job.failed:
        return None
    return "; ".join(each.detail for each in job.errors) or "it does not say"


def _forgotten(run: Run) -> bool:
    """Whether what was asked for a while ago, and of which there is no trace, was never begun."""
    since = run.memo.get("create_asked", run.memo.get("bind_asked", run.elapsed))
    return bool(run.elapsed - float(since) > SETTLING and not _under_way(run))


def _under_way(run: Run) -> bool:
    jobs = (_job(run, str(run.memo.get(name, ""))) for name in ("create_job", "bind_job"))
    return any(job is not None and not job.finished for job in jobs)


def _job(run: Run, guid: str) -> Job | None:
    if not guid:
        return None
    try:
        return run.cf.job(guid)
    except NotFound:
        return None
