"""Copy stable's data to staging, by hand or on a schedule; stable is only ever read (product.md, Operations)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from opsportal.accounts.rules import Permission
from opsportal.environments.models import Environment, EnvironmentKind
from opsportal.operations import asking
from opsportal.operations.registry import Confirm, Kind, Needs, StepDefinition, register
from opsportal.operations.steps import common, copying, tasks

_SERVICE = settings.SERVICE_SECONDS + 240


def loses(environment: Environment, params: Mapping[str, Any]) -> Sequence[str]:
    """What cannot be undone."""
    return (f"Every record in the database of {environment.name} is replaced by stable's.",)


def preview(environment: Environment, params: Mapping[str, Any]) -> Sequence[str]:
    """What else there is to know."""
    return ("Stable is only read: nothing changes there.",)


COPY_DATABASE = register(
    Kind(
        name="copy_database",
        title="Copy stable's data",
        what="Replaces the environment's data by a copy of stable's, migrates it and loads the fixtures.",
        permission=Permission.COPY_DATABASE,
        group="data",
        needs=Needs.VERSION,
        confirm=Confirm.TYPED,
        loses=loses,
        preview=preview,
        allowed_on=frozenset({EnvironmentKind.STAGING}),
        parameters=(),
        clean=asking.nothing,
        headline=lambda environment, params: "Copy stable's data",
        steps=(
            common.CHECK,
            StepDefinition("find", "Find both databases", copying.find_both, limit=120),
            StepDefinition("share", "Share stable's database", copying.share, limit=120),
            StepDefinition("bind", "Bind it for the copy", copying.bind, limit=_SERVICE, resume_at="share"),
            StepDefinition("clone", "Copy the data", copying.clone, limit=common.TASK, resume_at="share"),
            StepDefinition("unbind", "Unbind it", copying.unbind, limit=_SERVICE),
            StepDefinition("unshare", "Stop sharing it", copying.unshare, limit=300),
            StepDefinition(
                "restart",
                "Restart what saw it",
                copying.restart_what_saw_it,
                limit=common.ROLLOUT,
            ),
            StepDefinition("migrate", "Migrate", copying.migrate, limit=common.TASK, interruptible=False),
            StepDefinition("load", "Load fixtures", tasks.load_fixtures, limit=common.TASK),
            common.LOOK_AFRESH,
        ),
        tidy=(
            common.STOP_RESTART,
            common.STOP_TASK,
            StepDefinition("unbind_again", "Unbind it", copying.unbind, limit=_SERVICE, when="shared"),
            StepDefinition(
                "unshare_again",
                "Stop sharing it",
                copying.unshare_whatever_happens,
                limit=_SERVICE,
                when="shared",
            ),
        ),
        runbook="docs/runbooks/copy_database.md",
    )
)
