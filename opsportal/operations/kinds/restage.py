"""Restage: the same package staged anew and rolled out; nothing else changes (product.md, Operations)."""

from django.conf import settings

from opsportal.accounts.rules import Permission
from opsportal.environments.models import EnvironmentKind
from opsportal.operations import asking
from opsportal.operations.registry import Confirm, Kind, Needs, StepDefinition, register
from opsportal.operations.steps import common, restarting, verify

RESTAGE = register(
    Kind(
        name="restage",
        title="Restage",
        what="Builds a new droplet from the same source, with the platform's buildpacks of today, and rolls it out.",
        permission=Permission.RESTAGE,
        needs=Needs.APP,
        confirm=Confirm.UNDO,
        allowed_on=frozenset(EnvironmentKind.values),
        parameters=(),
        clean=asking.nothing,
        headline=lambda environment, params: "Restage",
        steps=(
            common.CHECK,
            common.FIND,
            StepDefinition("stage", "Stage", restarting.stage_again, limit=settings.STAGING_SECONDS + 240),
            StepDefinition(
                "rollout",
                "Roll out",
                restarting.roll_out,
                limit=common.ROLLOUT,
                resume_at="stage",
            ),
            StepDefinition("verify", "Verify", restarting.healthy, limit=300),
            StepDefinition("record", "Look afresh", verify.record_version, limit=120),
        ),
        tidy=(common.STOP_RESTART,),
        runbook="docs/runbooks/restage.md",
    )
)
