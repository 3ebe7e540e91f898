"""Files and folders at a commit, read straight from the bare clone."""

from opsportal.adapters.git.command import Git
from opsportal.adapters.git.errors import CommandFailed, GitError, PathNotFound, RefNotFound, TooLarge, shown
from opsportal.adapters.git.history import History
from opsportal.adapters.git.names import clean_path, is_full_sha
from opsportal.adapters.git.values import TreeEntry
from opsportal.kit.text import safe_name


class Trees:
    """What the commits of one bare repository hold. Paths are from the repository's root, with ``/``."""

    def __init__(self, git: Git, history: History) -> None:
        self._git = git
        self._history = history

    def file(self, sha: str, path: str, max_bytes: int) -> bytes:
        """A file's content. Raises :class:`PathNotFound` (also for folders and links), :class:`TooLarge`."""
        entry = self._entry(sha, path)
        if entry is None or entry.type != "blob":
            raise _not_there(sha, path, "file")
        if entry.is_symlink:
            raise PathNotFound(
                f"“{shown(path)}” is a symbolic link at {sha[:8]}, not a file.", "Put the file itself there."
            )
        if entry.size is not None and entry.size > max_bytes:
            raise TooLarge(
                f"“{shown(path)}” is too large: {entry.size:,} bytes, at most {max_bytes:,} are taken."
            )
        return self._git.read("cat-file", "blob", entry.object, max_bytes=max_bytes)

    def tree_id(self, sha: str, path: str) -> str:
        """The id of a folder's content: equal ids mean equal content, wherever and whenever."""
        if clean_path(path) == "":
            return self._root(sha)
        entry = self._entry(sha, path)
        if entry is None or entry.type != "tree":
            raise _not_there(sha, path, "folder")
        return entry.object

    def entries(self, sha: str, path: str, *, recursive: bool = False) -> list[TreeEntry]:
        """What a folder holds, by name; ``recursive``: every file below it instead. Paths are whole."""
        options = ["-r"] if recursive else []
        listing = self._git.read("ls-tree", "-z", "-l", *options, self.tree_id(sha, path))
        prefix = clean_path(path)
        return self._parsed(listing, f"{prefix}/" if prefix else "")

    def _root(self, sha: str) -> str:
        if not is_full_sha(sha):
            raise RefNotFound(sha)
        given = f"{sha}^{{commit}}^{{tree}}\n".encode()
        answer = self._git.read("cat-file", "--batch-check=%(objectname) %(objecttype)", given=given)
        found, _space, kind = answer.strip().decode("ascii", "replace").partition(" ")
        if kind != "tree":
            raise RefNotFound(sha)
        return found

    def _entry(self, sha: str, path: str) -> TreeEntry | None:
        if not is_full_sha(sha):
            raise RefNotFound(sha)
        wanted = clean_path(path)
        if not wanted:
            return None
        try:
            listing = self._git.read("ls-tree", "-z", "-l", "--full-tree", sha, "--", wanted)
        except CommandFailed as error:
            raise self._explained(error, sha) from error
        entries = self._parsed(listing, "")
        return entries[0] if len(entries) == 1 else None

    def _parsed(self, listing: bytes, prefix: str) -> list[TreeEntry]:
        entries = []
        for line in listing.split(b"\x00"):
            if line:
                entry = _entry(line, prefix)
                if entry is None:
                    raise self._git.damaged("an object is missing")
                entries.append(entry)
        return entries

    def _explained(self, error: GitError, sha: str) -> GitError:
        return error if self._history.commit_id(sha) else RefNotFound(sha)


def _entry(line: bytes, prefix: str) -> TreeEntry | None:
    """One line of ``git ls-tree -l``; None when git could not find the object that it names."""
    facts, _tab, path = line.partition(b"\t")
    mode, kind, sha, size = facts.decode("ascii").split()
    if size != "-" and not size.isdigit():
        return None
    return TreeEntry(mode, kind, sha, prefix + safe_name(path), int(size) if size != "-" else None)


def _not_there(sha: str, path: str, what: str) -> PathNotFound:
    return PathNotFound(
        f"There is no {what} “{shown(path)}” at {sha[:8]}.",
        "Check the path, or choose a commit that has it.",
    )
