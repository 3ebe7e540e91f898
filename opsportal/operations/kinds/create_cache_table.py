"""Create cache table: ``manage.py createcachetable`` as a task; safe to repeat (product.md, Operations)."""

from opsportal.accounts.rules import Permission
from opsportal.environments.models import EnvironmentKind
from opsportal.operations import asking
from opsportal.operations.registry import Confirm, Kind, Needs, StepDefinition, register
from opsportal.operations.steps import common, tasks

CREATE_CACHE_TABLE = register(
    Kind(
        name="create_cache_table",
        title="Create cache table",
        what="Makes the database table that the application caches in; safe to repeat.",
        permission=Permission.CREATE_CACHE_TABLE,
        group="data",
        needs=Needs.VERSION,
        confirm=Confirm.UNDO,
        allowed_on=frozenset(EnvironmentKind.values),
        parameters=(),
        clean=asking.nothing,
        headline=lambda environment, params: "Create cache table",
        steps=(
            common.CHECK,
            common.FIND,
            StepDefinition(
                "create_cache_table",
                "Create cache table",
                tasks.create_cache_table,
                limit=common.TASK,
            ),
        ),
        tidy=(common.STOP_TASK,),
        runbook="docs/runbooks/create_cache_table.md",
    )
)
