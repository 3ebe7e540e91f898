"""The git command on one bare repository: what a merge is made of.

Every argument from outside has been checked to be a whole commit id or the name of a ref before it comes here, and
refs are changed through standard input, so that no text can be taken for an option.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

SECONDS = 30
HEADS, TAGS = "refs/heads/", "refs/tags/"
_SHA = re.compile(r"\A[0-9a-f]{40}\Z")
_SHORT = re.compile(r"\A[0-9a-f]{7,39}\Z")
_NEVER = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_ZERO = "0" * 40
_COMMIT = "%H%x00%P%x00%T%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x00%x00"


class GitFailed(Exception):
    """Git did not do it; the text is Git's own."""


@dataclass(frozen=True)
class Commit:
    """One commit; times as ISO texts with their zone."""

    sha: str
    parents: tuple[str, ...]
    tree: str
    author: tuple[str, str, str]
    committer: tuple[str, str, str]
    message: str


@dataclass(frozen=True)
class Ref:
    """A ref, the object it names, and that object's type (``commit``, or ``tag`` for an annotated one)."""

    name: str
    sha: str
    type: str


@dataclass(frozen=True)
class ChangedFile:
    """A file that differs: ``status`` as GitHub calls it, lines added and removed."""

    path: str
    status: str
    added: int
    removed: int


def is_sha(text: object) -> bool:
    """A whole commit id."""
    return isinstance(text, str) and _SHA.match(text) is not None


def is_ref_name(name: str) -> bool:
    """Whether a branch or tag can be called this; a leading dash is never one."""
    if not name or len(name) > 250 or name.startswith(("-", "/")) or name.endswith(("/", ".")) or name == "@":
        return False
    if _NEVER.search(name) or not name.isprintable():
        return False
    return not any(part.startswith(".") or part.endswith(".lock") for part in name.split("/"))


