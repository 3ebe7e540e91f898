"""An application's files on their way to the platform: an index of them, a zip of what it lacks, what a build made.

Only file work: no settings, no database, no platform. What is indexed and what is left out follows the ``cf``
command (the platform API's resource matching and packages).
"""

import hashlib
import os
import shutil
import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from opsportal.kit.ignore_patterns import IgnorePatterns
from opsportal.kit.text import safe_text

ALWAYS_IGNORED = (
    ".cfignore",
    ".DS_Store",
    ".git",
    ".gitignore",
    ".hg",
    ".svn",
    "_darcs",
    "manifest.yml",
    "manifest.yaml",
)
_LINK = "120777"
_FOLDER = "40755"
_PIECE = 256 * 1024
# The earliest moment a zip can hold: the same files always make the same zip.
_ZIP_MOMENT = (1980, 1, 1, 0, 0, 0)


class SourceError(Exception):
    """The files cannot be sent as they are. ``problem`` says why, ``remedy`` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True)
class FileEntry:
    """One file of an application.

    ``path``: from the application's folder, with ``/``; an empty folder's ends in one. ``mode``: octal text,
    ``644`` or ``755``, ``120777`` for a symbolic link, ``40755`` for an empty folder. ``size`` in bytes; 0 for
    links, folders and empty files, which the platform is never asked about and which always travel in the zip.
    ``sha1``: of the content in hex, of the target's name for a link.
    """

    path: str
    mode: str
    size: int
    sha1: str

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == _LINK

    @property
    def is_folder(self) -> bool:
        """Whether it is an empty folder."""
        return self.mode == _FOLDER


def upload_ignore(root: Path) -> list[str]:
    """The patterns of what is not sent: what the ``cf`` command always leaves out, then the folder's .cfignore."""
    own = root / ".cfignore"
    if not own.is_file() or own.is_symlink():
        return list(ALWAYS_IGNORED)
    return [*ALWAYS_IGNORED, *own.read_text(encoding="utf-8", errors="replace").splitlines()]


def index_files(root: Path, ignore: Iterable[str] | None = None) -> list[FileEntry]:
    """All files below ``root`` that are sent, by path. ``ignore``: patterns; None for :func:`upload_ignore`.

    Raises :class:`SourceError` for what the platform cannot take: links that lead out, devices, names that are
    not text.
    """
    patterns = IgnorePatterns(upload_ignore(root) if ignore is None else ignore)
    top = os.path.realpath(root)
    return sorted(_walk(Path(top), "", patterns), key=lambda entry: entry.path)


