"""Clear sessions: ``manage.py clearsessions`` as a task; safe to repeat (product.md, Operations)."""

from django.conf import settings

from opsportal.accounts.rules import Permission
from opsportal.environments.models import EnvironmentKind
from opsportal.operations import asking
from opsportal.operations.registry import Confirm, Kind, StepDefinition, register
from opsportal.operations.steps import check, place, tasks

CLEAR_SESSIONS = register(
    Kind(
        name="clear_sessions",
        title="Clear sessions",
        what="Deletes the sessions that have expired; nobody is signed out.",
        permission=Permission.CLEAR_SESSIONS,
        group="data",
        confirm=Confirm.UNDO,
        allowed_on=frozenset(EnvironmentKind.values),
        parameters=(),
        clean=asking.nothing,
        headline=lambda environment, params: "Clear sessions",
        steps=(
            StepDefinition("check", "Check the rules", check.check_rules, limit=60),
            StepDefinition("find", "Find the application", place.find_application, limit=60),
            StepDefinition(
                "clear_sessions", "Clear sessions", tasks.clear_sessions, limit=settings.TASK_SECONDS + 240
            ),
        ),
        tidy=(
            StepDefinition("stop_task", "Stop the task", tasks.stop_tasks, limit=180, when="task_started"),
        ),
        runbook="docs/runbooks/clear_sessions.md",
    )
)
