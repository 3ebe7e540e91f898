"""Commits: one, those between two, who descends from whom, what changed."""

from datetime import UTC, datetime

from opsportal.adapters.git.command import Git
from opsportal.adapters.git.errors import CommandFailed, GitError, RefNotFound
from opsportal.adapters.git.names import is_full_sha
from opsportal.adapters.git.values import ChangedPath, Commit
from opsportal.kit.text import safe_name, safe_text

_FIELDS = ("%H", "%P", "%ct", "%an", "%s")
_FORMAT = "--format=tformat:" + "%x00".join(_FIELDS)
_SUBJECT_LIMIT = 300
_NAME_LIMIT = 200
_LAST_MOMENT = 253_402_300_799


class History:
    """The commits of one bare repository. Ids given must be whole; an unknown one is :class:`RefNotFound`."""

    def __init__(self, git: Git) -> None:
        self._git = git

    def commit_id(self, sha: str) -> str | None:
        """The id of the commit that an object's id leads to (an annotated tag leads to one), or None."""
        if not is_full_sha(sha):
            return None
        answer = self._git.read(
            "cat-file", "--batch-check=%(objectname) %(objecttype)", given=f"{sha}^{{commit}}\n".encode()
        )
        found, _space, kind = answer.strip().decode("ascii", "replace").partition(" ")
        return found if kind == "commit" else None

    def commit(self, sha: str) -> Commit:
        """One commit by its whole id."""
        found = self._log(["--no-walk", _whole(sha)], [sha])
        if not found:
            # The id of a file or folder: nothing to log, and no error either.
            raise RefNotFound(sha)
        return found[0]

    def between(self, old: str | None, new: str, limit: int) -> list[Commit]:
        """Commits in ``new`` that are not in ``old`` (None: nothing), newest first, at most ``limit``."""
        without = [f"^{_whole(old)}"] if old is not None else []
        known = [sha for sha in (old, new) if sha is not None]
        return self._log([f"--max-count={max(0, limit)}", _whole(new), *without], known)

    def count_between(self, old: str, new: str) -> tuple[int, int]:
        """How many commits ``new`` has that ``old`` lacks, and how many the other way round."""
        answer = self._read(
            [old, new], "rev-list", "--left-right", "--count", f"{_whole(old)}...{_whole(new)}"
        )
        behind, ahead = answer.split()
        return int(ahead), int(behind)

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether ``new`` is ``old`` or descends from it."""
        try:
            return self._git.answers("merge-base", "--is-ancestor", _whole(old), _whole(new))
        except GitError as error:
            raise self._explained(error, [old, new]) from error

    def changed_paths(self, old: str, new: str) -> list[ChangedPath]:
        """Files that differ between two commits, by path; a renamed file is one deleted and one added."""
        answer = self._read(
            [old, new],
            "diff-tree",
            "-r",
            "-z",
            "--no-renames",
            "--no-ext-diff",
            "--name-status",
            _whole(old),
            _whole(new),
        )
        words = answer.split(b"\x00")[:-1]
        return [
            ChangedPath(safe_name(path), status.decode("ascii", "replace")[:1])
            for status, path in zip(words[::2], words[1::2], strict=True)
        ]

    def _log(self, arguments: list[str], known: list[str]) -> list[Commit]:
        words = self._read(known, "log", "-z", _FORMAT, *arguments, "--").split(b"\x00")[:-1]
        size = len(_FIELDS)
        return [_commit(words[start : start + size]) for start in range(0, len(words), size)]

    def _read(self, known: list[str], *arguments: str) -> bytes:
        try:
            return self._git.read(*arguments)
        except GitError as error:
            raise self._explained(error, known) from error

    def _explained(self, error: GitError, shas: list[str]) -> GitError:
        """An error caused by a commit that is not there says so."""
        if isinstance(error, CommandFailed):
            for sha in shas:
                if self.commit_id(sha) is None:
                    return RefNotFound(sha)
        return error


def moment(seconds: bytes) -> datetime:
    """A moment as git writes it; one beyond the calendar becomes the nearest that there is."""
    return datetime.fromtimestamp(min(max(int(seconds), 0), _LAST_MOMENT), tz=UTC)


def _whole(sha: str) -> str:
    if not is_full_sha(sha):
        raise RefNotFound(sha)
    return sha


def _commit(words: list[bytes]) -> Commit:
    sha, parents, at, author, subject = words
    return Commit(
        sha=sha.decode("ascii"),
        subject=safe_text(subject.decode("utf-8", "replace"), _SUBJECT_LIMIT),
        author=safe_text(author.decode("utf-8", "replace"), _NAME_LIMIT),
        committed_at=moment(at),
        parents=tuple(parents.decode("ascii").split()),
    )
