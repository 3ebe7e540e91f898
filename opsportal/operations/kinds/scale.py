"""Scale: instances, memory, disk; what is not given is left as it is (product.md, Operations)."""

from collections.abc import Mapping, Sequence
from typing import Any

from opsportal.accounts.rules import Permission
from opsportal.environments.models import Environment, EnvironmentKind
from opsportal.operations import asking, sizes
from opsportal.operations.registry import (
    BadParameter,
    Confirm,
    Input,
    Kind,
    Needs,
    Parameter,
    StepDefinition,
    register,
)
from opsportal.operations.steps import common, scaling

MOST_INSTANCES, LEAST_MB, MOST_MB = 100, 16, 65_536


def clean(environment: Environment, given: Mapping[str, str]) -> dict[str, Any]:
    """``{instances, memory, disk}``, sizes in MB; None for what stays as it is. At least one of them must be given."""
    params = {
        "instances": asking.number(
            "instances", given.get("instances", ""), "Instances", least=0, most=MOST_INSTANCES
        ),
        "memory": asking.number(
            "memory", given.get("memory", ""), "Memory in MB", least=LEAST_MB, most=MOST_MB
        ),
        "disk": asking.number("disk", given.get("disk", ""), "Disk in MB", least=LEAST_MB, most=MOST_MB),
    }
    if all(value is None for value in params.values()):
        raise BadParameter("instances", "Say how many instances, how much memory or how much disk.")
    return params


def headline(environment: Environment, params: Mapping[str, Any]) -> str:
    """``Scale to 3 instances, 1 GB of memory``."""
    said = []
    if params["instances"] is not None:
        said.append(f"{params['instances']} instance{'' if params['instances'] == 1 else 's'}")
    said += [
        f"{sizes.megabytes(params[name])} of {name}"
        for name in ("memory", "disk")
        if params[name] is not None
    ]
    return f"Scale to {', '.join(said)}"


def preview(environment: Environment, params: Mapping[str, Any]) -> Sequence[str]:
    """What it costs in memory: before, after, and against the quota as the worker last read it."""
    before = sizes.Size(environment.instances_wanted, environment.memory_mb)
    said = sizes.cost(before, scaling.after(before, params), scaling.known_allowance())
    if params.get("instances") == 0:
        return [f"{environment.name} is stopped: nobody is served until it is scaled up again.", *said]
    if params.get("memory") not in {None, environment.memory_mb} or params.get("disk") is not None:
        said.append(
            "Memory and disk take effect by starting the instances anew, one by one, without downtime."
        )
    return [*said, scaling.UNTIL_THE_NEXT_DEPLOY]


SCALE = register(
    Kind(
        name="scale",
        title="Scale",
        what="Changes how many instances run, and how much memory and disk each has; shows what it costs in memory.",
        permission=Permission.SCALE,
        needs=Needs.APP,
        confirm=Confirm.UNDO,
        reason_on=frozenset({EnvironmentKind.STABLE}),
        preview=preview,
        allowed_on=frozenset(EnvironmentKind.values),
        parameters=(
            Parameter(
                "instances",
                "Instances",
                "Empty: as many as now. 0 stops all.",
                input=Input.NUMBER,
                default=lambda environment: str(environment.instances_wanted or ""),
            ),
            Parameter(
                "memory",
                "Memory of each, in MB",
                "Empty: as much as now. A change starts the instances anew, one by one.",
                input=Input.NUMBER,
                default=lambda environment: str(environment.memory_mb or ""),
            ),
            Parameter("disk", "Disk of each, in MB", "Empty: as much as now.", input=Input.NUMBER),
        ),
        clean=clean,
        headline=headline,
        steps=(
            common.CHECK,
            common.FIND,
            StepDefinition("scale", "Scale", scaling.scale, limit=120),
            StepDefinition(
                "restart",
                "Start the instances anew",
                scaling.restart_if_needed,
                limit=common.ROLLOUT,
            ),
            StepDefinition(
                "instances",
                "Wait for the instances",
                scaling.wait_for_instances,
                limit=common.ROLLOUT,
            ),
            common.LOOK_AFRESH,
        ),
        tidy=(
            common.STOP_RESTART,
            StepDefinition("size_back", "Give it back its size", scaling.put_back, limit=120, when="scaled"),
        ),
        runbook="docs/runbooks/scale.md",
    )
)