class Git:
    """One bare repository."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def branch(self, name: str) -> str | None:
        """The commit of a branch, or None."""
        return self.ref(HEADS + name) if is_ref_name(name) else None

    def ref(self, full_name: str) -> str | None:
        """What a full ref names, or None."""
        return next((one.sha for one in self.refs(full_name) if one.name == full_name), None)

    def refs(self, prefix: str) -> list[Ref]:
        """The refs under a full prefix, by name; the ref itself when it is one."""
        if not is_ref_name(prefix.rstrip("/")):
            return []
        out = self._run("for-each-ref", "--format=%(refname) %(objectname) %(objecttype)", "--", prefix)
        return [Ref(*line.split(" ")) for line in out.decode().splitlines()]

    def commit_named(self, text: str) -> str | None:
        """The commit that a name means: an id (at least 7 characters), a branch or a tag; None when there is none."""
        if is_ref_name(text):
            for full in (HEADS + text, TAGS + text, f"refs/{text}"):
                if self.ref(full):
                    return self._commit_id(full)
        return self._commit_id(text) if _SHA.match(text) or _SHORT.match(text) else None

    def _commit_id(self, checked: str) -> str | None:
        out = self._run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", checked + "^{commit}", codes=(0, 1, 128)
        )
        found = out.decode().strip()
        return found if _SHA.match(found) else None

    def object_type(self, sha: str) -> str | None:
        """``commit``, ``tag``, ``tree`` or ``blob``; None when there is no such object."""
        out = self._run("cat-file", "--batch-check=%(objecttype)", given=f"{sha}\n".encode()).decode()
        return None if out.rstrip().endswith("missing") else out.strip()

    def set_ref(self, name: str, new: str | None, old: str | None) -> None:
        """Make, move or (``new`` None) delete a full ref that is at ``old`` (None: is not there); else GitFailed."""
        before = old or _ZERO
        line = f"delete {name}\0{before}\0" if new is None else f"update {name}\0{new}\0{before}\0"
        self._run("update-ref", "--stdin", "-z", given=line.encode())

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether one commit is, or leads to, the other."""
        return self._status("merge-base", "--is-ancestor", older, newer) == 0

    def merge_base(self, one: str, other: str) -> str | None:
        """The best commit that both descend from."""
        return self._run("merge-base", one, other, codes=(0, 1)).decode().strip() or None

    def ahead_behind(self, base: str, head: str) -> tuple[int, int]:
        """How many commits ``head`` has that ``base`` has not, and the other way round."""
        behind, ahead = self._run("rev-list", "--left-right", "--count", f"{base}...{head}").split()
        return int(ahead), int(behind)

    def commits(self, base: str | None, head: str, limit: int = 250) -> list[Commit]:
        """The commits of ``head``, without those of ``base``, newest first."""
        wanted = f"{base}..{head}" if base else head
        out = self._run("log", f"--format={_COMMIT}", "-n", str(limit), "--topo-order", wanted)
        return [_commit(one) for one in out.decode("utf-8", "replace").split("\0\0\n") if one]

    def files(self, base: str, head: str) -> list[ChangedFile]:
        """The files that differ between two commits; a renamed one counts as removed and added."""
        counts = self._run("diff", "--numstat", "--no-renames", "-z", base, head).decode("utf-8", "replace")
        states = self._run("diff", "--name-status", "--no-renames", "-z", base, head).decode(
            "utf-8", "replace"
        )
        kinds = states.split("\0")
        status = dict(zip(kinds[1::2], kinds[0::2], strict=False))
        words = {"A": "added", "D": "removed"}
        found = []
        for line in filter(None, counts.split("\0")):
            added, removed, path = line.split("\t", 2)
            number = [int(one) if one.isdigit() else 0 for one in (added, removed)]
            found.append(ChangedFile(path, words.get(status.get(path, "M"), "modified"), *number))
        return found

    def merged_tree(self, base: str, head: str) -> tuple[str | None, list[str]]:
        """The tree of a merge, or None and the files in conflict."""
        process = self._process("merge-tree", "--write-tree", "--name-only", "--no-messages", base, head)
        lines = process.stdout.decode("utf-8", "replace").splitlines()
        if process.returncode == 0:
            return lines[0], []
        return None, sorted(set(lines[1:])) if process.returncode == 1 else []

    def commit_tree(self, tree: str, parents: list[str], message: str, author: tuple[str, str]) -> str:
        """Make a commit object by ``author`` (name, e-mail); its id."""
        name, email = author
        who = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email}
        who |= {"GIT_COMMITTER_NAME": "GitHub", "GIT_COMMITTER_EMAIL": "noreply@github.localhost"}
        links = [part for parent in parents for part in ("-p", parent)]
        made = self._run("commit-tree", tree, *links, "-F", "-", given=message.encode(), more=who)
        return made.decode().strip()

    def _run(
        self,
        *arguments: str,
        given: bytes = b"",
        codes: tuple[int, ...] = (0,),
        more: dict[str, str] | None = None,
    ) -> bytes:
        process = self._process(*arguments, given=given, more=more)
        if process.returncode not in codes:
            raise GitFailed(process.stderr.decode("utf-8", "replace").strip()[:500])
        return process.stdout

    def _status(self, *arguments: str) -> int:
        return self._process(*arguments).returncode

    def _process(
        self, *arguments: str, given: bytes = b"", more: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.devnull,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_DIR": str(self._path),
            **(more or {}),
        }
        try:
            return subprocess.run(
                ["git", *arguments],
                input=given,
                env=environment,
                cwd="/",
                capture_output=True,
                check=False,
                timeout=SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GitFailed(f"git {arguments[0]} could not be run") from error


def _commit(text: str) -> Commit:
    sha, parents, tree, *people, message = text.split("\0", 9)
    return Commit(
        sha,
        tuple(parents.split()),
        tree,
        (people[0], people[1], people[2]),
        (people[3], people[4], people[5]),
        message.rstrip("\n"),
    )
