"""The mirror of Git in our own tables: refs, recent commits, environments by their manifests, comparisons."""

import fnmatch
import logging
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from opsportal.adapters.git import Branch, Commit, GitError, PathNotFound, RefNotFound, Tag
from opsportal.adapters.git import Repository as Clone
from opsportal.environments import platform
from opsportal.environments.manifests import ManifestError, environment_names, interpolate, parse_manifest
from opsportal.environments.models import Comparison, Environment, GitCommit, GitRef, Repository
from opsportal.environments.rules import kind_of, variables

log = logging.getLogger(__name__)

RECENT_COMMITS = 2000
COMPARED_COMMITS = 300
#: Of so many commits it is said which migrations each brings: as many as a page lists.
MARKED_COMMITS = 100


def refresh(clone: Clone) -> bool:
    """Fetch, and bring the mirror up to date. True when something changed. Trouble is kept for the pages."""
    row, _ = Repository.objects.get_or_create(pk=1)
    try:
        changed = clone.refresh() or row.changed_at is None or bool(row.problem)
        if changed:
            _mirror_refs(clone)
            row.default_branch = clone.default_branch()
            head = clone.resolve(f"refs/heads/{row.default_branch}").sha
            row.head = head
            _mirror_commits(clone, head)
            discover(clone, head)
            row.changed_at = timezone.now()
        row.problem = ""
    except GitError as error:
        row.problem, changed = str(error)[:1000], False
        log.warning("the repository could not be refreshed: %s", error)
    row.refreshed_at = timezone.now()
    row.save()
    return changed


def paths_changed(clone: Clone, base: str, commit: str) -> tuple[list[str], str]:
    """The files that differ between two commits; instead of them, in words, why Git could not say."""
    try:
        return [each.path for each in clone.changed_paths(base, commit)] if base else [], ""
    except GitError as error:
        return [], str(error)


def _mirror_refs(clone: Clone) -> None:
    wanted = {(row.kind, row.name): row for row in _rows(clone)}
    known = {(row.kind, row.name): row for row in GitRef.objects.all()}
    made = [row for key, row in wanted.items() if key not in known]
    moved = [row for key, row in wanted.items() if key in known and known[key].commit != row.commit]
    for row in moved:
        row.pk = known[(row.kind, row.name)].pk
    with transaction.atomic():
        GitRef.objects.filter(pk__in=[row.pk for key, row in known.items() if key not in wanted]).delete()
        GitRef.objects.bulk_create(made, batch_size=200)
        GitRef.objects.bulk_update(moved, ["commit", "subject", "author", "committed_at"], batch_size=200)
        GitCommit.objects.bulk_create(
            {row.commit: _commit_of(row) for row in wanted.values()}.values(),
            ignore_conflicts=True,
            batch_size=200,
        )


def _rows(clone: Clone) -> Iterator[GitRef]:
    for branch in clone.branches():
        yield GitRef(
            kind=GitRef.Kind.BRANCH, name=branch.name[:300], committed_at=branch.at, **_about(branch)
        )
    for tag in clone.tags():
        yield GitRef(kind=GitRef.Kind.TAG, name=tag.name[:300], committed_at=tag.committed_at, **_about(tag))


def _about(ref: Branch | Tag) -> dict[str, str]:
    return {"commit": ref.commit, "subject": ref.subject[:300], "author": ref.author[:200]}


def _commit_of(row: GitRef) -> GitCommit:
    return GitCommit(sha=row.commit, subject=row.subject, author=row.author, committed_at=row.committed_at)


def _mirror_commits(clone: Clone, head: str) -> None:
    known = set(GitCommit.objects.values_list("sha", flat=True))
    recent = clone.commits_between(None, head, limit=RECENT_COMMITS)
    rows = [_commit_row(each) for each in recent if each.sha not in known]
    GitCommit.objects.bulk_create(rows, ignore_conflicts=True, batch_size=200)


