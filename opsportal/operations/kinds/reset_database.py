"""Reset database: flush, then migrate, then load, strictly one after the other; never on stable (product.md, Operations)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from opsportal.accounts.rules import Permission
from opsportal.environments.models import Environment, EnvironmentKind
from opsportal.operations import asking
from opsportal.operations.outcomes import Outcome
from opsportal.operations.registry import Confirm, Kind, Needs, StepDefinition, register
from opsportal.operations.run import Run
from opsportal.operations.steps import common, guard, tasks


def flush(run: Run) -> Outcome:
    """Empty every table. Asked again right before: the rules, and whether this is really not stable."""
    closed = None if tasks.begun(run) else guard.destructive(run)
    return closed or tasks.run_task(run, "flush", settings.FLUSH_COMMAND)


def loses(environment: Environment, params: Mapping[str, Any]) -> Sequence[str]:
    """What cannot be undone."""
    return (
        f"Every record in the database of {environment.name} is deleted: people's accounts and sessions too.",
    )


def preview(environment: Environment, params: Mapping[str, Any]) -> Sequence[str]:
    """What else there is to know."""
    return ("The fixtures are loaded afterwards; nothing else comes back.",)


RESET_DATABASE = register(
    Kind(
        name="reset_database",
        title="Reset database",
        what="Empties the database, migrates it and loads the fixtures, strictly one after the other.",
        permission=Permission.RESET_DATABASE,
        group="data",
        needs=Needs.VERSION,
        confirm=Confirm.TYPED,
        loses=loses,
        preview=preview,
        allowed_on=frozenset(EnvironmentKind.values) - {EnvironmentKind.STABLE},
        parameters=(),
        clean=asking.nothing,
        headline=lambda environment, params: "Reset database",
        steps=(
            common.CHECK,
            common.FIND,
            StepDefinition("flush", "Flush", flush, limit=common.TASK),
            common.MIGRATE,
            StepDefinition("load", "Load fixtures", tasks.load, limit=common.TASK),
            common.LOOK_AFRESH,
        ),
        tidy=(common.STOP_TASK,),
        runbook="docs/runbooks/reset_database.md",
    )
)
