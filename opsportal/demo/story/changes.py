"""Changes to a source tree that can be made and unmade.

The sample application lies on disk as it stands on main today. Its history is told by undoing, from the
newest commit to the oldest, what each one changed; branches and hotfixes make theirs on an older tree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Protocol

Tree = dict[str, bytes]
"""Path in the repository -> contents."""


class ChangeError(Exception):
    """A change does not fit the tree it is made on: the history and the sources have come apart."""


class Change(Protocol):
    """One thing that a commit did."""

    def apply(self, tree: Tree) -> None:
        """Make the change in place. Raises ChangeError when the tree is not what it expects."""

    def undo(self, tree: Tree) -> None:
        """Unmake it in place. Raises ChangeError when the tree does not show the change."""


@dataclass(frozen=True)
class Edit:
    """Replaces one piece of text, which stands exactly once, in a file or in every file a pattern names."""

    path: str
    before: str
    after: str

    def apply(self, tree: Tree) -> None:
        self._replace(tree, self.before, self.after)

    def undo(self, tree: Tree) -> None:
        self._replace(tree, self.after, self.before)

    def _replace(self, tree: Tree, old: str, new: str) -> None:
        paths = [path for path in tree if fnmatch(path, self.path)]
        if not paths:
            raise ChangeError(f"there is no {self.path}")
        for path in paths:
            text = tree[path].decode()
            if text.count(old) != 1:
                raise ChangeError(f"{path} holds {old!r} {text.count(old)} times, not once")
            tree[path] = text.replace(old, new).encode()


@dataclass(frozen=True)
class New:
    """Adds a file. Without text it is one of today's files, and later changes tell what it held."""

    path: str
    text: str = ""

    def apply(self, tree: Tree) -> None:
        if self.path in tree:
            raise ChangeError(f"{self.path} is there already")
        tree[self.path] = self.text.encode()

    def undo(self, tree: Tree) -> None:
        if tree.pop(self.path, None) is None:
            raise ChangeError(f"there is no {self.path}")


@dataclass(frozen=True)
class FixtureField:
    """Gives every row of a fixture a field; undoing takes it away again."""

    path: str
    field: str
    values: Mapping[int, str | None]

    def apply(self, tree: Tree) -> None:
        rows = json.loads(tree[self.path])
        for row in rows:
            row["fields"][self.field] = self.values.get(row["pk"])
        tree[self.path] = _fixture(rows)

    def undo(self, tree: Tree) -> None:
        rows = json.loads(tree[self.path])
        for row in rows:
            if row["fields"].pop(self.field, self) is self:
                raise ChangeError(f"{self.path}: row {row['pk']} has no {self.field}")
        tree[self.path] = _fixture(rows)


def _fixture(rows: list[object]) -> bytes:
    """One row a line, as the fixtures are kept."""
    return ("[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]\n").encode()
