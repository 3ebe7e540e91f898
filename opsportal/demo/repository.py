"""Makes the bare Git repository of the sample application, with its history, branches and tags.

Everything in it is fixed, dates included, so the same commits come out on every machine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from opsportal.demo import team
from opsportal.demo.story.branches import BRANCHES
from opsportal.demo.story.changes import Tree
from opsportal.demo.story.entries import Entry
from opsportal.demo.story.fourth_quarter import OCTOBER_TO_NOVEMBER
from opsportal.demo.story.third_quarter import HOTFIX, JULY_TO_SEPTEMBER

SOURCES = Path(__file__).parent / "sample_application"
NOT_SOURCES = re.compile(r"(^|/)(__pycache__|public|registrar/assets)(/|$)|\.(pyc|sqlite3)$")
EXECUTABLE = frozenset({"src/manage.py", "src/run.sh", "src/build_assets.py"})
GIT_TIMEOUT = 60
REVIEW = timedelta(minutes=38)


def make_repository(path: Path, *, reset: bool = False) -> bool:
    """Make the bare repository at `path` unless it is there; with `reset`, make it anew.

    What people pushed to it stays unless `reset`. It appears whole or not at all.
    Answers whether it was made.
    """
    if (path / "HEAD").is_file() and not reset:
        return False
    unfinished = path.with_name(f"{path.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    _git("init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(unfinished))
    _git("-C", str(unfinished), "fast-import", "--quiet", given=history_stream())
    shutil.rmtree(path, ignore_errors=True)
    unfinished.rename(path)
    return True


def todays_tree() -> Tree:
    """The sample application as it stands on main: the files on disk, and a manifest for each sandbox."""
    tree = {
        name: file.read_bytes()
        for file in sorted(SOURCES.rglob("*"))
        if file.is_file() and not NOT_SOURCES.search(name := file.relative_to(SOURCES).as_posix())
    }
    template = tree["ops/manifests/manifest-sandbox-template.yaml"]
    for name in team.SANDBOXES:
        tree[f"ops/manifests/manifest-{name}.yaml"] = template.replace(b"ENVIRONMENT", name.encode())
    return tree


def history_stream() -> bytes:
    """All commits, branches and tags in the form that `git fast-import` reads."""
    entries = (*JULY_TO_SEPTEMBER, HOTFIX, *OCTOBER_TO_NOVEMBER)
    history = _Stream()
    for entry, tree in zip(entries, _trees_after(entries), strict=True):
        if entry is HOTFIX:
            history.release_hotfix(entry, tree)
        else:
            history.add(entry, tree)
    for branch in BRANCHES:
        at = history.named[branch.base]
        for entry in branch.entries:
            at = history.commit(
                f"refs/heads/{branch.name}", entry, entry.subject, _changed(at.tree, entry), (at,)
            )
    return b"".join(history.parts)


@dataclass(frozen=True)
class _Commit:
    mark: int
    tree: Tree


@dataclass
class _Stream:
    """The stream as it grows; `named` holds the commit of every tag and of main."""

    parts: list[bytes] = field(default_factory=list)
    named: dict[str, _Commit] = field(default_factory=dict)
    marks: int = 0

    def add(self, entry: Entry, tree: Tree) -> None:
        """One entry on main: a commit, or with a pull request a commit and its merge."""
        parents = (self.named["main"],) if "main" in self.named else ()
        done = self.commit("refs/heads/main", entry, entry.subject, tree, parents)
        if entry.pull_request:
            done = self.merge("refs/heads/main", entry, tree, (*parents, done))
        self.named["main"] = done
        for tag in entry.tags:
            self.tag(tag, done)

    def release_hotfix(self, entry: Entry, tree_of_main: Tree) -> None:
        """product.md, hotfix: off the newest release, a patch release; merged for staging, then for main."""
        release, staging, main = (self.named[name] for name in ("v1.198.0", "staging-247", "main"))
        fix = self.commit("refs/heads/main", entry, entry.subject, _changed(release.tree, entry), (release,))
        self.tag("v1.198.1", fix)
        ahead = self.merge("refs/heads/main", entry, _changed(staging.tree, entry), (staging, fix))
        self.tag("staging-247-hotfix", ahead)
        self.named["main"] = self.merge(
            "refs/heads/main", entry, tree_of_main, (main, fix), after=timedelta(days=1)
        )

    def tag(self, name: str, commit: _Commit) -> None:
        """A lightweight tag, as all of the team's are."""
        self.named[name] = commit
        self.parts.append(f"reset refs/tags/{name}\nfrom :{commit.mark}\n\n".encode())

    def merge(
        self, ref: str, entry: Entry, tree: Tree, parents: tuple[_Commit, ...], after: timedelta = REVIEW
    ) -> _Commit:
        """Merges a pull request, by somebody who did not write it."""
        by = team.CLEO if entry.author is team.DANA else team.DANA
        slug = "-".join(re.findall(r"[a-z0-9]+", entry.subject.lower())[:4])
        place = entry.author.sandbox or entry.author.username
        subject = f"Merge pull request #{entry.pull_request} from getgov/{place}/{slug}\n\n{entry.subject}"
        at = (datetime.fromisoformat(entry.at) + after).isoformat()
        return self.commit(ref, Entry(at, by, entry.subject), subject, tree, parents)

    def commit(
        self, ref: str, entry: Entry, message: str, tree: Tree, parents: tuple[_Commit, ...]
    ) -> _Commit:
        """One commit with exactly this tree."""
        self.marks += 1
        at = datetime.fromisoformat(entry.at)
        who = f"{entry.author.name} <{entry.author.email}> {int(at.timestamp())} {at:%z}"
        body = f"{message}\n".encode()
        head = f"commit {ref}\nmark :{self.marks}\nauthor {who}\ncommitter {who}\ndata {len(body)}\n".encode()
        links = [f"{'merge' if number else 'from'} :{parent.mark}\n" for number, parent in enumerate(parents)]
        before = parents[0].tree if parents else {}
        self.parts += [head, body, "".join(links).encode(), *_difference(before, tree), b"\n"]
        return _Commit(self.marks, tree)


def _difference(before: Tree, after: Tree) -> list[bytes]:
    removed = [f"D {path}\n".encode() for path in sorted(before.keys() - after.keys())]
    written = [
        b"M %s inline %s\ndata %d\n%s\n" % (_mode(path), path.encode(), len(text), text)
        for path, text in sorted(after.items())
        if before.get(path) != text
    ]
    return removed + written


def _mode(path: str) -> bytes:
    return b"100755" if path in EXECUTABLE else b"100644"


def _trees_after(entries: tuple[Entry, ...]) -> list[Tree]:
    """The tree after each entry, found by undoing from today's."""
    trees = [todays_tree()]
    for entry in reversed(entries[1:]):
        tree = dict(trees[-1])
        for change in reversed(entry.changes):
            change.undo(tree)
        trees.append(tree)
    return trees[::-1]


def _changed(tree: Tree, entry: Entry) -> Tree:
    changed = dict(tree)
    for change in entry.changes:
        change.apply(changed)
    return changed


def _git(*arguments: str, given: bytes = b"") -> None:
    """Git with nobody's configuration but its own defaults. Raises CalledProcessError, TimeoutExpired."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    subprocess.run(["git", *arguments], input=given, env=environment, check=True, timeout=GIT_TIMEOUT)
