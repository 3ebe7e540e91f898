"""Migrate: ``manage.py migrate`` as a task; safe to repeat, the first thing to try on errors (product.md, Operations)."""

from django.conf import settings

from opsportal.accounts.rules import Permission
from opsportal.environments.models import EnvironmentKind
from opsportal.operations import asking
from opsportal.operations.registry import Confirm, Kind, StepDefinition, register
from opsportal.operations.steps import check, place, tasks, verify

MIGRATE = register(
    Kind(
        name="migrate",
        title="Migrate",
        what="Brings the database's tables up to the code that runs; safe to repeat, and the first remedy on errors.",
        permission=Permission.MIGRATE,
        group="data",
        confirm=Confirm.UNDO,
        allowed_on=frozenset(EnvironmentKind.values),
        parameters=(),
        clean=asking.nothing,
        headline=lambda environment, params: "Migrate",
        steps=(
            StepDefinition("check", "Check the rules", check.check_rules, limit=60),
            StepDefinition("find", "Find the application", place.find_application, limit=60),
            StepDefinition(
                "migrate", "Migrate", tasks.migrate, limit=settings.TASK_SECONDS + 240, interruptible=False
            ),
            StepDefinition("record", "Look afresh", verify.look_afresh, limit=120),
        ),
        tidy=(
            StepDefinition("stop_task", "Stop the task", tasks.stop_tasks, limit=180, when="task_started"),
        ),
        runbook="docs/runbooks/migrate.md",
    )
)