def write_zip(root: Path, entries: Iterable[FileEntry], target: Path) -> int:
    """Write a zip of these entries to ``target`` and return its size in bytes.

    Read piece by piece; the same entries always give the same bytes. Appears at ``target`` only when whole.
    Raises :class:`SourceError` when a file is not what the index says.
    """
    partial = target.with_name(f".{target.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
            for entry in sorted(entries, key=lambda each: each.path):
                _add(archive, root, entry)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target.stat().st_size


def overlay_changes(before: Path, after: Path, target: Path) -> int:
    """Copy to ``target`` what a build made: files in ``after`` that are new or differ from ``before``.

    Contents are compared, not times. What is not sent is not kept either; what the build removed stays as it was.
    Returns how many there are.
    """
    ignore = upload_ignore(after)
    old = {entry.path: entry for entry in index_files(before, ignore)}
    made = [entry for entry in index_files(after, ignore) if old.get(entry.path) != entry]
    for entry in made:
        source, place = after / entry.path, target / entry.path
        if entry.is_folder:
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if entry.is_link:
            place.symlink_to(source.readlink())
        else:
            shutil.copyfile(source, place, follow_symlinks=False)
            place.chmod(int(entry.mode, 8))
    return len(made)


def _walk(top: Path, folder: str, patterns: IgnorePatterns) -> Iterator[FileEntry]:
    """The entries of one folder and all below it; an empty folder is an entry of its own."""
    held = False
    with os.scandir(top / folder) as listing:
        found = sorted(listing, key=lambda item: item.name)
    for item in found:
        path = f"{folder}{item.name}"
        _check_name(path)
        is_folder = item.is_dir(follow_symlinks=False)
        ignored = patterns.ignores(path, is_folder=is_folder)
        if ignored and not (is_folder and patterns.brings_back):
            continue
        if not is_folder:
            held = True
            yield _entry(top, path, item.stat(follow_symlinks=False))
            continue
        below = list(_walk(top, path + "/", patterns))
        if ignored:
            below = [entry for entry in below if not entry.is_folder]
        held = held or bool(below)
        yield from below
    if folder and not held:
        yield FileEntry(folder, _FOLDER, 0, "")


def _entry(top: Path, path: str, status: os.stat_result) -> FileEntry:
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(top / path)
        _check_link(top, path, target)
        return FileEntry(path, _LINK, 0, hashlib.sha1(os.fsencode(target), usedforsecurity=False).hexdigest())
    if not stat.S_ISREG(status.st_mode):
        raise SourceError(
            f"“{safe_text(path, 200)}” is neither a file, a folder nor a link.", "Have the build remove it."
        )
    digest = hashlib.sha1(usedforsecurity=False)
    size = 0
    with (top / path).open("rb") as file:
        for piece in _pieces(file):
            digest.update(piece)
            size += len(piece)
    mode = "755" if status.st_mode & stat.S_IXUSR else "644"
    return FileEntry(path, mode, size, digest.hexdigest())


def _check_name(path: str) -> None:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        shown = os.fsencode(path).decode("utf-8", "replace")
        raise SourceError(
            f"The name “{safe_text(shown, 200)}” is not text in UTF-8.", "Rename the file in the repository."
        ) from error


def _check_link(top: Path, path: str, target: str) -> None:
    leads_to = os.path.realpath(top / path)
    if os.path.isabs(target) or not (leads_to == str(top) or leads_to.startswith(f"{top}{os.sep}")):
        raise SourceError(
            f"“{safe_text(path, 200)}” is a symbolic link that leads out of the application, "
            f"to “{safe_text(target, 200)}”; the platform refuses such links.",
            "Make it lead to a file of the application, or put the file itself there.",
        )


def _add(archive: zipfile.ZipFile, root: Path, entry: FileEntry) -> None:
    if entry.path.startswith("/") or ".." in entry.path.split("/"):
        raise SourceError(f"“{safe_text(entry.path, 200)}” is not a path of the application.", _AGAIN)
    info = zipfile.ZipInfo(entry.path, _ZIP_MOMENT)
    info.create_system = 3
    info.compress_type = zipfile.ZIP_DEFLATED
    info.file_size = entry.size
    mode = int(entry.mode, 8)
    info.external_attr = (mode if entry.is_link or entry.is_folder else stat.S_IFREG | mode) << 16
    if entry.is_folder:
        info.external_attr |= 0x10
        archive.writestr(info, b"")
    elif entry.is_link:
        archive.writestr(info, os.fsencode((root / entry.path).readlink()))
    else:
        _add_content(archive, info, root / entry.path, entry)


def _add_content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, entry: FileEntry) -> None:
    digest = hashlib.sha1(usedforsecurity=False)
    try:
        with path.open("rb") as file, archive.open(info, "w") as member:
            for piece in _pieces(file):
                digest.update(piece)
                member.write(piece)
    except FileNotFoundError as error:
        raise SourceError(f"“{safe_text(entry.path, 200)}” is gone.", _AGAIN) from error
    if digest.hexdigest() != entry.sha1:
        raise SourceError(f"“{safe_text(entry.path, 200)}” changed while it was being sent.", _AGAIN)


_AGAIN = "Retry: the files are prepared again."


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
