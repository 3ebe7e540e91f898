"""Keeping a bare clone fresh. One process at a time writes to it; readers never see one half made."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from opsportal.adapters.git.command import BROKEN_MARK, Git
from opsportal.adapters.git.errors import (
    BrokenRepository,
    CannotWrite,
    CommandFailed,
    GitError,
    GitMissing,
    GitTimeout,
    NotCloned,
    RemoteError,
    RepositoryBusy,
)
from opsportal.adapters.git.names import HEADS, TAGS
from opsportal.adapters.git.remote import Remote, local_environment, remote_environment
from opsportal.kit.children import run_child
from opsportal.kit.text import safe_text

# What the remote has and what the clone has, in one shape: a ref's name -> object id; HEAD -> a branch's ref.
Refs = dict[str, str]

_REFSPECS = (f"+{HEADS}*:{HEADS}*", f"+{TAGS}*:{TAGS}*")
_PARTS_OF_A_CLONE = frozenset({"HEAD", "objects", "refs", "config", "packed-refs"})
_MOST_OUTPUT_BYTES = 1_000_000


class Mirror:
    """A bare clone of a remote's branches and tags.

    ``timeout``: seconds for a look at the remote or a wait for another refresh; ``clone_timeout``: for a
    transfer.
    """

    def __init__(self, path: Path, remote: Remote, *, timeout: float, clone_timeout: float) -> None:
        self.path = path
        self.home = path.with_name(path.name + ".home")
        self._new = path.with_name(path.name + ".new")
        self._old = path.with_name(path.name + ".old")
        self._lock = path.with_name(path.name + ".lock")
        self._remote = remote
        self._timeout = timeout
        self._clone_timeout = clone_timeout
        self._environment = remote_environment(self.home, remote)

    def refresh(self) -> bool:
        """Bring the clone to what the remote has now; whether anything changed. See :class:`Repository`."""
        try:
            with self._locked() as lock:
                wanted = self._remote_refs()
                have = self._sound_refs()
                if have is not None and _same(have, wanted):
                    return False
                if have is None or not self._updated(wanted, lock):
                    self._make_anew(wanted, lock)
                return True
        except OSError as error:
            raise CannotWrite(
                f"The portal cannot keep its copy of the repository: {error.strerror}.",
                "Check the free space and rights of the portal's data directory.",
            ) from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        """Alone at the clone. The lock's descriptor is handed to git, so that it also outlives us in git."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = time.monotonic() + self._timeout
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise RepositoryBusy(
                            "Another process is still refreshing the repository.",
                            "It is tried again by itself.",
                        ) from None
                    time.sleep(0.05)
            yield descriptor
        finally:
            os.close(descriptor)

    def _remote_refs(self) -> Refs:
        git = Git(None, self._environment, self._timeout)
        try:
            listing = git.read("ls-remote", "--quiet", "--symref", "--", self._remote.url)
        except GitTimeout:
            raise
        except CommandFailed as error:
            raise self._remote_error(error.stderr) from error
        return _parse_remote_refs(listing)

    def _remote_error(self, said: str) -> RemoteError:
        for secret in self._remote.secrets:
            said = said.replace(secret, "…")
        return RemoteError(
            f"The repository could not be read: {safe_text(said, 500) or 'git gave no reason'}",
            "Check that the address (GIT_REPOSITORY_URL) and the token are right and that the host answers.",
        )

    def _sound_refs(self) -> Refs | None:
        """The clone's refs, or None when there is no clone or it is damaged."""
        if (self.path / BROKEN_MARK).exists():
            return None
        git = Git(self.path, local_environment(self.home), self._timeout)
        try:
            if git.read("rev-parse", "--is-bare-repository").strip() != b"true":
                return None
            # Asking for the type makes git look at each object, so that a lost one is noticed.
            listing = git.read("for-each-ref", "--format=%(objectname) %(refname) %(objecttype)")
            head = git.read("symbolic-ref", "--quiet", "HEAD").strip()
        except (NotCloned, BrokenRepository, CommandFailed):
            return None
        refs = {}
        for line in listing.splitlines():
            sha, name, _kind = line.split(b" ", 2)
            refs[_ref_text(name)] = sha.decode("ascii")
        return refs | ({"HEAD": _ref_text(head)} if _ref_text(head) in refs else {})

    def _updated(self, wanted: Refs, lock: int) -> bool:
        """Fetch into the clone; False when the clone will not take it although the remote answers."""
        for leftover in self.path.rglob("*.lock"):
            # Only a git that was killed leaves these, and nobody else writes here while we hold the lock.
            leftover.unlink(missing_ok=True)
        try:
            self._fetch(self.path, lock)
        except GitTimeout:
            raise
        except RemoteError:
            return False
        self._set_head(self.path, wanted)
        return True

    def _make_anew(self, wanted: Refs, lock: int) -> None:
        """Clone beside the old one, then put it in its place."""
        self._refuse_foreign_directory()
        self._clear()
        try:
            git = Git(None, local_environment(self.home), self._timeout)
            git.read("init", "--bare", "--quiet", "--template=", "--", str(self._new))
            # Files go out as they were committed: no part is left out or rewritten on export.
            (self._new / "info").mkdir(exist_ok=True)
            (self._new / "info" / "attributes").write_text(
                "* -export-ignore -export-subst\n", encoding="ascii"
            )
            self._fetch(self._new, lock)
            self._set_head(self._new, wanted)
            if os.path.lexists(self.path):
                self.path.rename(self._old)
            self._new.rename(self.path)
        finally:
            self._clear()

    def _clear(self) -> None:
        for leftover in (self._new, self._old):
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)

    def _refuse_foreign_directory(self) -> None:
        if self.path.is_dir():
            names = {entry.name for entry in self.path.iterdir()}
            if not names or names & _PARTS_OF_A_CLONE:
                return
        elif not os.path.lexists(self.path):
            return
        raise GitError(
            f"“{self.path}” is there already and is no clone of a repository.",
            "Have the portal keep its repository in a place of its own.",
        )

    def _fetch(self, git_dir: Path, lock: int) -> None:
        """One transfer, as a child that ends when we do."""
        said: list[str] = []

        def keep(_stream: str, line: str) -> None:
            if len(said) < 50:
                said.append(line)

        options = (
            "--quiet",
            "--atomic",
            "--prune",
            "--force",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
        )
        result = run_child(
            ["git", "fetch", *options, "--", self._remote.url, *_REFSPECS],
            cwd="/",
            env={**self._environment, "GIT_DIR": str(git_dir)},
            on_line=keep,
            on_beat=lambda: True,
            time_limit_s=self._clone_timeout,
            memory_limit_mb=0,
            output_limit_bytes=_MOST_OUTPUT_BYTES,
            line_limit=1000,
            pass_fds=[lock],
        )
        if result.ended == "timed out":
            raise GitTimeout(
                f"Fetching the repository did not end within {self._clone_timeout:g} seconds.",
                "It is tried again by itself; see whether the repository's host answers.",
            )
        if result.exit_status == 127:
            raise GitMissing("There is no git command on this machine.", "Install git.")
        if not result.succeeded:
            raise self._remote_error(" ".join(said))

    def _set_head(self, git_dir: Path, wanted: Refs) -> None:
        branch = wanted.get("HEAD")
        if branch is not None and branch.startswith(HEADS):
            git = Git(git_dir, local_environment(self.home), self._timeout)
            git.read("symbolic-ref", "HEAD", branch)


def _same(have: Refs, wanted: Refs) -> bool:
    """Whether the clone is up to date. A remote need not say which branch is its main one."""
    return have == wanted or ("HEAD" not in wanted and have == wanted | {"HEAD": have.get("HEAD", "")})


def _parse_remote_refs(listing: bytes) -> Refs:
    """Branches, tags and what HEAD means, from the lines of ``git ls-remote --symref``."""
    refs: Refs = {}
    head = None
    for line in listing.splitlines():
        value, _tab, raw_name = line.partition(b"\t")
        name = _ref_text(raw_name)
        if value.startswith(b"ref: "):
            head = _ref_text(value.removeprefix(b"ref: ")) if name == "HEAD" else head
        elif name.startswith((HEADS, TAGS)) and not name.endswith("^{}"):
            refs[name] = value.decode("ascii", "replace")
    return refs | ({"HEAD": head} if head in refs else {})


def _ref_text(name: bytes) -> str:
    return os.fsdecode(name)
