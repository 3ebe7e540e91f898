"""Up to which commit an environment's database was migrated, as far as the portal knows."""

from opsportal.environments.models import Environment
from opsportal.operations.models import State, Step, StepState
from opsportal.operations.queries import BRING_CODE


def commit_migrated(environment: Environment) -> str:
    """The commit that ran when a migration last succeeded; empty when the portal knows of none."""
    steps = Step.objects.filter(
        operation__environment=environment, name="migrate", tidy=False, state=StepState.SUCCEEDED
    )
    last = steps.select_related("operation").order_by("-ended_at").first()
    if last is None:
        return ""
    if commit := last.operation.facts.get("commit"):
        return str(commit)
    brought = environment.operations.filter(kind__in=BRING_CODE, state=State.SUCCEEDED)
    before = brought.filter(ended_at__lte=last.ended_at).order_by("-ended_at").first()
    return str(before.facts.get("commit", "")) if before else ""


def running_commit(environment: Environment) -> str:
    """The commit that runs, by the application's word, else the platform's, else ours."""
    return environment.app_commit or environment.platform_commit or environment.deployed_commit
