"""Run task: any command, as a task, with all it printed and how it ended (product.md, Operations)."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from opsportal.accounts.rules import Permission
from opsportal.environments.models import Environment, EnvironmentKind
from opsportal.operations import asking, saved_commands
from opsportal.operations.never_on_stable import destroys
from opsportal.operations.outcomes import Outcome
from opsportal.operations.registry import (
    BadParameter,
    Confirm,
    Input,
    Kind,
    Needs,
    Parameter,
    StepDefinition,
    register,
)
from opsportal.operations.run import Run
from opsportal.operations.steps import common, guard, tasks
from opsportal.operations.steps.check import refused

LEAST_MB, MOST_MB = 16, 65_536


def clean(environment: Environment, given: Mapping[str, str]) -> dict[str, Any]:
    """``{command, memory, disk}``; sizes in MB, None for the platform's own; ``saved`` where it is a saved command."""
    command = asking.command(given.get("command", ""))
    word = _destroys(command) if environment.kind == EnvironmentKind.STABLE else ""
    if word:
        raise BadParameter(
            "command", f"“{word}” destroys data: that is never done on stable, by anyone, by any path."
        )
    title = saved_commands.title_of(given.get("saved", ""), command)
    return {
        **({"saved": title} if title else {}),
        "command": command,
        "memory": asking.number(
            "memory", given.get("memory", ""), "Memory in MB", least=LEAST_MB, most=MOST_MB
        ),
        "disk": asking.number("disk", given.get("disk", ""), "Disk in MB", least=LEAST_MB, most=MOST_MB),
    }


def _destroys(command: str) -> str:
    return destroys(command, (settings.FLUSH_COMMAND, settings.LOAD_COMMAND))


def run_the_command(run: Run) -> Outcome:
    """The command as a task; the rules are asked once more before it starts, and what it would do to stable."""
    params = run.params
    closed = None
    if not tasks.begun(run):
        closed = refused(run) or (guard.not_stable(run) if _destroys(params["command"]) else None)
    return closed or tasks.run_task(
        run, "task", params["command"], memory_mb=params.get("memory"), disk_mb=params.get("disk")
    )


def headline(environment: Environment, params: Mapping[str, Any]) -> str:
    """``Run python manage.py check``, or the title of the saved command before it."""
    return f"{params['saved']}: {params['command']}" if params.get("saved") else f"Run {params['command']}"


RUN_TASK = register(
    Kind(
        name="run_task",
        title="Run task",
        what="Runs a command beside the application and shows what it printed, whether it ended, and how.",
        permission=Permission.RUN_TASK,
        group="data",
        needs=Needs.VERSION,
        confirm=Confirm.UNDO,
        reason_on=frozenset({EnvironmentKind.STABLE}),
        allowed_on=frozenset(EnvironmentKind.values),
        parameters=(
            Parameter(
                "command", "Command", "One line for a shell, such as python manage.py check.", required=True
            ),
            Parameter(
                "memory", "Memory in MB", "Empty: the platform's own (usually 1,024).", input=Input.NUMBER
            ),
            Parameter("disk", "Disk in MB", "Empty: the platform's own.", input=Input.NUMBER),
            Parameter(
                "saved", "Saved command", "Title of the saved command that it is, if any.", in_form=False
            ),
        ),
        clean=clean,
        headline=headline,
        steps=(
            common.CHECK,
            common.FIND,
            StepDefinition("task", "Run the task", run_the_command, limit=common.TASK),
        ),
        tidy=(common.STOP_TASK,),
        runbook="docs/runbooks/run_task.md",
    )
)
