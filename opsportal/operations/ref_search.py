"""Search of branches, tags and commits as one types, from the mirror: no Git in a request."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, F, IntegerField, Q, Value, When

from opsportal.accounts.models import Person
from opsportal.environments.models import GitCommit, GitRef

SHOWN, COMMITS_SHOWN = 20, 8
_PART_OF_A_SHA = re.compile(r"[0-9a-f]{4,40}")
_WHOLE_ENOUGH = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True)
class Found:
    """One thing that can be deployed. ``kind``: branch, tag or commit; ``name`` is what is asked for."""

    kind: str
    name: str
    commit: str
    subject: str = ""
    author: str = ""
    at: datetime | None = None


def search(text: str, person: Person) -> list[Found]:
    """What matches ``text``: without one the newest, the person's own branches first; exact names before others."""
    found = [
        Found(row.kind, row.name, row.commit, row.subject, row.author, row.committed_at)
        for row in _refs(text, person)
    ]
    lower = text.lower()
    if text:
        found += _commits(lower)
    if _WHOLE_ENOUGH.fullmatch(lower) and not any(each.kind == "commit" for each in found):
        found.append(
            Found("commit", lower, lower, "A commit the list does not hold; the worker looks for it.")
        )
    return found


def _refs(text: str, person: Person) -> list[GitRef]:
    rows = GitRef.objects.all()
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(commit__startswith=text.lower()))
    own = Q(author__iexact=person.name) | Q(name__istartswith=f"{person.username}/")
    mine = own & Q(kind=GitRef.Kind.BRANCH)  # old tags of one's own would stand above what is worked on
    rank = Case(
        When(name__iexact=text, then=Value(0)),
        When(mine, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return list(
        rows.annotate(rank=rank).order_by("rank", F("committed_at").desc(nulls_last=True), "name")[:SHOWN]
    )


def _commits(text: str) -> list[Found]:
    wanted = Q(subject__icontains=text)
    if _PART_OF_A_SHA.fullmatch(text):
        wanted |= Q(sha__startswith=text)
    rows = GitCommit.objects.filter(wanted).order_by("-committed_at")[:COMMITS_SHOWN]
    return [Found("commit", row.sha, row.sha, row.subject, row.author, row.committed_at) for row in rows]
