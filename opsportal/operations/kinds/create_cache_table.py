"""Create cache table: ``manage.py createcachetable`` as a task; safe to repeat (product.md, Operations)."""

from django.conf import settings

from opsportal.accounts.rules import Permission
from opsportal.environments.models import EnvironmentKind
from opsportal.operations import asking
from opsportal.operations.registry import Confirm, Kind, StepDefinition, register
from opsportal.operations.steps import check, place, tasks

CREATE_CACHE_TABLE = register(
    Kind(
        name="create_cache_table",
        title="Create cache table",
        what="Makes the database table that the application caches in; safe to repeat.",
        permission=Permission.CREATE_CACHE_TABLE,
        group="data",
        confirm=Confirm.UNDO,
        allowed_on=frozenset(EnvironmentKind.values),
        parameters=(),
        clean=asking.nothing,
        headline=lambda environment, params: "Create cache table",
        steps=(
            StepDefinition("check", "Check the rules", check.check_rules, limit=60),
            StepDefinition("find", "Find the application", place.find_application, limit=60),
            StepDefinition(
                "create_cache_table",
                "Create cache table",
                tasks.create_cache_table,
                limit=settings.TASK_SECONDS + 240,
            ),
        ),
        tidy=(
            StepDefinition("stop_task", "Stop the task", tasks.stop_tasks, limit=180, when="task_started"),
        ),
        runbook="docs/runbooks/create_cache_table.md",
    )
)
