"""Where source and built assets lie between steps: a cache on local disk that may vanish and is then made again."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from opsportal.operations.source import FileEntry, index_files

#: Prepared applications kept; older ones are removed.
KEEP = 12
#: Seconds for which what was used is not removed: another operation may be reading it.
IN_USE = 15 * 60
#: Seconds after which a half-made directory has no maker any more.
ABANDONED = 2 * 60 * 60


def root() -> Path:
    """The workspace directory in the data directory."""
    path = Path(settings.DATA_DIR) / "work"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def made_whole(target: Path) -> Iterator[Path]:
    """A new directory that appears as ``target`` only when it is complete; killed half way, it never does.

    Whoever makes it may give up by removing it: then nothing appears.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield scratch
        if scratch.is_dir():
            _appear(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _appear(scratch: Path, target: Path) -> None:
    scratch.chmod(0o755)
    # Its time tells when it was used last, and an export may bring its own.
    os.utime(scratch)
    try:
        scratch.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def files_of(directory: Path) -> list[FileEntry]:
    """The index of a prepared directory: path, mode, size, SHA-1 of every file. Kept beside it once read."""
    kept = directory.with_name(directory.name + ".index.json")
    if kept.exists():
        return [FileEntry(*each) for each in json.loads(kept.read_text())]
    entries = index_files(directory)
    handle, name = tempfile.mkstemp(dir=kept.parent)
    with os.fdopen(handle, "w") as file:
        json.dump([[each.path, each.mode, each.size, each.sha1] for each in entries], file)
    Path(name).replace(kept)
    return entries


def prune(directory: Path, keep: int = KEEP) -> None:
    """Remove what was used longest ago, and what a crash left half made."""
    if not directory.is_dir():
        return
    whole = [each for each in directory.iterdir() if each.is_dir() and not each.name.startswith(".")]
    for old in sorted(whole, key=_used_at, reverse=True)[keep:]:
        if time.time() - _used_at(old) < IN_USE:
            continue
        shutil.rmtree(old, ignore_errors=True)
        old.with_name(old.name + ".index.json").unlink(missing_ok=True)
    for left in directory.glob(".*"):
        if left.is_dir() and time.time() - _touched_at(left) > ABANDONED:
            shutil.rmtree(left, ignore_errors=True)


def _used_at(directory: Path) -> float:
    """When it was used last; long ago when somebody else has just removed it."""
    try:
        return directory.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _touched_at(directory: Path) -> float:
    """When something last happened to it; its mtime may be a commit's own moment, years ago."""
    try:
        return directory.stat().st_ctime
    except FileNotFoundError:
        return time.time()
