"""Git through the system's ``git`` command on a bare clone. Knows nothing of the portal's domain."""

from opsportal.adapters.git.errors import (
    AmbiguousRef,
    BrokenRepository,
    CannotWrite,
    CommandFailed,
    GitError,
    GitMissing,
    GitTimeout,
    NotCloned,
    PathNotFound,
    RefNotFound,
    RemoteError,
    RepositoryBusy,
    TooLarge,
    UnsafeTree,
)
from opsportal.adapters.git.repository import Repository
from opsportal.adapters.git.values import Branch, ChangedPath, Commit, FoundRef, Resolved, Tag, TreeEntry

__all__ = [
    "AmbiguousRef",
    "Branch",
    "BrokenRepository",
    "CannotWrite",
    "ChangedPath",
    "CommandFailed",
    "Commit",
    "FoundRef",
    "GitError",
    "GitMissing",
    "GitTimeout",
    "NotCloned",
    "PathNotFound",
    "RefNotFound",
    "RemoteError",
    "Repository",
    "RepositoryBusy",
    "Resolved",
    "Tag",
    "TooLarge",
    "TreeEntry",
    "UnsafeTree",
]
