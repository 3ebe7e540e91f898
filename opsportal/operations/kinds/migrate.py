"""Migrate: ``manage.py migrate`` as a task; safe to repeat, the first thing to try on errors (product.md, Operations)."""

from opsportal.accounts.rules import Permission
from opsportal.environments.models import EnvironmentKind
from opsportal.operations import asking
from opsportal.operations.registry import Confirm, Kind, Needs, register
from opsportal.operations.steps import common

MIGRATE = register(
    Kind(
        name="migrate",
        title="Migrate",
        what="Brings the database's tables up to the code that runs; safe to repeat, and the first remedy on errors.",
        permission=Permission.MIGRATE,
        group="data",
        needs=Needs.VERSION,
        confirm=Confirm.UNDO,
        allowed_on=frozenset(EnvironmentKind.values),
        parameters=(),
        clean=asking.nothing,
        headline=lambda environment, params: "Migrate",
        steps=(
            common.CHECK,
            common.FIND,
            common.MIGRATE,
            common.LOOK_AFRESH,
        ),
        tidy=(common.STOP_TASK,),
        runbook="docs/runbooks/migrate.md",
    )
)
