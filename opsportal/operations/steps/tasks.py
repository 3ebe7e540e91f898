"""Run a task on the platform: what it prints is shown live, and it is done only when it succeeded."""

from django.conf import settings

from opsportal.adapters.cloudfoundry import NotFound
from opsportal.operations.outcomes import Done, Fail, Outcome, Wait
from opsportal.operations.run import Run, short_name
from opsportal.operations.steps import log_tail
from opsportal.operations.steps.once import once
from opsportal.operations.steps.pacing import fraction_of_usual, look_again_in


def run_task(run: Run, name: str, command: str) -> Outcome:
    """One task under a name that is this attempt's alone; its lines are found by that name."""
    unique = short_name(run.operation.id, name, run.step.attempt)
    guid = once(
        run,
        "task",
        find=lambda: _own_task(run, unique),
        make=lambda: (
            run.cf.create_task(run.facts["app"], command=command, name=unique, labels=run.labels).guid
        ),
    )
    if isinstance(guid, Wait):
        return guid
    if "said" not in run.memo:
        run.remember(said=True)
        run.say(f"$ {command}")
    task = run.cf.task(guid)
    log_tail.follow(run, run.facts["app"], lambda source: source == f"APP/TASK/{unique}")
    if task.state == "SUCCEEDED":
        return Done("Exit status 0")
    if task.state == "FAILED":
        return Fail(
            "platform:task-failed", {"task": command, "what": task.failure_reason or "no reason given"}
        )
    if run.elapsed > settings.TASK_SECONDS:
        run.cf.cancel_task(guid)
        return Fail(
            "platform:task-failed", {"task": command, "what": f"no end within {settings.TASK_SECONDS} s"}
        )
    return Wait(look_again_in(run), task.state.capitalize(), fraction_of_usual(run))


def _own_task(run: Run, name: str) -> str | None:
    try:
        found = run.cf.tasks(run.facts["app"], names=[name])
    except NotFound:
        return None
    return found[0].guid if found else None


def migrate_if_asked(run: Run) -> Outcome:
    """Migrate after a deploy: always on development, staging and stable; on a sandbox when asked."""
    if not run.params.get("migrate"):
        return Done("Not asked for", skipped=True)
    return run_task(run, "migrate", settings.MIGRATE_COMMAND)
