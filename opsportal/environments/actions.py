"""What is done to environments' rows, besides the worker's looking. Keyword-only, one transaction each."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from opsportal.accounts.models import Person
from opsportal.audit import actions as audit
from opsportal.environments import tasks
from opsportal.environments.models import Comparison, Environment

#: Seconds after which an unanswered comparison is rung for again.
PATIENCE = 5


def record_deploy(
    *,
    environment: Environment,
    commit: str,
    ref: str,
    ref_kind: str,
    subject: str,
    by: str,
    operation: UUID,
    at: datetime,
) -> None:
    """Keep what the portal deployed: the Git witness of later drift. Whoever deployed looks afterwards."""
    Environment.objects.filter(pk=environment.pk).update(
        deployed_commit=commit,
        deployed_ref=ref[:300],
        deployed_ref_kind=ref_kind,
        deployed_subject=subject[:300],
        deployed_by=by,
        deployed_operation=operation,
        deployed_at=at,
    )


def look_soon(*, environment: Environment) -> None:
    """Have the worker look at an environment at its next round."""
    Environment.objects.filter(pk=environment.pk).update(refresh_due_at=timezone.now())


def look_later(*, environment_id: int, seconds: float) -> None:
    """Leave an environment alone while something changes it: what is half done would only look like drift."""
    later = timezone.now() + timedelta(seconds=seconds)
    Environment.objects.filter(pk=environment_id).update(refresh_due_at=later)


def compare(*, base: str, head: str, environment: Environment) -> Comparison:
    """What lies between two commits, seen from an environment: answered already, or asked of the worker now.

    ``base``: a commit or empty; ``head``: a full commit, or what a person typed as one.
    """
    comparison, made = Comparison.objects.get_or_create(
        base=base[:40], head=head[:300], environment=environment.name
    )
    waited = (timezone.now() - comparison.asked_at).total_seconds()
    unsettled = comparison.answered_at is None or bool(comparison.problem)
    if made or (unsettled and waited > PATIENCE):
        Comparison.objects.filter(pk=comparison.pk).update(asked_at=timezone.now(), answered_at=None)
        transaction.on_commit(lambda: tasks.ask_soon(comparison))
    return comparison


def set_owner(*, environment: Environment, owner: Person | None, by: str) -> None:
    """Give a sandbox to a person, or to nobody."""
    with transaction.atomic():
        Environment.objects.filter(pk=environment.pk).update(owner=owner)
        audit.record(
            actor=by,
            action="environment.owner",
            target=environment.name,
            target_kind="environment",
            details={"owner": owner.username if owner else None},
        )
