"""Small real Git repositories for tests, and the real commit graph of the team's application."""

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

_WHEN = 1_760_000_000


class SourceRepository:
    """A bare repository that plays the remote. Every commit is a minute after the one before, ids are fixed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._minute = 0
        path.mkdir(parents=True)
        self.git("init", "--bare", "--quiet", "--template=", "--initial-branch=main", ".")

    @property
    def url(self) -> str:
        """Its address as a file URL."""
        return f"file://{self.path}"

    def git(self, *arguments: str, given: bytes = b"", **environment: str) -> str:
        """Run git in it and return what it answers, without the last line break."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            input=given,
            capture_output=True,
            check=True,
            timeout=60,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.path),
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_AUTHOR_NAME": "Ada Author",
                "GIT_AUTHOR_EMAIL": "ada@example.gov",
                "GIT_COMMITTER_NAME": "Ada Author",
                "GIT_COMMITTER_EMAIL": "ada@example.gov",
                **environment,
            },
        )
        return done.stdout.decode().removesuffix("\n")

    def blob(self, content: bytes) -> str:
        """Store a file's content and return its id."""
        return self.git("hash-object", "-w", "--stdin", given=content)

    def tree(self, entries: Iterable[tuple[str, str, str, str]]) -> str:
        """Store one folder from (mode, type, id, name), in the order Git wants."""
        lines = [f"{mode} {kind} {sha}\t{name}\0" for mode, kind, sha, name in entries]
        return self.git("mktree", "-z", "--missing", given="".join(lines).encode("utf-8", "surrogateescape"))

    def commit(
        self,
        files: Mapping[str, bytes | str | tuple[str, bytes | str]],
        message: str = "Change something",
        *,
        branch: str = "main",
        parents: Iterable[str] | None = None,
    ) -> str:
        """Commit exactly these files (path -> content, or (mode, content)) and move the branch there."""
        return self.commit_tree(self._nested(files), message, branch=branch, parents=parents)

    def commit_tree(
        self,
        tree: str,
        message: str = "Change something",
        *,
        branch: str = "main",
        parents: Iterable[str] | None = None,
    ) -> str:
        """Commit a stored tree and move the branch there."""
        if parents is None:
            parents = self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").split()[:1]
        self._minute += 1
        when = f"{_WHEN + 60 * self._minute} +0000"
        arguments = [word for parent in parents for word in ("-p", parent)]
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        sha = self.git("commit-tree", tree, *arguments, "-F", "-", given=message.encode(), **dates)
        self.git("update-ref", f"refs/heads/{branch}", sha)
        return sha

    def tag(self, name: str, sha: str, message: str | None = None) -> None:
        """A lightweight tag, or an annotated one with a message; an old one of that name is moved."""
        if message is None:
            self.git("update-ref", f"refs/tags/{name}", sha)
        else:
            dates = {"GIT_COMMITTER_DATE": f"{_WHEN} +0000"}
            self.git("tag", "--force", "--annotate", "--message", message, name, sha, **dates)

    def _nested(self, files: Mapping[str, bytes | str | tuple[str, bytes | str]]) -> str:
        here: dict[str, tuple[str, bytes]] = {}
        below: dict[str, dict[str, bytes | str | tuple[str, bytes | str]]] = {}
        for path, given in files.items():
            mode, content = given if isinstance(given, tuple) else ("100644", given)
            raw = content.encode() if isinstance(content, str) else content
            first, slash, rest = path.partition("/")
            if slash:
                below.setdefault(first, {})[rest] = (mode, raw)
            else:
                here[first] = (mode, raw)
        entries = [(mode, "blob", self.blob(raw), name) for name, (mode, raw) in here.items()]
        entries += [("040000", "tree", self._nested(each), name) for name, each in below.items()]
        return self.tree(entries)


def build_history(listing: Path, target: Path) -> dict[str, str]:
    """Make a bare repository with the commit graph in ``listing`` (empty trees, its dates, its tags).

    Returns the id given there for each commit -> the id of ours (ours differ, as messages and files do).
    """
    marks: dict[str, int] = {}
    stream: list[str] = []
    refs: list[tuple[str, str]] = []
    for line in listing.read_text(encoding="utf-8").splitlines():
        words = line.split(" ")
        if words[0] == "main":
            refs.append(("refs/heads/main", words[1]))
        elif words[0] == "tag":
            refs.append((f"refs/tags/{words[1]}", words[2]))
        elif words[0] == "commit":
            sha, at, parents = words[1], words[2], [word for word in words[3:] if word]
            marks[sha] = len(marks) + 1
            stream.append(f"commit refs/scratch/all\nmark :{marks[sha]}")
            stream.append(f"committer A <a@example.gov> {at} +0000\ndata {len(sha)}\n{sha}")
            kinds = ["from", *["merge"] * len(parents)]
            stream += [f"{kind} :{marks[parent]}" for kind, parent in zip(kinds, parents, strict=False)]
            stream.append("" if parents else "deleteall\n")
    stream += [f"reset {name}\nfrom :{marks[sha]}\n" for name, sha in refs]
    repository = SourceRepository(target)
    repository.git(
        "fast-import", "--quiet", "--force", "--export-marks=marks", given="\n".join(stream).encode()
    )
    repository.git("update-ref", "-d", "refs/scratch/all")
    written = dict(line.split() for line in (target / "marks").read_text(encoding="ascii").splitlines())
    return {sha: written[f":{mark}"] for sha, mark in marks.items()}
