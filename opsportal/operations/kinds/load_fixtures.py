"""Load fixtures: ``manage.py load`` as a task; not on stable (product.md, Operations)."""

from opsportal.accounts.rules import Permission
from opsportal.environments.models import EnvironmentKind
from opsportal.operations import asking
from opsportal.operations.registry import Confirm, Kind, Needs, StepDefinition, register
from opsportal.operations.steps import common, tasks

LOAD_FIXTURES = register(
    Kind(
        name="load_fixtures",
        title="Load fixtures",
        what="Loads the team's example records into the database; what people changed in them is put back.",
        permission=Permission.LOAD_FIXTURES,
        group="data",
        needs=Needs.VERSION,
        confirm=Confirm.UNDO,
        allowed_on=frozenset(EnvironmentKind.values) - {EnvironmentKind.STABLE},
        parameters=(),
        clean=asking.nothing,
        headline=lambda environment, params: "Load fixtures",
        steps=(
            common.CHECK,
            common.FIND,
            StepDefinition("load", "Load fixtures", tasks.load_fixtures, limit=common.TASK),
        ),
        tidy=(common.STOP_TASK,),
        runbook="docs/runbooks/load_fixtures.md",
    )
)
