"""Clear sessions: ``manage.py clearsessions`` as a task; safe to repeat (product.md, Operations)."""

from opsportal.accounts.rules import Permission
from opsportal.environments.models import EnvironmentKind
from opsportal.operations import asking
from opsportal.operations.registry import Confirm, Kind, Needs, StepDefinition, register
from opsportal.operations.steps import common, tasks

CLEAR_SESSIONS = register(
    Kind(
        name="clear_sessions",
        title="Clear sessions",
        what="Deletes the sessions that have expired; nobody is signed out.",
        permission=Permission.CLEAR_SESSIONS,
        group="data",
        needs=Needs.VERSION,
        confirm=Confirm.UNDO,
        allowed_on=frozenset(EnvironmentKind.values),
        parameters=(),
        clean=asking.nothing,
        headline=lambda environment, params: "Clear sessions",
        steps=(
            common.CHECK,
            common.FIND,
            StepDefinition("clear_sessions", "Clear sessions", tasks.clear_sessions, limit=common.TASK),
        ),
        tidy=(common.STOP_TASK,),
        runbook="docs/runbooks/clear_sessions.md",
    )
)
