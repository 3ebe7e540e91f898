"""Writing the tree of a commit to a folder: exactly what was committed, and nothing outside that folder."""

import contextlib
import os
import shutil
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from opsportal.adapters.git.command import Git
from opsportal.adapters.git.errors import CannotWrite, TooLarge, UnsafeTree, shown
from opsportal.adapters.git.history import History
from opsportal.adapters.git.names import clean_path
from opsportal.adapters.git.trees import Trees
from opsportal.adapters.git.values import TreeEntry

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_LFS_POINTER_MOST_BYTES = 1024
_PIECE = 256 * 1024


@dataclass(frozen=True)
class Bounds:
    """The most that one export may write, and how long it may take in seconds."""

    max_bytes: int
    max_files: int
    timeout: float


def export(git: Git, sha: str, path: str, target: Path, bounds: Bounds) -> None:
    """Write the folder ``path`` of a commit to ``target``; see :meth:`Repository.export`."""
    history = History(git)
    entries = Trees(git, history).entries(sha, path, recursive=True)
    _check(entries, bounds)
    partial = target.with_name(f".{target.name}.partial")
    try:
        _remove(partial)
        partial.mkdir(parents=True)
        root = clean_path(path) or ""
        # git refuses to archive an empty tree by its path.
        if entries:
            pathspec = ["--", root] if root else []
            with git.stream("archive", "--format=tar", sha, *pathspec, timeout=bounds.timeout) as archive:
                _Extraction(partial, root, bounds).extract(archive)
        _stamp(partial, history.commit(sha).committed_at.timestamp())
        _remove(target)
        partial.rename(target)
    except OSError as error:
        raise CannotWrite(
            f"The source could not be written: {error.strerror or error}.",
            "Check the free space and rights of the portal's data directory.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            _remove(partial)


def _check(entries: Iterable[TreeEntry], bounds: Bounds) -> None:
    """Refuse early what cannot end well, with the reason."""
    total = count = 0
    for entry in entries:
        if any(_is_forbidden(part) for part in entry.path.split("/")):
            raise _forbidden(entry.path)
        if entry.is_submodule:
            raise UnsafeTree(
                f"“{shown(entry.path)}” is a submodule: its files, kept elsewhere, would be missing.",
                "Put the files themselves into the repository.",
            )
        count += 1
        total += entry.size or 0
    if total > bounds.max_bytes or count > bounds.max_files:
        raise TooLarge(
            f"The source is too large: {count:,} files with {total:,} bytes; "
            f"at most {bounds.max_files:,} files with {bounds.max_bytes:,} bytes are taken.",
            "Remove what does not belong in the repository.",
        )


class _Extraction:
    """Writes an archive's members below one folder; links last, so that nothing is written through one."""

    def __init__(self, root: Path, prefix: str, bounds: Bounds) -> None:
        self._root = root
        self._prefix = prefix
        self._bounds = bounds
        self._left = bounds.max_bytes
        self._links: list[tuple[Path, str]] = []

    def extract(self, stream: IO[bytes]) -> None:
        """Read a tar stream to its end."""
        try:
            with tarfile.open(
                fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape"
            ) as archive:
                for member in archive:
                    self._take(archive, member)
                    # The module would keep every member in memory.
                    archive.members = []  # type: ignore[attr-defined]
        except tarfile.TarError as error:
            raise UnsafeTree("git's archive of the commit could not be read.", "Try again.") from error
        # Let git write its trailing blocks, or it would end with a broken pipe.
        while stream.read(_PIECE):
            pass
        self._make_links()

    def _take(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        place = self._place(member.name)
        if place is None:
            return
        if member.isdir():
            place.mkdir(parents=True, exist_ok=True)
        elif member.issym():
            self._links.append((place, member.linkname))
        elif member.isreg():
            content = archive.extractfile(member)
            if content is not None:
                self._write(place, content, member)
        else:
            raise UnsafeTree(f"“{shown(member.name)}” is neither a file, a folder nor a symbolic link.")

    def _place(self, name: str) -> Path | None:
        """Where a member goes; None for the folders above the one that is exported."""
        parts = [part for part in name.split("/") if part]
        if name.startswith("/") or any(_is_forbidden(part) for part in parts):
            raise _forbidden(name)
        above = [part for part in self._prefix.split("/") if part]
        if parts[: len(above)] != above[: len(parts)]:
            raise UnsafeTree(f"git's archive holds a path that was not asked for: “{shown(name)}”.")
        inside = parts[len(above) :]
        return self._root.joinpath(*inside) if inside else None

    def _write(self, place: Path, content: IO[bytes], member: tarfile.TarInfo) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o755 if member.mode & 0o100 else 0o644
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(place, flags, mode), "wb") as file:
            start = b""
            while piece := content.read(_PIECE):
                start = start or piece[: len(_LFS_POINTER)]
                self._left -= len(piece)
                if self._left < 0:
                    raise TooLarge(f"The source is larger than {self._bounds.max_bytes:,} bytes.")
                file.write(piece)
            os.fchmod(file.fileno(), mode)
        if member.size <= _LFS_POINTER_MOST_BYTES and start == _LFS_POINTER:
            raise UnsafeTree(
                f"“{shown(member.name)}” is kept in Git LFS: the repository holds a pointer only.",
                "Put the file itself into the repository.",
            )

    def _make_links(self) -> None:
        for place, linked in self._links:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(linked)
        root = os.path.realpath(self._root)
        for place, linked in self._links:
            # Where it really leads, through every other link: a path that looks harmless may not be.
            leads_to = os.path.realpath(place)
            if os.path.isabs(linked) or not (leads_to == root or leads_to.startswith(root + os.sep)):
                name = place.relative_to(self._root).as_posix()
                raise UnsafeTree(
                    f"“{shown(name)}” is a symbolic link that leads out of the source, to “{shown(linked)}”.",
                    "Make it lead to a file beside it, or put the file itself there.",
                )


def _is_forbidden(part: str) -> bool:
    """Whether a part of a path could lead elsewhere or be taken for a repository's own files."""
    return part in {"", ".", ".."} or part.casefold() == ".git"


def _forbidden(path: str) -> UnsafeTree:
    return UnsafeTree(
        f"The commit holds a path that may not be written: “{shown(path)}”.", "Remove it from the repository."
    )


def _stamp(root: Path, seconds: float) -> None:
    """Give everything the commit's own time, so that the same commit always gives the same files."""
    for folder, folders, files in os.walk(root, topdown=False):
        for name in (*files, *folders):
            os.utime(os.path.join(folder, name), (seconds, seconds), follow_symlinks=False)
    os.utime(root, (seconds, seconds))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
