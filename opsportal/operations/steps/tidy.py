"""Putting things back after a failure or a cancel, so that the version that ran before goes on as it was."""

from opsportal.environments.witnesses import Sight
from opsportal.operations.outcomes import Done, Outcome, Wait
from opsportal.operations.run import LABEL, Run
from opsportal.operations.steps import snapshot


def stop_rollout(run: Run) -> Outcome:
    """Cancel a rollout of ours that is still going; stop an application that is new and never worked."""
    app = run.facts.get("app")
    if not app:
        return Done("Nothing was rolled out", skipped=True)
    ours = run.cf.deployments(app, labels={LABEL: str(run.operation.id)}, status_values=["ACTIVE"])
    for deployment in ours:
        if deployment.status_reason != "CANCELING":
            run.cf.cancel_deployment(deployment.guid)
    if ours:
        return Wait(0.5, "The platform is going back to the version before")
    if run.facts.get("new") or run.facts.get("previous") == "":
        run.cf.stop_app(app)
        return Done("The application is new and never worked: it was stopped")
    return Done("The version before serves")


def put_back(run: Run) -> Outcome:
    """Give environment variables back the values they had; say what else differs from before."""
    before, app = run.facts.get("before"), run.facts.get("app")
    if not before or not app:
        return Done("Nothing had been changed", skipped=True)
    said = snapshot.put_back_variables(run.cf, app, before["env"])
    run.say(*said)
    for difference in snapshot.differences(before, snapshot.take(Sight(run.cf, app))):
        run.note(f"Differs from before the deploy: {difference}")
    run.facts["touched"] = False
    return Done(" ".join(said) or "Nothing had to be put back", skipped=not said)
