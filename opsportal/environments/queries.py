"""What pages read about environments and the repository, from our own tables, with few and light queries."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Case, CharField, F, OuterRef, Subquery, Value, When
from django.db.models.functions import Cast

from opsportal.environments.models import Environment, EnvironmentKind, GitCommit, Health, Repository

__all__ = ["Environment", "EnvironmentKind", "Head", "Health", "Seen", "find", "head", "named", "overview"]


class Seen(NamedTuple):
    """One environment, as much as an overview shows. ``health_word``: a better word than the state's own."""

    name: str
    kind: str
    health: str
    health_word: str
    drift: str
    platform_ref: str
    deployed_ref: str
    app_commit: str
    platform_commit: str
    deployed_commit: str
    deployed_subject: str
    deployed_by: str
    deployed_at: datetime | None
    deployed_operation: str
    last_crash: str
    app_health: str
    instances_running: int
    instances_wanted: int
    owner_name: str
    owner_username: str

    @property
    def runs(self) -> str:
        """The commit that runs, by the best witness that speaks; empty when nothing is known to."""
        return self.app_commit or self.platform_commit or self.deployed_commit


def overview() -> list[Seen]:
    """Every environment, by name.

    Plain columns: making 300 rows of models, with their times and ids, costs more than the whole page may.
    """
    looked_and_empty = When(refreshed_at__isnull=False, app_guid="", then=Value("Empty"))
    derived = {
        "health_word": Case(looked_and_empty, default=Value(""), output_field=CharField()),
        "operation": Cast("deployed_operation", CharField()),
        "owner_name": F("owner__name"),
        "owner_username": F("owner__username"),
    }
    columns = ("operation" if each == "deployed_operation" else each for each in Seen._fields)
    return [
        Seen._make((*row[:-2], row[-2] or "", row[-1] or ""))
        for row in Environment.objects.order_by("name").annotate(**derived).values_list(*columns)
    ]


class Head(NamedTuple):
    """Where the repository's default branch stands; ``problem``: why that could not be read."""

    branch: str
    commit: str
    subject: str
    problem: str


def head() -> Head | None:
    """The repository's head with its subject; None before the repository was ever read."""
    subject = GitCommit.objects.filter(sha=OuterRef("head")).values("subject")[:1]
    repository = Repository.objects.annotate(subject=Subquery(subject)).filter(pk=1).first()
    if repository is None:
        return None
    return Head(repository.default_branch, repository.head, repository.subject or "", repository.problem)


def named(text: str) -> str:
    """The name of the environment that ``text`` names, in whatever case; empty when there is none."""
    return Environment.objects.filter(name__iexact=text).values_list("name", flat=True).first() or ""


def find(name: str) -> Environment | None:
    """The environment with its owner; None when there is no such one."""
    return Environment.objects.select_related("owner").filter(name=name).first()
