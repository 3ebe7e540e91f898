"""Recreate database: away with the service instance and its data, and a new one in its place; sandboxes only
(product.md, Operations).

Every step looks at what the platform has before it does anything, so that whatever is killed in between, the end is
exactly one database, bound and migrated.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from opsportal.accounts.rules import Permission
from opsportal.environments.models import Environment, EnvironmentKind
from opsportal.operations import asking
from opsportal.operations.registry import Confirm, Kind, Needs, StepDefinition, register
from opsportal.operations.steps import common, database, restarting, tasks, verify

_SERVICE = settings.SERVICE_SECONDS + 240


def loses(environment: Environment, params: Mapping[str, Any]) -> Sequence[str]:
    """What cannot be undone."""
    return (
        f"The database of {environment.name} is deleted with every record in it, and a new, empty one is made.",
    )


def preview(environment: Environment, params: Mapping[str, Any]) -> Sequence[str]:
    """What else there is to know."""
    return (
        "Its address and password change: whoever has noted them down elsewhere has to look again.",
        "The application has no database until the new one is bound; making one takes the platform minutes.",
        "Once it runs it cannot be cancelled, so that it never ends without a database.",
    )


RECREATE_DATABASE = register(
    Kind(
        name="recreate_database",
        title="Recreate database",
        what="Deletes the database service and makes a new one, bound, migrated and with the fixtures loaded.",
        permission=Permission.RECREATE_DATABASE,
        group="data",
        needs=Needs.APP,
        confirm=Confirm.TYPED,
        loses=loses,
        preview=preview,
        allowed_on=frozenset({EnvironmentKind.SANDBOX}),
        cancel_safe=False,
        parameters=(),
        clean=asking.nothing,
        headline=lambda environment, params: "Recreate database",
        steps=(
            common.CHECK,
            StepDefinition("find", "Find the database", database.find_database, limit=120),
            StepDefinition("unbind", "Unbind it", database.unbind, limit=_SERVICE, interruptible=False),
            StepDefinition("delete", "Delete it", database.delete, limit=_SERVICE, interruptible=False),
            StepDefinition("create", "Create it again", database.create, limit=_SERVICE, interruptible=False),
            StepDefinition("bind", "Bind it", database.bind, limit=_SERVICE, interruptible=False),
            StepDefinition(
                "stage", "Restage", restarting.stage_again_if_possible, limit=settings.STAGING_SECONDS + 240
            ),
            StepDefinition("rollout", "Roll out", restarting.roll_out, limit=common.ROLLOUT),
            StepDefinition(
                "create_cache_table", "Create cache table", tasks.create_cache_table, limit=common.TASK
            ),
            common.MIGRATE,
            StepDefinition("load", "Load fixtures", tasks.load, limit=common.TASK),
            StepDefinition("verify", "Verify", restarting.healthy, limit=300),
            StepDefinition("record", "Look afresh", verify.record_version, limit=120),
        ),
        tidy=(
            common.STOP_RESTART,
            common.STOP_TASK,
        ),
        runbook="docs/runbooks/recreate_database.md",
    )
)
