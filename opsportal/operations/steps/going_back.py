"""Back to an earlier good version, without building: its droplet, its commit's variables, and a hold afterwards."""

from typing import Any

from opsportal.adapters.cloudfoundry import Droplet, NotFound
from opsportal.adapters.git import GitError
from opsportal.environments import actions as environments
from opsportal.environments.mirror import is_migration
from opsportal.environments.models import Environment, Hold
from opsportal.environments.versions import COMMIT_LABEL
from opsportal.environments.witnesses import Sight
from opsportal.operations import queries
from opsportal.operations.going_back import NEVER_COMES_BACK, choices, not_undone
from opsportal.operations.outcomes import Done, Fail, Outcome
from opsportal.operations.run import Run
from opsportal.operations.steps import place, restarting, rollout, snapshot, verify
from opsportal.operations.steps.check import refused


def find_version(run: Run) -> Outcome:
    """The version's droplet is still there; says what lies between and what will not come back."""
    found = place.find_application(run)
    if isinstance(found, Fail):
        return found
    droplet = _droplet(run)
    if droplet is None:
        return _expired(run)
    current = run.cf.current_droplet(run.facts["app"])
    then = _variables_then(run)
    commit = str(run.params.get("commit") or then.get("GIT_COMMIT_SHA") or "")
    run.facts |= {
        "droplet": droplet.guid,
        "checksum": droplet.checksum or "",
        "commit": commit,
        "ref": run.params.get("ref", ""),
        "subject": _subject(run, commit),
        "from_commit": (current.labels.get(COMMIT_LABEL, "") if current else "")
        or run.environment.platform_commit,
    }
    if "before" not in run.facts:
        run.facts["before"] = snapshot.take(Sight(run.cf, run.facts["app"]))
    _say_what_lies_between(run, then)
    return Done(
        f"Version {run.params['version']} ({commit[:8] or 'commit not known'}), droplet {droplet.guid[:8]}"
    )


def _droplet(run: Run) -> Droplet | None:
    try:
        droplet = run.cf.droplet(run.params["droplet"])
    except NotFound:
        return None
    return droplet if droplet.staged and droplet.app_guid in {None, run.facts["app"]} else None


def _expired(run: Run) -> Fail:
    verify.look_afresh(run)
    left = [label for _, label in choices(Environment.objects.get(pk=run.environment.pk))]
    still = f"These are still there: {'; '.join(left)}." if left else "No earlier version is left."
    commit = str(run.params.get("commit") or "")[:8] or "not known"
    return Fail("roll-back:expired", {"number": run.params["version"], "still": still, "commit": commit})


def _variables_then(run: Run) -> dict[str, str]:
    """The variables of that version, as the platform's revision has them; empty where it does not tell."""
    try:
        return (
            run.cf.revision_environment_variables(run.params["revision"])
            if run.params.get("revision")
            else {}
        )
    except NotFound:
        return {}


def _subject(run: Run, commit: str) -> str:
    try:
        return run.repository.commit(commit).subject[:300] if commit else ""
    except GitError:
        return ""


def _say_what_lies_between(run: Run, then: dict[str, str]) -> None:
    """In the output and in the receipt: migrations, variables (by name alone), what never comes back."""
    said = [*_migrations(run), *_other_variables(run, then)]
    for words in said:
        run.note(words)
    run.say(*said, *NEVER_COMES_BACK)


def _migrations(run: Run) -> list[str]:
    old, new = run.facts["commit"], run.facts["from_commit"]
    if not old or not new:
        return ["Which migrations lie between is not known: one of the two commits is not."]
    try:
        changed = run.repository.changed_paths(
            run.repository.resolve(old).sha, run.repository.resolve(new).sha
        )
    except GitError as error:
        return [f"Which migrations lie between is not known: {error}"]
    return not_undone([each.path for each in changed if each.status != "D" and is_migration(each.path)])


def _other_variables(run: Run, then: dict[str, str]) -> list[str]:
    """Variables that had another value then and are left as they are now; no values."""
    if not then:
        return []
    now = run.cf.environment_variables(run.facts["app"])
    names = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    others = [name for name in names if name not in snapshot.EXPECTED]
    return [f"Not put back, though different then: {', '.join(others)}."] if others else []


def set_variables(run: Run) -> Outcome:
    """The variables that name the commit, as they were with that version; every other one stays as it is now."""
    if "asked" not in run.memo:
        closed = refused(run)
        if closed:
            return closed
        run.facts["touched"] = True
        run.remember(asked=True)
    now, then = run.cf.environment_variables(run.facts["app"]), _variables_then(run)
    wanted: dict[str, Any] = {
        name: then.get(name) for name in snapshot.EXPECTED if name in now or name in then
    }
    if not then:
        ref = run.facts["ref"]
        wanted = {name: ref for name in ("GIT_BRANCH", "GIT_TAG") if ref and name in now}
    if run.facts["commit"]:
        wanted["GIT_COMMIT_SHA"] = run.facts["commit"]
    run.cf.set_environment_variables(run.facts["app"], wanted)
    return Done(", ".join(sorted(name for name, value in wanted.items() if value)) or "Nothing to set")


def roll_out(run: Run) -> Outcome:
    """Replace the instances one by one with the earlier version's droplet; what runs now serves meanwhile."""
    return rollout.roll_out_by(run, restarting.to_the_droplet, _keep_and_hold)


def _keep_and_hold(run: Run) -> None:
    """From the moment it serves it is held, whatever becomes of the steps that follow."""
    verify.keep_what_was_rolled_out(run)
    hold(run)


def verify_version(run: Run) -> Outcome:
    """It answers well and reports the commit; where the commit is not known, that it answers well."""
    return verify.verify(run) if run.facts["commit"] else restarting.healthy(run)


def hold(run: Run) -> Outcome:
    """Nothing goes there by itself until a person has looked: held, with the reason, until somebody releases it."""
    by = queries.requester_of(run.operation)
    before, after = (
        run.facts["from_commit"][:8] or "what ran",
        run.facts["commit"][:8] or "an earlier version",
    )
    reason = f"Rolled back from {before} to {after} by {by.name or by.username}"
    if run.operation.reason:
        reason += f": {run.operation.reason}"
    environments.hold(environment=run.environment, reason=reason, by=by, origin=Hold.Origin.ROLL_BACK)
    return Done(f"{run.environment.name} is held until somebody releases it")
