"""Restart: every instance anew, without downtime unless all at once is asked for (product.md, Operations)."""

from collections.abc import Mapping
from typing import Any

from opsportal.accounts.rules import Permission
from opsportal.environments.models import Environment, EnvironmentKind
from opsportal.operations import asking
from opsportal.operations.registry import Confirm, Input, Kind, Needs, Parameter, StepDefinition, register
from opsportal.operations.steps import common, restarting
from opsportal.operations.steps.restarting import AT_ONCE, ROLLING

WAYS = (
    (ROLLING, "One by one, without downtime"),
    (AT_ONCE, "All at once: quicker, and nothing answers meanwhile"),
)


def clean(environment: Environment, given: Mapping[str, str]) -> dict[str, Any]:
    """``{strategy}``: rolling or all_at_once."""
    known = tuple(name for name, _ in WAYS)
    return {"strategy": asking.one_of("strategy", given.get("strategy", ""), known, ROLLING)}


def headline(environment: Environment, params: Mapping[str, Any]) -> str:
    """``Restart``, or that it is all at once."""
    return "Restart all at once" if params["strategy"] == AT_ONCE else "Restart"


RESTART = register(
    Kind(
        name="restart",
        title="Restart",
        what="Starts every instance anew with what it runs already; new bindings and variables are seen then.",
        permission=Permission.RESTART,
        needs=Needs.VERSION,
        confirm=Confirm.UNDO,
        allowed_on=frozenset(EnvironmentKind.values),
        parameters=(
            Parameter(
                "strategy",
                "How",
                "One by one the application answers all the time.",
                input=Input.CHOICE,
                choices=lambda environment: WAYS,
                default=ROLLING,
                words=tuple(name for name, _ in WAYS),
            ),
        ),
        clean=clean,
        headline=headline,
        steps=(
            common.CHECK,
            common.FIND,
            StepDefinition("restart", "Restart", restarting.restart, limit=common.ROLLOUT),
            StepDefinition("verify", "Verify", restarting.healthy, limit=300),
            common.LOOK_AFRESH,
        ),
        tidy=(common.STOP_RESTART,),
        runbook="docs/runbooks/restart.md",
    )
)
