"""Bits, kept by what they are: files by sha1 for matching, packages and droplets by the guid of their document.

A package is kept as one zip; a droplet as one tar.gz with `app/` inside. Whatever an archive says about paths
is data: a member that would land outside its directory is refused.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

CHUNK = 1 << 20
MAX_MEMBERS = 200_000
MAX_UNPACKED = 8 << 30


class BadBits(Exception):
    """The bits cannot be used; the text says why, for the package's `data.error`."""


@dataclass(frozen=True)
class Match:
    """A file that the platform already has, as the client names it (platform API §4.4); `mode` as in chmod."""

    path: str
    sha1: str
    size: int
    mode: int


class Blobs:
    """The directory of all bits."""

    def __init__(self, directory: Path) -> None:
        self._files = directory / "files"
        self._packages = directory / "packages"
        self._droplets = directory / "droplets"
        self.scratch = directory / "scratch"
        for one in (self._files, self._packages, self._droplets):
            one.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()

    def temporary_directory(self) -> tempfile.TemporaryDirectory[str]:
        """A scratch directory that is removed when left."""
        return tempfile.TemporaryDirectory(dir=self.scratch, ignore_cleanup_errors=True)

    # -- files, by sha1 --------------------

    def has_file(self, sha1: str, size: int) -> bool:
        """Whether exactly this file is known."""
        try:
            return self._file(sha1).stat().st_size == size
        except OSError:
            return False

    def _file(self, sha1: str) -> Path:
        return self._files / sha1[:2] / sha1

    def _keep_file(self, path: Path) -> None:
        sha1 = hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
        kept = self._file(sha1)
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            made = kept.with_name(f"{sha1}.{os.getpid()}.{id(path)}")
            shutil.copyfile(path, made)
            made.replace(kept)

    # -- packages --------------------

    def package(self, guid: str) -> Path:
        """Where the zip of a package lies."""
        return self._packages / f"{guid}.zip"

    def droplet(self, guid: str) -> Path:
        """Where the tar.gz of a droplet lies."""
        return self._droplets / f"{guid}.tgz"

    def assemble(self, guid: str, bits: Path | None, matches: Iterable[Match], limit: int) -> str:
        """Make a package of an uploaded zip and of files already known; its sha256. `BadBits` when it cannot be.

        `limit` is the most bytes a package may have unpacked.
        """
        with self.temporary_directory() as name:
            tree = Path(name)
            if bits is not None:
                unzip(bits, tree, limit)
            entries = {
                path.relative_to(tree).as_posix(): (path, path.lstat().st_mode) for path in tree.rglob("*")
            }
            for path, mode in entries.values():
                if stat.S_ISREG(mode) and path.stat().st_size:
                    self._keep_file(path)
            for match in matches:
                entries[safe_path(tree, match.path).relative_to(tree).as_posix()] = self._matched(match)
            if sum(path.stat().st_size for path, mode in entries.values() if stat.S_ISREG(mode)) > limit:
                raise BadBits(too_large(limit))
            made = self.package(guid).with_suffix(".new")
            _zip(entries, made)
            made.replace(self.package(guid))
        return sha256(self.package(guid))

    def _matched(self, match: Match) -> tuple[Path, int]:
        if not self.has_file(match.sha1, match.size):
            raise BadBits(f"The resource {match.path} is not known to the platform")
        return self._file(match.sha1), stat.S_IFREG | (match.mode & 0o777) | 0o600

    def unpack_package(self, guid: str, directory: Path) -> None:
        """Fill a directory with the files of a package."""
        unzip(self.package(guid), directory, MAX_UNPACKED)

    # -- droplets --------------------

    def keep_droplet(self, guid: str, tree: Path) -> str:
        """Make a droplet of a directory that holds `app/`; its sha256."""
        made = self.droplet(guid).with_suffix(".new")
        with (
            gzip.GzipFile(made, "wb", compresslevel=1, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w") as archive,
        ):
            archive.add(tree, arcname=".", filter=_plain_owner)
        made.replace(self.droplet(guid))
        return sha256(self.droplet(guid))

    def take_droplet(self, guid: str, uploaded: Path) -> str:
        """Keep an uploaded droplet as it is; its sha256. `BadBits` when it is not a tar.gz."""
        try:
            with tarfile.open(uploaded, "r:gz") as archive:
                archive.next()
        except (tarfile.TarError, OSError, EOFError) as error:
            raise BadBits("The droplet is not a gzipped tar archive") from error
        shutil.copyfile(uploaded, self.droplet(guid))
        return sha256(self.droplet(guid))

    def unpack_droplet(self, guid: str, directory: Path) -> None:
        """Fill a directory with a droplet's files; members that lead outside are refused."""
        with tarfile.open(self.droplet(guid), "r:gz") as archive:
            archive.extractall(directory, filter="data")

    def copy(self, source: Path, target: Path) -> None:
        """Copy a package or droplet."""
        made = target.with_suffix(".new")
        shutil.copyfile(source, made)
        made.replace(target)

    def delete(self, path: Path) -> None:
        """Forget a package or droplet; one that is gone is fine."""
        path.unlink(missing_ok=True)


def too_large(limit: int) -> str:
    """What a package says that is above the limit."""
    return f"Package may not be larger than {limit} bytes"


def sha256(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def safe_path(root: Path, name: str) -> Path:
    """Where a member of an archive belongs below `root`; `BadBits` when its name leads elsewhere."""
    pure = PurePosixPath(name.replace("\\", "/"))
    if not name or "\0" in name or pure.is_absolute() or ".." in pure.parts:
        raise BadBits(f"The file path {name[:200]!r} leads outside of the package")
    return root / pure


def _inside(root: Path, path: Path) -> None:
    if not path.resolve().is_relative_to(root.resolve()):
        raise BadBits(f"The file path {str(path.relative_to(root))[:200]!r} leads outside of the package")


def unzip(source: Path, root: Path, limit: int) -> None:
    """Unpack a zip with its modes and harmless symlinks; `BadBits` for anything else. `limit` in bytes, unpacked."""
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise BadBits(f"The package has more than {MAX_MEMBERS} files")
            if sum(member.file_size for member in members) > limit:
                raise BadBits(too_large(limit))
            links = [member for member in members if stat.S_ISLNK(member.external_attr >> 16)]
            for member in members:
                if not stat.S_ISLNK(member.external_attr >> 16):
                    _unzip_member(archive, member, root)
            for member in links:  # last, so that no file is ever written through one
                _unzip_link(archive, member, root)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise BadBits(f"The package is not a zip archive that can be read: {error}") from error
    except OSError as error:
        raise BadBits(f"The package cannot be unpacked: {error.strerror}") from error


def _unzip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, root: Path) -> None:
    target = safe_path(root, member.filename)
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, target.open("wb") as file:
        _copy_bounded(source, file, member.file_size)
    mode = (member.external_attr >> 16) & 0o777
    target.chmod((mode or 0o644) | 0o600)


def _copy_bounded(source: IO[bytes], target: IO[bytes], size: int) -> None:
    # an archive may lie about its sizes; the checked sum holds only if nobody writes more than was declared
    left = size
    while data := source.read(CHUNK):
        left -= len(data)
        if left < 0:
            raise BadBits("The package holds more than it declares")
        target.write(data)


def _unzip_link(archive: zipfile.ZipFile, member: zipfile.ZipInfo, root: Path) -> None:
    path = safe_path(root, member.filename.rstrip("/"))
    aim = archive.read(member)[:4096].decode("utf-8", "surrogateescape")
    if not aim or "\0" in aim or os.path.isabs(aim):
        raise BadBits(f"The symlink {member.filename[:200]!r} leads outside of the package")
    aimed = Path(os.path.normpath(path.parent / aim))
    if not aimed.is_relative_to(root):
        raise BadBits(f"The symlink {member.filename[:200]!r} leads outside of the package")
    path.parent.mkdir(parents=True, exist_ok=True)
    _inside(root, path.parent)
    path.unlink(missing_ok=True)
    path.symlink_to(aim)
    _inside(root, path)


def _zip(entries: Mapping[str, tuple[Path, int]], target: Path) -> None:
    """Write a zip of (file, mode) by name; the same files make the same bytes, hence the same checksum."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, (path, mode) in sorted(entries.items()):
            info = zipfile.ZipInfo(name + ("/" if stat.S_ISDIR(mode) else ""))
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            if stat.S_ISLNK(mode):
                archive.writestr(info, os.readlink(path))
            else:
                archive.writestr(info, b"" if stat.S_ISDIR(mode) else path.read_bytes())


def _plain_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 2000
    member.uname = member.gname = "vcap"
    return member
