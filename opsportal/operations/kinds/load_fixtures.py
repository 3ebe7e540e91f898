"""Load fixtures: ``manage.py load`` as a task; not on stable (product.md, Operations)."""

from django.conf import settings

from opsportal.accounts.rules import Permission
from opsportal.environments.models import EnvironmentKind
from opsportal.operations import asking
from opsportal.operations.registry import Confirm, Kind, StepDefinition, register
from opsportal.operations.steps import check, place, tasks

LOAD_FIXTURES = register(
    Kind(
        name="load_fixtures",
        title="Load fixtures",
        what="Loads the team's example records into the database; what people changed in them is put back.",
        permission=Permission.LOAD_FIXTURES,
        group="data",
        confirm=Confirm.UNDO,
        allowed_on=frozenset(EnvironmentKind.values) - {EnvironmentKind.STABLE},
        parameters=(),
        clean=asking.nothing,
        headline=lambda environment, params: "Load fixtures",
        steps=(
            StepDefinition("check", "Check the rules", check.check_rules, limit=60),
            StepDefinition("find", "Find the application", place.find_application, limit=60),
            StepDefinition("load", "Load fixtures", tasks.load_fixtures, limit=settings.TASK_SECONDS + 240),
        ),
        tidy=(
            StepDefinition("stop_task", "Stop the task", tasks.stop_tasks, limit=180, when="task_started"),
        ),
        runbook="docs/runbooks/load_fixtures.md",
    )
)
