"""Roll back: to an earlier good version, no rebuild; says what will not come back; held afterwards (product.md)."""

from collections.abc import Mapping
from typing import Any

from opsportal.accounts.rules import Permission
from opsportal.environments.models import Environment, EnvironmentKind, GitRef
from opsportal.operations import going_back
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
from opsportal.operations.steps import common, verify
from opsportal.operations.steps import going_back as steps


def clean(environment: Environment, given: Mapping[str, str]) -> dict[str, Any]:
    """``{version, droplet, revision, commit, ref, ref_kind}`` of the version named by its number."""
    text = given.get("version", "").strip()
    if not environment.versions:
        raise BadParameter("version", going_back.NOTHING_EARLIER)
    if not text:
        raise BadParameter("version", "Choose a version.")
    found = next((each for each in environment.versions if str(each["number"]) == text), None)
    left = ", ".join(number for number, _ in going_back.choices(environment)) or "none"
    if found is None:
        raise BadParameter("version", f"There is no version {text}. There are: {left}.")
    if not found.get("deployable"):
        raise BadParameter("version", f"The platform has removed version {text}. Still there: {left}.")
    ref = str(found.get("ref") or "")
    row = GitRef.objects.filter(name=ref).first() if ref else None
    return {
        "version": found["number"],
        "droplet": found["droplet"],
        "revision": found.get("revision") or "",
        "commit": found.get("commit") or "",
        "ref": ref or str(found.get("commit") or ""),
        "ref_kind": row.kind if row else "commit",
    }


def headline(environment: Environment, params: Mapping[str, Any]) -> str:
    """``Roll back to version 12, main (1a2b3c4d)``."""
    commit = str(params["commit"])[:8]
    ref = f"{params['ref']} ({commit})" if params["ref_kind"] != "commit" else commit
    return f"Roll back to version {params['version']}" + (f", {ref}" if ref else "")


ROLL_BACK = register(
    Kind(
        name="roll_back",
        title="Roll back",
        what="Goes back to an earlier good version without building it again, and holds the environment afterwards.",
        permission=Permission.ROLL_BACK,
        group="deploy",
        needs=Needs.APP,
        confirm=Confirm.UNDO,
        loses=going_back.loses,
        preview=going_back.preview,
        reason_on=frozenset({EnvironmentKind.STABLE}),
        allowed_on=frozenset(EnvironmentKind.values),
        parameters=(
            Parameter(
                "version",
                "Version",
                "The number of an earlier version that the platform still has.",
                required=True,
                input=Input.VERSION,
                choices=going_back.choices,
                nothing=going_back.NOTHING_EARLIER,
                default=going_back.newest,
            ),
        ),
        clean=clean,
        headline=headline,
        steps=(
            common.CHECK,
            StepDefinition("find", "Find the version", steps.find_version, limit=180),
            StepDefinition("variables", "Set the commit's variables", steps.set_variables, limit=120),
            StepDefinition(
                "rollout",
                "Roll out",
                steps.roll_out,
                limit=common.ROLLOUT,
                resume_at="variables",
            ),
            StepDefinition("verify", "Verify", steps.verify_version, limit=300),
            StepDefinition("record", "Record", verify.record_version, limit=120),
            StepDefinition("hold", "Hold the environment", steps.hold, limit=60, interruptible=False),
        ),
        tidy=common.KEEP_THE_OLD,
        runbook="docs/runbooks/roll_back.md",
    )
)
