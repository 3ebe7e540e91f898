"""What Git knows, as plain values. Every text is safe to store and show; every moment is aware, in UTC."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

RefKind = Literal["branch", "tag", "commit"]


@dataclass(frozen=True)
class Commit:
    """A commit. ``sha`` is the full id; ``parents`` are full ids, the first is the line it was made on."""

    sha: str
    subject: str
    author: str
    committed_at: datetime
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Branch:
    """A branch and its tip. ``at``: when the tip was committed."""

    name: str
    commit: str
    at: datetime
    subject: str = ""
    author: str = ""


@dataclass(frozen=True)
class Tag:
    """A tag and the commit that it names in the end.

    ``at``: when it was tagged; None for a lightweight tag, which carries no date of its own (product.md,
    Releases, rule 3). ``committed_at``, ``subject`` and ``author`` are the commit's.
    """

    name: str
    commit: str
    at: datetime | None
    annotated: bool
    committed_at: datetime
    subject: str = ""
    author: str = ""


@dataclass(frozen=True)
class Resolved:
    """What a text turned out to name: the commit, what kind of name it was, and the name in full."""

    commit: Commit
    kind: RefKind
    name: str

    @property
    def sha(self) -> str:
        """The commit's full id."""
        return self.commit.sha


@dataclass(frozen=True)
class FoundRef:
    """One answer of a search. For a commit ``name`` is its full id."""

    kind: RefKind
    name: str
    commit: str
    subject: str
    author: str
    at: datetime


@dataclass(frozen=True)
class ChangedPath:
    """A path that differs between two commits. ``status``: A added, M modified, D deleted, T another type."""

    path: str
    status: str


@dataclass(frozen=True)
class TreeEntry:
    """An entry of a folder. ``type``: blob, tree or commit (a submodule); ``size`` in bytes, blobs only.

    ``mode``: octal, as Git writes it: 100644, 100755, 120000 (symbolic link), 040000, 160000 (submodule).
    """

    mode: str
    type: str
    object: str
    path: str
    size: int | None

    @property
    def is_symlink(self) -> bool:
        """Whether the blob is the target of a symbolic link."""
        return self.mode == "120000"

    @property
    def is_submodule(self) -> bool:
        """Whether it is another repository, which is not part of this one."""
        return self.type == "commit"
