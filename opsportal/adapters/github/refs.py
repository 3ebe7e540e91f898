"""What stands on Git: branches and tags, comparisons, merging a branch into another."""

from dataclasses import dataclass
from datetime import datetime

from opsportal.adapters.github.answers import parsed
from opsportal.adapters.github.client import Client
from opsportal.adapters.github.errors import NotFound, Unprocessable
from opsportal.adapters.github.wire import Fields


@dataclass(frozen=True)
class Ref:
    """A ref by its full name, and what it names: ``type`` is commit, or tag for an annotated tag."""

    name: str
    sha: str
    type: str

    @classmethod
    def read(cls, fields: Fields) -> "Ref":
        """Read one as the API gives it."""
        named = fields.within("object")
        return cls(fields.text("ref"), named.text("sha"), named.text("type"))


@dataclass(frozen=True)
class Commit:
    """A commit as comparisons list it."""

    sha: str
    message: str
    author_name: str
    authored_at: datetime | None
    parents: tuple[str, ...]

    @classmethod
    def read(cls, fields: Fields) -> "Commit":
        """Read one as the API gives it."""
        inner = fields.within("commit")
        author = inner.within("author")
        return cls(
            fields.text("sha"),
            inner.maybe_text("message") or "",
            author.maybe_text("name") or "",
            author.maybe_moment("date"),
            fields.each("parents", "sha"),
        )


@dataclass(frozen=True)
class Comparison:
    """How far ``head`` is from ``base``: ``status`` is ahead, behind, diverged or identical.

    GitHub lists at most 250 commits and 300 files; ``ahead_by`` is right all the same.
    """

    status: str
    ahead_by: int
    behind_by: int
    merge_base_sha: str
    commits: tuple[Commit, ...]
    files: tuple[str, ...]

    @classmethod
    def read(cls, fields: Fields) -> "Comparison":
        """Read one as the API gives it."""
        return cls(
            fields.text("status"),
            fields.whole("ahead_by"),
            fields.whole("behind_by"),
            fields.within("merge_base_commit").text("sha"),
            tuple(Commit.read(one) for one in fields.maybe_items("commits")),
            fields.each("files", "filename"),
        )


class Refs(Client):
    """``/repos/OWNER/NAME/git/refs``, ``/compare``, ``/merges``. Names are full: ``refs/heads/…``, ``refs/tags/…``."""

    def ref(self, name: str) -> Ref | None:
        """Read one; None when there is none."""
        try:
            return self._get(self._in_repository("git/ref", _short(name)), Ref.read)
        except NotFound:
            return None

    def create_ref(self, name: str, sha: str) -> Ref:
        """Make a branch or tag. Raises Unprocessable when there is one already, even of this very commit."""
        _short(name)
        return self._send("POST", self._in_repository("git/refs"), {"ref": name, "sha": sha}, Ref.read)

    def ensure_ref(self, name: str, sha: str) -> Ref:
        """The ref, made if there is none; one that names another commit comes back as it is: compare ``sha``."""
        try:
            return self.create_ref(name, sha)
        except Unprocessable:
            found = self.ref(name)
            if found is None:
                raise
            return found

    def update_ref(self, name: str, sha: str, *, force: bool = False) -> Ref:
        """Move a branch or tag; without ``force`` only forwards. Raises Unprocessable."""
        path, payload = self._in_repository("git/refs", _short(name)), {"sha": sha, "force": force}
        return self._send("PATCH", path, payload, Ref.read, repeatable=True)

    def delete_ref(self, name: str) -> None:
        """Delete a branch or tag; one that is gone already is fine."""
        try:
            self._request("DELETE", self._in_repository("git/refs", _short(name)), repeatable=True)
        except Unprocessable:
            if self.ref(name) is not None:
                raise

    def compare(self, base: str, head: str) -> Comparison:
        """Compare two commits, branches or tags. Raises NotFound."""
        return self._get(self._in_repository("compare", f"{base}...{head}"), Comparison.read)

    def merge_branch(self, *, base: str, head: str, message: str) -> str | None:
        """Merge a branch or commit into the branch ``base``; the new commit's id, or None when it was in it already.

        Asked twice it merges once. Raises Conflict when a human must do it, NotFound when one of them does not exist.
        """
        payload = {"base": base, "head": head, "commit_message": message}
        answer = self._request("POST", self._in_repository("merges"), payload=payload, repeatable=False)
        return None if answer.status == 204 else parsed(answer, lambda fields: fields.text("sha"))


def _short(name: str) -> str:
    """The name as paths have it, without ``refs/``; raises ValueError for what is no full name."""
    if not name.startswith(("refs/heads/", "refs/tags/")) or ".." in name:
        raise ValueError("a ref is named refs/heads/… or refs/tags/…")
    return name.removeprefix("refs/")
