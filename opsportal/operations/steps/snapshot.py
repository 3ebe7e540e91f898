"""What an application has besides its code: env vars, bindings, sizes; compared before and after a deploy.

The platform does not undo these when a rollout is cancelled. Values are kept as keyed digests only: no secret
is ever stored here.
"""

import hashlib
import hmac
from typing import Any

from django.conf import settings

from opsportal.adapters.cloudfoundry import Foundation, NotFound
from opsportal.environments.witnesses import Sight

#: Variables that are meant to change with every deploy.
EXPECTED = {"GIT_COMMIT_SHA", "GIT_BRANCH", "GIT_TAG"}


def take(sight: Sight) -> dict[str, Any]:
    """``{env: {name: digest}, bindings: [name], instances: {type: n}, memory_mb: {type: n}}`` as they are now."""
    processes = {process.type: process for process in sight.processes}
    return {
        "env": {name: digest(value) for name, value in sight.variables.items()},
        "bindings": sight.services,
        "instances": {name: process.instances for name, process in processes.items()},
        "memory_mb": {name: process.memory_in_mb for name, process in processes.items()},
    }


def digest(value: str) -> str:
    """A keyed digest: equal values show as equal, and nothing can be guessed from it without the portal's secret."""
    return hmac.new(settings.SECRET_KEY.encode(), value.encode(), hashlib.sha256).hexdigest()[:24]


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What changed besides the commit's own variables, in words; no values. A first deploy has no before."""
    said: list[str] = []
    old, new = before["env"], after["env"]
    if not old and not before["bindings"]:
        return said
    for name in sorted((old.keys() | new.keys()) - EXPECTED):
        if name not in new:
            said.append(f"Environment variable {name} is gone.")
        elif name not in old:
            said.append(f"Environment variable {name} is new.")
        elif old[name] != new[name]:
            said.append(f"Environment variable {name} has another value.")
    said += [f"{name} is no longer bound." for name in before["bindings"] if name not in after["bindings"]]
    said += [f"{name} is newly bound." for name in after["bindings"] if name not in before["bindings"]]
    for what, unit in (("instances", "instances"), ("memory_mb", "MB of memory")):
        for process, value in after[what].items():
            if process in before[what] and before[what][process] != value:
                said.append(f"{process}: {before[what][process]} {unit} before, {value} now.")
    return said


def put_back_variables(cf: Foundation, app_guid: str, before: dict[str, str]) -> list[str]:
    """Give variables that changed since ``before`` (digests) their values of the newest revision that had them.

    Returns in words what was done and what could not be. The platform's revisions hold the old values; we do not.
    """
    now = Sight(cf, app_guid).variables
    changed = {name for name in before if digest(now.get(name, "")) != before[name] or name not in now}
    added = [name for name in now if name not in before]
    patch: dict[str, str | None] = dict.fromkeys(added)
    for revision in cf.revisions(app_guid):
        if not changed - patch.keys():
            break
        try:
            old = cf.revision_environment_variables(revision.guid)
        except NotFound:
            continue
        patch |= {name: old[name] for name in changed if name in old and digest(old[name]) == before[name]}
    if patch:
        cf.set_environment_variables(app_guid, patch)
    lost = sorted(changed - patch.keys())
    said = [f"Put back: {', '.join(sorted(patch))}."] if patch else []
    return said + (
        [f"Could not be put back (their old values are not known): {', '.join(lost)}."] if lost else []
    )
