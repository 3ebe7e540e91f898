"""Development deploys itself on every push to the default branch (product.md, Environments); docs-only ones are left out.

The mirror of Git is polled by the worker; here it is compared with what was decided before. One row per push keeps the
decision, so that any number of workers decide once.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from opsportal.accounts.queries import SERVICE
from opsportal.environments import mirror, platform
from opsportal.environments.models import Environment, EnvironmentKind, Repository
from opsportal.kit import wording
from opsportal.operations import actions
from opsportal.operations.models import Operation, Push, State
from opsportal.operations.registry import BadParameter


def only_documentation(paths: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether a push changed nothing but documentation. A push that changed nothing at all did not."""
    return bool(paths) and all(any(fnmatchcase(path, each) for each in patterns) for path in paths)


def follow() -> None:
    """Decide about the newest commit of the default branch, for each environment that follows it."""
    repository = Repository.objects.filter(pk=1).first()
    if repository is None or not repository.head or not repository.default_branch:
        return
    following = Environment.objects.filter(kind=EnvironmentKind.DEVELOPMENT, in_repository=True)
    for environment in following:
        push = _push(environment, repository.head)
        if push is not None:
            _decide(push, repository.default_branch)


def _push(environment: Environment, head: str) -> Push | None:
    """The push to decide about; None when it was decided. What was there at the very first look is no push."""
    latest = Push.objects.filter(environment=environment).first()
    if latest is not None and latest.commit == head:
        return latest if latest.decided_at is None else None
    known = Push.objects.filter(environment=environment, commit=head).first()
    if latest is not None and known is not None:
        return _pushed_back(known, latest)
    first = (
        {}
        if latest
        else {"decided_at": timezone.now(), "words": "What was there when the portal first looked."}
    )
    try:
        with transaction.atomic():
            base = latest.commit if latest else ""
            made = Push.objects.create(environment=environment, commit=head, base=base, **first)
    except IntegrityError:
        return None
    return made if latest else None


def _pushed_back(known: Push, latest: Push) -> Push | None:
    """The branch stands again on a commit that it was on before: that is a push as well."""
    again = {"seen_at": timezone.now(), "decided_at": None, "base": latest.commit, "words": ""}
    if not Push.objects.filter(pk=known.pk, seen_at=known.seen_at).update(**again):
        return None
    known.refresh_from_db()
    return known


def _decide(push: Push, branch: str) -> None:
    """Git is asked first; the decision and the operation are one transaction, so that nothing is deployed twice."""
    base = push.environment.deployed_commit or push.base
    changed, problem = mirror.paths_changed(platform.repository(), base, push.commit)
    if problem:
        Push.objects.filter(pk=push.pk).update(words=f"Git could not say what changed: {problem}")
        return
    with transaction.atomic():
        # Another scheduler that looked at the same time finds it decided.
        if Push.objects.select_for_update(no_key=True).filter(pk=push.pk, decided_at=None).first():
            _settle_by(push, branch, changed)


def _settle_by(push: Push, branch: str, changed: Sequence[str]) -> None:
    environment = push.environment
    if environment.deployed_commit == push.commit:
        _settle(push, "It runs there already.")
        return
    if only_documentation(changed, settings.DOCUMENTATION_PATTERNS):
        _settle(push, f"Left out: only documentation changed ({wording.count(len(changed), 'file')}).")
        return
    _give_up_older(environment)
    try:
        operation = actions.request(
            kind="deploy", environment=environment.name, given={"branch": branch}, by=SERVICE, via="push"
        )
    except (actions.Refused, BadParameter) as refusal:
        # Tried again at the next look: a hold is released, a queue empties.
        Push.objects.filter(pk=push.pk).update(words=f"Waits: {refusal}")
        return
    _settle(push, "Deployed by itself.", operation)


def _give_up_older(environment: Environment) -> None:
    """A push that still waits in the queue is overtaken by a newer one."""
    waiting = Operation.objects.filter(environment=environment, state=State.WAITING, via="push")
    for each in waiting.values_list("id", flat=True):
        actions.cancel(operation=each, by=SERVICE, reason="A newer push overtook it.")


def _settle(push: Push, words: str, operation: Operation | None = None) -> None:
    Push.objects.filter(pk=push.pk).update(decided_at=timezone.now(), words=words, operation=operation)
