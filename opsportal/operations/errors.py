"""The one catalogue of what can go wrong: stable id, whose move it is, what happened, what to do next.

Words hold ``{facts}`` filled in by the step that failed; an unknown fact is shown as a dash, never a crash.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsportal.operations.models import WhoseMove


@dataclass(frozen=True)
class Words:
    """What a person reads about an error."""

    whose_move: WhoseMove
    problem: str
    remedy: str


_Y, _O, _P, _C = WhoseMove.YOURS, WhoseMove.OURS, WhoseMove.PLATFORM, WhoseMove.CANCELLED

CATALOGUE: dict[str, Words] = {
    "operation:cancelled": Words(
        _C, "Cancelled by {who}.", "Nothing more is needed. Start it again when you are ready."
    ),
    "operation:refused": Words(_Y, "The rules no longer allow it: {reason}", "{remedy}"),
    "operation:step-too-long": Words(
        _P,
        "“{step}” did not end within {limit}.",
        "Look at the output below and at the platform's status, then retry from this step.",
    ),
    "operation:crashed": Words(
        _O,
        "The portal stumbled in “{step}”: {what}",
        "This is a defect of the portal, not of your change. Retry from this step; if it fails again, tell an admin "
        "the operation's number.",
    ),
    "operation:kind-gone": Words(
        _O,
        "This portal no longer knows the operation “{kind}”.",
        "Start it again as one of the kinds on offer.",
    ),
    "source:ref-gone": Words(
        _Y,
        "The repository has no {ref}.",
        "It was deleted or rewritten since it was chosen, or mistyped. Choose a branch, tag or commit that exists.",
    ),
    "source:repository": Words(_P, "The repository could not be read: {what}", "{remedy}"),
    "source:too-large": Words(
        _Y,
        "The source at {commit} is too large: {what}",
        "Remove what does not belong in the repository, push, deploy.",
    ),
    "source:unusable": Words(
        _Y,
        "The source cannot be sent as it is: {what}",
        "{remedy}",
    ),
    "manifest:bad": Words(_Y, "{path} at {commit}: {what}", "{remedy}"),
    "manifest:refused": Words(
        _Y,
        "The platform refused the manifest: {what}",
        "Correct the manifest or what it names, push, and deploy again.",
    ),
    "build:failed": Words(
        _Y,
        "The asset build “{command}” failed with {how}.",
        "Its output below says why. Mend it on the branch, push, and deploy again. Nothing was sent to the platform.",
    ),
    "build:too-long": Words(
        _Y,
        "The asset build “{command}” was stopped after {limit}: it did not end.",
        "Run it by hand to see where it hangs; an admin can raise ASSET_BUILD_SECONDS.",
    ),
    "build:too-loud": Words(
        _Y,
        "The asset build “{command}” was stopped: it printed more than {limit}.",
        "Make it print less, or have an admin raise ASSET_BUILD_OUTPUT_MB.",
    ),
    "build:memory": Words(
        _Y,
        "The asset build “{command}” was stopped: it ran out of its {limit} of memory.",
        "Make it need less, or have an admin raise ASSET_BUILD_MEMORY_MB.",
    ),
    "platform:space-gone": Words(
        _Y, "There is no space “{space}” in “{organization}”.", "An admin creates the sandbox's space first."
    ),
    "platform:bits": Words(
        _Y,
        "The platform could not use the uploaded files: {what}",
        "If they are too large, remove what is not needed (a .cfignore file helps), push, and deploy again.",
    ),
    "platform:staging": Words(
        _Y,
        "Staging failed: {what}",
        "{serving} The staging log below says why: mend it on the branch, push, and deploy again.",
    ),
    "platform:staging-interrupted": Words(
        _P,
        "The platform gave up staging: {what}",
        "{serving} Nothing is wrong with the change as far as can be told: retry from this step.",
    ),
    "platform:not-healthy": Words(
        _Y,
        "The new version did not become healthy: {what}",
        "{serving} Read its log below, mend it on the branch, push, and deploy again.",
    ),
    "platform:superseded": Words(
        _Y,
        "Somebody else deployed {app} while this was rolling out.",
        "Look at what runs there now (the environment's page shows drift), then decide who deploys.",
    ),
    "platform:deployment-cancelled": Words(
        _Y,
        "Somebody cancelled the rollout on the platform.",
        "Find out who and why (cf events {app}), then retry from this step.",
    ),
    "platform:task-failed": Words(_Y, "The task “{task}” failed: {what}", "{remedy}"),
    "platform:task-signal": Words(_Y, "The task “{task}” was ended by a signal: {what}", "{remedy}"),
    "platform:task-memory": Words(
        _Y,
        "The task “{task}” used more memory than it had: {what}",
        "Run it with more memory, or make it need less; then retry from this step.",
    ),
    "platform:task-timeout": Words(
        _Y,
        "The task “{task}” did not end within {limit} and was stopped.",
        "Its output shows how far it came. Make it quicker or split it, or have an admin raise TASK_SECONDS.",
    ),
    "platform:task-cancelled": Words(
        _Y,
        "The task “{task}” was stopped before its end: {what}",
        "Find out who and why (cf events), then retry from this step.",
    ),
    "platform:task-not-started": Words(
        _P,
        "The task “{task}” did not start: {what}",
        "The platform had no room or nobody to run it. Wait, then retry from this step.",
    ),
    "platform:app-gone": Words(
        _Y,
        "There is no application “{app}” in the space “{space}”.",
        "Deploy to the environment first: what this does needs an application.",
    ),
    "platform:no-droplet": Words(
        _Y,
        "“{app}” has nothing staged to run.",
        "Deploy to the environment first.",
    ),
    "platform:no-package": Words(
        _Y,
        "What “{app}” runs was promoted from elsewhere or its source has expired: there is nothing here to stage.",
        "Restart starts it anew as it is; deploy its commit to build it here.",
    ),
    "platform:too-large": Words(
        _Y,
        "The platform refused the size: {what}",
        "Ask for less, or have an admin look at the quota; nothing was changed.",
    ),
    "guard:stable": Words(
        _Y,
        "This is never done on stable, by anyone, by any path. {what}",
        "Nothing was changed. If this environment is not stable, tell an admin: its names on the platform say that it is.",
    ),
    "guard:mismatch": Words(
        _O,
        "What the portal knows does not fit the platform: {what}",
        "Nothing was changed. An admin looks at the environment's app and space before this is tried again.",
    ),
    "guard:foreign-database": Words(
        _Y,
        "“{app}” is bound to the database “{database}” of the space “{space}”.",
        "Nothing was changed, so that no other environment's data is. Unbind it (cf unbind-service {app} {database}), "
        "restart, and try again.",
    ),
    "database:none": Words(
        _Y,
        "There is no database “{name}” in the space “{space}”.",
        "{remedy}",
    ),
    "database:several": Words(
        _Y,
        "“{app}” is bound to several databases: {names}.",
        "Unbind those that are not its own, then try again. Nothing was changed.",
    ),
    "database:in-use": Words(
        _Y,
        "The database “{name}” is used elsewhere too: {what}",
        "End that first; deleting it would take it away there. Nothing was deleted.",
    ),
    "service:failed": Words(
        _P,
        "The platform could not {what} “{name}”: {why}",
        "Look at the platform's status, then retry from this step: what is half made is removed first.",
    ),
    "service:too-long": Words(
        _P,
        "The platform did not {what} “{name}” within {limit}.",
        "It may still do so. Look at cf service {name}, then retry from this step: it goes on from what is there.",
    ),
    "copy:no-sharing": Words(
        _Y,
        "The platform does not let “{name}” be shared: {what}",
        "An admin of the platform switches service_instance_sharing on; the portal's account needs SpaceDeveloper in "
        "both spaces.",
    ),
    "roll-back:expired": Words(
        _Y,
        "Version {number} can no longer be rolled back to: the platform has removed its droplet.",
        "{still} Otherwise deploy its commit {commit} again: that builds anew.",
    ),
    "promote:drift": Words(
        _Y,
        "What runs on {source} is not what the portal deployed there: {what}",
        "Deploy to {source} what it should run, see that it is good, then promote.",
    ),
    "promote:checksum": Words(
        _P,
        "The copied droplet is not the one that runs on {source}: {what}",
        "Nothing was rolled out. Retry from this step; if it stays so, tell the platform's support.",
    ),
    "promote:source-gone": Words(
        _Y, "{source} has no droplet that could be promoted: {what}", "Deploy there first, then promote."
    ),
    "platform:wrong-version": Words(
        _Y,
        "The application answers, but reports {reported} instead of {expected}.",
        "Something else deployed it, or its /version does not read GIT_COMMIT_SHA. Compare the three witnesses on the "
        "environment's page.",
    ),
    "platform:unhealthy-after": Words(
        _Y,
        "The new version was rolled out but does not answer well at {url}: {what}",
        "Migrate is the first thing to try on errors; otherwise deploy the version that ran before.",
    ),
    "platform:refused": Words(_P, "The platform refused: {what}", "{remedy}"),
    "platform:credentials": Words(
        _O, "The platform refused the portal's own account.", "An admin checks CF_USERNAME and CF_PASSWORD."
    ),
    "platform:unavailable": Words(
        _P,
        "The platform did not answer: {what}",
        "Nothing was lost. Wait until it answers again, then retry from this step.",
    ),
    "platform:bad-answer": Words(
        _P,
        "The platform gave an answer that makes no sense: {what}",
        "Retry from this step; if it stays so, tell the platform's support its request id: {request_id}.",
    ),
    "platform:unknown": Words(
        _P,
        "It cannot be told whether the platform did it: {what}",
        "Look again. If the platform still cannot tell, an engineer settles it by hand with the lines below.",
    ),
}


def words(error_id: str, facts: Mapping[str, Any]) -> Words:
    """The words for an error, filled in with its facts. An id that is not in the catalogue is ours to explain."""
    found = CATALOGUE.get(error_id, CATALOGUE["operation:crashed"])
    known = defaultdict(lambda: "—", {name: str(value) for name, value in facts.items()})
    return Words(found.whose_move, found.problem.format_map(known), found.remedy.format_map(known))
