"""Branches and tags: listing them, and finding what a text names."""

from collections.abc import Iterable

from opsportal.adapters.git.command import Git
from opsportal.adapters.git.errors import AmbiguousRef, GitError, RefNotFound, shown
from opsportal.adapters.git.history import History, moment
from opsportal.adapters.git.names import HEADS, TAGS, is_full_sha, is_ref_name, is_short_sha, split_ref
from opsportal.adapters.git.values import Branch, Commit, FoundRef, Resolved, Tag
from opsportal.kit.text import safe_name, safe_text

_SUBJECT_LIMIT = 300
_NAME_LIMIT = 200
_FIELDS = (
    "refname",
    "objecttype",
    "objectname",
    "*objecttype",
    "*objectname",
    "committerdate:unix",
    "*committerdate:unix",
    "taggerdate:unix",
    "authorname",
    "*authorname",
    "subject",
    "*subject",
)
_FORMAT = "%00".join(f"%({field})" for field in _FIELDS)


class Refs:
    """The branches and tags of one bare repository."""

    def __init__(self, git: Git, history: History) -> None:
        self._git = git
        self._history = history

    def branches(self, *options: str) -> list[Branch]:
        """All branches, the one committed to last first."""
        found = [_branch(row) for row in self._rows(*options, HEADS) if row["objecttype"] == b"commit"]
        return sorted(found, key=lambda branch: (-branch.at.timestamp(), branch.name))

    def tags(self, *options: str) -> list[Tag]:
        """All tags that name a commit, the newest commit first; tags of files or folders are left out."""
        found = [tag for row in self._rows(*options, TAGS) if (tag := self._tag(row)) is not None]
        return sorted(found, key=lambda tag: (-tag.committed_at.timestamp(), tag.name))

    def default_branch(self) -> str:
        """The branch that the remote's HEAD means. Raises :class:`RefNotFound` for an empty repository."""
        ref = self._git.read("symbolic-ref", "--quiet", "HEAD").strip().decode("utf-8", "backslashreplace")
        name = ref.removeprefix(HEADS)
        if self._exact(name)[0] is None:
            raise RefNotFound(name)
        return name

    def resolve(self, text: str) -> Resolved:
        """The commit that a person's text names; see :meth:`Repository.resolve`."""
        kind, name = split_ref(text.strip())
        if kind is None and is_full_sha(name.lower()) and (commit := self._commit(name.lower())) is not None:
            return Resolved(commit, "commit", commit.sha)
        branch, tag = self._exact(name)
        branch, tag = (branch if kind != "tag" else None), (tag if kind != "branch" else None)
        commits = self._abbreviated(name.lower()) if kind is None and is_short_sha(name.lower()) else []
        meant = {sha for sha in (branch, tag, *commits) if sha is not None}
        if not meant:
            raise RefNotFound(text)
        if len(meant) > 1:
            raise _ambiguous(name, branch, tag, commits)
        commit = self._history.commit(meant.pop())
        if tag is not None:
            return Resolved(commit, "tag", name)
        return (
            Resolved(commit, "branch", name) if branch is not None else Resolved(commit, "commit", commit.sha)
        )

    def search(self, query: str, limit: int) -> list[FoundRef]:
        """Branches and tags with the query in their name, any case, newest first; a commit by its id."""
        wanted = query.strip().casefold()
        found = [
            FoundRef("branch", branch.name, branch.commit, branch.subject, branch.author, branch.at)
            for branch in self.branches()
            if wanted in branch.name.casefold()
        ]
        found += [
            FoundRef("tag", tag.name, tag.commit, tag.subject, tag.author, tag.committed_at)
            for tag in self.tags()
            if wanted in tag.name.casefold()
        ]
        # An exact name first, then names that begin with the query, then by age.
        found.sort(
            key=lambda ref: (ref.name.casefold() != wanted, not ref.name.casefold().startswith(wanted))
        )
        if is_full_sha(wanted) or is_short_sha(wanted):
            shas = [wanted] if is_full_sha(wanted) else self._abbreviated(wanted)
            known = [commit for sha in shas[:limit] if (commit := self._commit(sha)) is not None]
            found[:0] = [
                FoundRef("commit", commit.sha, commit.sha, commit.subject, commit.author, commit.committed_at)
                for commit in known
            ]
        return found[: max(0, limit)]

    def _exact(self, name: str) -> tuple[str | None, str | None]:
        """The commits of the branch and of the tag with exactly this name."""
        if not is_ref_name(name):
            return None, None
        places = (HEADS + name, TAGS + name)
        rows = {row["refname"].decode("utf-8", "replace"): row for row in self._rows(*places)}
        branch, tag = (self._peeled(rows[place]) if place in rows else None for place in places)
        return branch, tag

    def _tag(self, row: dict[str, bytes]) -> Tag | None:
        commit = self._peeled(row)
        if commit is None:
            return None
        annotated = row["objecttype"] == b"tag"
        star = "*" if annotated else ""
        subject, author, at = (
            row[star + "subject"],
            row[star + "authorname"],
            row[star + "committerdate:unix"],
        )
        if not at:
            # A tag of a tag: git gives only one level at once.
            known = self._history.commit(commit)
            subject, author, committed_at = known.subject.encode(), known.author.encode(), known.committed_at
        else:
            committed_at = moment(at)
        return Tag(
            name=safe_name(row["refname"].removeprefix(TAGS.encode())),
            commit=commit,
            at=moment(row["taggerdate:unix"]) if annotated and row["taggerdate:unix"] else None,
            annotated=annotated,
            committed_at=committed_at,
            subject=safe_text(subject.decode("utf-8", "replace"), _SUBJECT_LIMIT),
            author=safe_text(author.decode("utf-8", "replace"), _NAME_LIMIT),
        )

    def _peeled(self, row: dict[str, bytes]) -> str | None:
        if row["objecttype"] == b"commit":
            return row["objectname"].decode("ascii")
        if row["*objecttype"] == b"commit":
            return row["*objectname"].decode("ascii")
        if row["*objecttype"] == b"tag":
            return self._history.commit_id(row["objectname"].decode("ascii"))
        return None

    def _commit(self, sha: str) -> Commit | None:
        try:
            return self._history.commit(sha)
        except RefNotFound:
            return None

    def _abbreviated(self, start: str) -> list[str]:
        """Ids of the commits whose id begins so."""
        listing = self._git.read("rev-parse", f"--disambiguate={start}").decode("ascii").split()
        return [sha for sha in listing if self._history.commit_id(sha) == sha]

    def _rows(self, *arguments: str) -> Iterable[dict[str, bytes]]:
        listing = self._git.read("for-each-ref", f"--format={_FORMAT}", *arguments)
        for line in listing.split(b"\n"):
            if line:
                values = line.split(b"\x00")
                if len(values) != len(_FIELDS):
                    raise GitError("git listed the branches and tags in a form the portal does not know.")
                yield dict(zip(_FIELDS, values, strict=True))


def _branch(row: dict[str, bytes]) -> Branch:
    return Branch(
        name=safe_name(row["refname"].removeprefix(HEADS.encode())),
        commit=row["objectname"].decode("ascii"),
        at=moment(row["committerdate:unix"]),
        subject=safe_text(row["subject"].decode("utf-8", "replace"), _SUBJECT_LIMIT),
        author=safe_text(row["authorname"].decode("utf-8", "replace"), _NAME_LIMIT),
    )


def _ambiguous(name: str, branch: str | None, tag: str | None, commits: list[str]) -> AmbiguousRef:
    meanings = [f"the branch at {branch[:8]}"] if branch else []
    meanings += [f"the tag at {tag[:8]}"] if tag else []
    meanings += [f"the commit {sha[:12]}" for sha in commits[:5]]
    remedy = "Write more characters of the commit's id."
    if branch or tag:
        remedy = f"Write {HEADS}{shown(name)} or {TAGS}{shown(name)}, or the commit's full id."
    return AmbiguousRef(f"“{shown(name)}” can mean {' or '.join(meanings)}.", remedy)
