"""The one door to Git: a bare clone of the team's repository and every question the portal asks it."""

from functools import cached_property
from pathlib import Path

from opsportal.adapters.git.command import Git
from opsportal.adapters.git.errors import RefNotFound
from opsportal.adapters.git.export import Bounds, export
from opsportal.adapters.git.history import History
from opsportal.adapters.git.mirror import Mirror
from opsportal.adapters.git.refs import Refs
from opsportal.adapters.git.remote import local_environment, parse_remote
from opsportal.adapters.git.trees import Trees
from opsportal.adapters.git.values import Branch, ChangedPath, Commit, FoundRef, Resolved, Tag, TreeEntry

GIGABYTE = 1024**3


class Repository:
    """A bare clone at ``path`` of the repository at ``url``.

    ``url``: https, ssh, http, file or a path; ``token``: sent as a header to that host only. ``timeout``:
    seconds for one question or a look at the remote, ``transfer_timeout``: for a clone, fetch or export.
    Every method raises only :class:`GitError` and its kinds. Names and paths may be any text: what cannot
    exist is not found, never an option to git. Cheap to make; nothing is kept between calls but the clone.
    """

    def __init__(
        self,
        path: Path,
        url: str,
        token: str | None = None,
        timeout: float = 60,
        transfer_timeout: float = 600,
    ) -> None:
        path = Path(path).absolute()
        remote = parse_remote(url, token or None)
        self._mirror = Mirror(path, remote, timeout=timeout, clone_timeout=transfer_timeout)
        self._git = Git(path, local_environment(self._mirror.home), timeout)
        self._transfer_timeout = transfer_timeout

    def refresh(self) -> bool:
        """Bring the clone to what the remote has now, cloning when there is none; whether anything changed.

        Branches and tags that are gone are gone here too, moved tags move. It can be killed at any moment and
        run by several processes at once: one works, the others wait (:class:`RepositoryBusy` after
        ``timeout``). A damaged clone is made anew beside the old one. Raises :class:`RemoteError` when the
        remote cannot be read.
        """
        return self._mirror.refresh()

    def branches(self) -> list[Branch]:
        """All branches, the one committed to last first."""
        return self._refs.branches()

    def tags(self) -> list[Tag]:
        """All tags, however they are spelled, that of the newest commit first."""
        return self._refs.tags()

    def default_branch(self) -> str:
        """The branch that the remote holds as its main one."""
        return self._refs.default_branch()

    def resolve(self, text: str) -> Resolved:
        """The commit a person means by a branch, a tag, a commit's id or its first 7 or more characters.

        A whole id always means that commit. ``refs/heads/x`` and ``refs/tags/x`` say which is meant when a
        branch and a tag share a name. Raises :class:`RefNotFound`, :class:`AmbiguousRef`.
        """
        return self._refs.resolve(text)

    def search_refs(self, query: str, limit: int = 20) -> list[FoundRef]:
        """For a form: branches and tags with ``query`` in their name, best first, and a commit by its id."""
        return self._refs.search(query, limit)

    def commit(self, sha: str) -> Commit:
        """One commit by its whole id; :class:`RefNotFound` when it is not there (any more)."""
        return self._history.commit(sha)

    def commits_between(self, old: str | None, new: str, limit: int = 500) -> list[Commit]:
        """The commits in ``new`` and not in ``old`` (None: nothing runs yet), newest first."""
        return self._history.between(old, new, limit)

    def count_between(self, old: str, new: str) -> tuple[int, int]:
        """(ahead, behind): how many commits ``new`` has that ``old`` lacks, and the other way round."""
        return self._history.count_between(old, new)

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether ``new`` is ``old`` or descends from it."""
        return self._history.is_ancestor(old, new)

    def changed_paths(self, old: str, new: str) -> list[ChangedPath]:
        """The files that differ between two commits; a renamed one is one deleted and one added."""
        return self._history.changed_paths(old, new)

    def tags_containing(self, sha: str) -> list[Tag]:
        """Tags whose commit is this one or descends from it."""
        return self._refs.tags(f"--contains={self._known(sha)}")

    def tags_pointing_at(self, sha: str) -> list[Tag]:
        """Tags of exactly this commit."""
        return self._refs.tags(f"--points-at={self._known(sha)}")

    def branches_containing(self, sha: str) -> list[Branch]:
        """Branches whose tip is this commit or descends from it; none for one that was rewritten away."""
        return self._refs.branches(f"--contains={self._known(sha)}")

    def file(self, sha: str, path: str, max_bytes: int = 1_000_000) -> bytes:
        """A file's content at a commit. Raises :class:`PathNotFound`, :class:`TooLarge`."""
        return self._trees.file(sha, path, max_bytes)

    def list_tree(self, sha: str, path: str = "", *, recursive: bool = False) -> list[TreeEntry]:
        """What a folder holds at a commit; ``recursive``: every file below. Raises :class:`PathNotFound`."""
        return self._trees.entries(sha, path, recursive=recursive)

    def tree_id(self, sha: str, path: str = "") -> str:
        """The id of a folder's whole content at a commit: the key for what was built from it."""
        return self._trees.tree_id(sha, path)

    def export(
        self,
        sha: str,
        path: str,
        target: Path,
        *,
        max_bytes: int = 2 * GIGABYTE,
        max_files: int = 200_000,
    ) -> None:
        """Write a folder of a commit to ``target``, which is replaced if it is there, in one step at the end.

        Files are as committed, with modes 644 or 755 and the commit's time. Symbolic links that lead out,
        submodules, Git LFS pointers and forbidden paths are refused (:class:`UnsafeTree`) rather than written
        wrongly; so is more than ``max_bytes`` or ``max_files`` (:class:`TooLarge`).
        """
        bounds = Bounds(max_bytes, max_files, self._transfer_timeout)
        export(self._git, self._known(sha), path, Path(target).absolute(), bounds)

    @cached_property
    def _history(self) -> History:
        return History(self._git)

    @cached_property
    def _refs(self) -> Refs:
        return Refs(self._git, self._history)

    @cached_property
    def _trees(self) -> Trees:
        return Trees(self._git, self._history)

    def _known(self, sha: str) -> str:
        found = self._history.commit_id(sha)
        if found is None:
            raise RefNotFound(sha)
        return found
