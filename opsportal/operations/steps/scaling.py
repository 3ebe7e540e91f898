"""Give an application another size, and go back to the one before when it does not come up with it."""

from collections.abc import Mapping
from typing import Any

from opsportal.adapters.cloudfoundry import MemoryAllowance, NotFound, Process, Unprocessable
from opsportal.environments import allowance
from opsportal.operations import sizes
from opsportal.operations.outcomes import Done, Fail, Outcome, Wait
from opsportal.operations.run import Run
from opsportal.operations.steps import restarting
from opsportal.operations.steps.check import refused

UNTIL_THE_NEXT_DEPLOY = (
    "The next deploy goes back to what the manifest says; to keep it, change the manifest."
)


def after(before: sizes.Size, params: Mapping[str, Any]) -> sizes.Size:
    """The size it will have."""
    instances, memory = params.get("instances"), params.get("memory")
    return sizes.Size(
        before.instances if instances is None else instances, before.memory_mb if memory is None else memory
    )


def known_allowance() -> sizes.Allowance | None:
    """The organization's quota as a worker last read it; None when none has. For pages: nothing is asked."""
    return _as_sizes(allowance.known())


def _as_sizes(found: MemoryAllowance | None) -> sizes.Allowance | None:
    return sizes.Allowance(found.total_mb, found.per_process_mb, found.used_mb) if found else None


def scale(run: Run) -> Outcome:
    """Set what was asked for; say what it costs; remember the size of before."""
    process = web(run)
    if process is None:
        return Fail("platform:no-droplet", {"app": run.environment.app_name})
    if "before" not in run.facts:
        closed = refused(run)
        if closed:
            return closed
        run.facts["before"] = {
            "instances": process.instances, "memory": process.memory_in_mb, "disk": process.disk_in_mb,
        }  # fmt: skip
        before, quota = (
            sizes.Size(process.instances, process.memory_in_mb or 0),
            _as_sizes(allowance.read(run.cf)),
        )
        run.say(*sizes.cost(before, after(before, run.params), quota))
        too_large = sizes.excess(before, after(before, run.params), quota) if quota else ()
        if too_large:
            return Fail("platform:too-large", {"what": " ".join(too_large)})
    wanted = {name: run.params.get(name) for name in ("instances", "memory", "disk")}
    changed = {
        name: value for name, value in wanted.items() if value not in {None, run.facts["before"][name]}
    }
    run.facts["changed"] = sorted(changed)
    if not changed:
        return Done("It has that size already", skipped=True)
    run.facts["scaled"] = True
    run.remember()
    try:
        _set(run, process, changed)
    except Unprocessable as error:
        run.facts["scaled"] = False
        return Fail("platform:too-large", {"what": error.detail or error})
    run.note(UNTIL_THE_NEXT_DEPLOY)
    return Done(
        ", ".join(f"{name}: {run.facts['before'][name]} → {value}" for name, value in changed.items())
    )


def restart_if_needed(run: Run) -> Outcome:
    """Memory and disk take effect at the next start of an instance: one by one, without downtime."""
    if not {"memory", "disk"} & set(run.facts.get("changed", [])):
        return Done("Nothing has to start anew", skipped=True)
    if not run.cf.app_by_guid(run.facts["app"]).started:
        return Done("The application is stopped: nothing to start", skipped=True)
    process = web(run)
    if process is not None and process.instances == 0:
        return Done("It has no instances to start", skipped=True)
    return restarting.roll_instances(run)


def wait_for_instances(run: Run) -> Outcome:
    """Every wanted instance runs."""
    process = web(run)
    stopped = process is None or process.instances == 0 or not run.cf.app_by_guid(run.facts["app"]).started
    outcome = (
        Done("No instance should run") if stopped else restarting.all_running(run, restarting.instances(run))
    )
    if isinstance(outcome, Done):
        run.facts["scaled"] = False
    return outcome


def put_back(run: Run) -> Outcome:
    """A tidy step: the size of before, at once for instances; sizes of what runs were never changed."""
    process, before = web(run), run.facts.get("before")
    if process is None or not before:
        return Done("Nothing had been changed", skipped=True)
    try:
        _set(
            run,
            process,
            {name: before[name] for name in run.facts.get("changed", []) if before[name] is not None},
        )
    except Unprocessable as error:
        if run.elapsed < 60:
            return Wait(1.0, error.detail)
        raise
    run.facts["scaled"] = False
    return Done(f"It has {before['instances']} instances of {before['memory']} MB again")


def web(run: Run) -> Process | None:
    """The newest web process of the application."""
    try:
        found = [process for process in run.cf.processes(run.facts["app"]) if process.type == "web"]
    except NotFound:
        return None
    return found[-1] if found else None


def _set(run: Run, process: Process, values: Mapping[str, int]) -> None:
    run.cf.scale(
        process.guid,
        instances=values.get("instances"),
        memory_in_mb=values.get("memory"),
        disk_in_mb=values.get("disk"),
    )