def _commit_row(commit: Commit) -> GitCommit:
    return GitCommit(
        sha=commit.sha,
        subject=commit.subject[:300],
        author=commit.author[:200],
        committed_at=commit.committed_at,
    )


def discover(clone: Clone, head: str) -> None:
    """Environments are what the default branch has manifests for. One whose manifest went away is kept and marked."""
    directory = settings.MANIFEST_PATTERN.rpartition("/")[0]
    try:
        paths = [entry.path for entry in clone.list_tree(head, directory)]
    except PathNotFound:
        paths = []
    names = environment_names(paths, settings.MANIFEST_PATTERN)
    for name in names:
        Environment.objects.update_or_create(
            name=name,
            defaults={
                "in_repository": True,
                "manifest_problem": _manifest_problem(clone, head, name),
                "app_name": platform.app_name(name),
                "space_name": platform.space_name(name),
            },
            create_defaults={
                "kind": kind_of(name),
                "app_name": platform.app_name(name),
                "space_name": platform.space_name(name),
                "manifest_problem": _manifest_problem(clone, head, name),
            },
        )
    Environment.objects.exclude(name__in=names).update(in_repository=False)


def _manifest_problem(clone: Clone, commit: str, environment: str) -> str:
    path = platform.manifest_path(environment)
    try:
        manifest = parse_manifest(
            clone.file(commit, path), environment=environment, app_name=settings.APP_NAME_PATTERN, path=path
        )
        interpolate(manifest, variables(commit, "ref"))
    except ManifestError as error:
        return f"{path}: {error.problem} {error.remedy}".strip()
    except GitError as error:
        return f"{path}: {error}"
    return ""


def answer(comparison: Comparison, clone: Clone) -> None:
    """Fill in a comparison that a page asked for. What is wrong becomes words, never an exception."""
    try:
        head = clone.resolve(comparison.head).sha
        comparison.resolved_head = head
        base = comparison.base
        try:
            base = clone.resolve(base).sha if base else ""
        except RefNotFound:
            comparison.warnings = [f"What runs now ({base[:8]}) is not in the repository."]
            base = ""
        if base:
            comparison.ahead, comparison.lost = clone.count_between(base, head)
            changed = [each.path for each in clone.changed_paths(base, head) if each.status != "D"]
            comparison.migrations = [path for path in changed if is_migration(path)]
        comparison.commits = [] if base == head else _commits(clone, base, head)
        if comparison.migrations:
            _mark_migrations(clone, comparison.commits)
        comparison.problem = _manifest_problem(clone, head, comparison.environment)
    except RefNotFound:
        comparison.problem = f"The repository has no “{comparison.head}”."
    except GitError as error:
        comparison.problem = f"The repository could not be read: {error}"
    comparison.answered_at = timezone.now()
    comparison.save()


def is_migration(path: str) -> bool:
    """Whether a changed file is a database migration (MIGRATIONS_PATTERN)."""
    return fnmatch.fnmatch(path, settings.MIGRATIONS_PATTERN)


def _mark_migrations(clone: Clone, commits: list[dict[str, Any]]) -> None:
    """Say of each commit that a page lists which migrations it brings; of a merge its commits say so themselves."""
    for each in commits[:MARKED_COMMITS]:
        if len(each["parents"]) == 1:
            changed = clone.changed_paths(each["parents"][0], each["sha"])
            each["migrations"] = [
                path.path for path in changed if path.status != "D" and is_migration(path.path)
            ]


def _commits(clone: Clone, base: str, head: str) -> list[dict[str, Any]]:
    limit = COMPARED_COMMITS if base else 20
    return [
        {
            "sha": commit.sha,
            "subject": commit.subject,
            "author": commit.author,
            "at": commit.committed_at.isoformat(),
            "parents": list(commit.parents),
        }
        for commit in clone.commits_between(base or None, head, limit=limit)
    ]
