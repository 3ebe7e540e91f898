"""The files of ``docs/runbooks``: which there are, in what order, and which hold a word."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from opsportal.runbooks import rendering

INDEX = "README"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_OTHERS = "Others"


@dataclass(frozen=True)
class Runbook:
    """One file. ``name``: its file name without ``.md``; ``purpose``: its first sentence; ``source``: Markdown."""

    name: str
    title: str
    purpose: str
    source: str

    def holds(self, words: Sequence[str]) -> bool:
        """Whether every word is somewhere in it, in whatever case."""
        text = f"{self.name}\n{self.source}".lower()
        return all(word.lower() in text for word in words)


@dataclass(frozen=True)
class Group:
    """Runbooks that stand together in the index."""

    title: str
    runbooks: Sequence[Runbook]


def find(name: str) -> Runbook | None:
    """The runbook of that name; None when there is none."""
    path = _folder() / f"{name}.md"
    return _read(path, path.stat().st_mtime_ns) if _NAME.fullmatch(name) and path.is_file() else None


def search(text: str = "") -> list[Group]:
    """The runbooks that hold every word of ``text``, in the groups and the order of the index (``README.md``).

    One that the index does not name stands at the end.
    """
    left = {path.stem: path for path in sorted(_folder().glob("*.md")) if _NAME.fullmatch(path.stem)}
    named = [(title, [left.pop(name) for name in names if name in left]) for title, names in index()]
    groups = [*named, (_OTHERS, list(left.values()))]
    read = [(title, [_read(path, path.stat().st_mtime_ns) for path in paths]) for title, paths in groups]
    kept = [Group(title, [each for each in found if each.holds(text.split())]) for title, found in read]
    return [group for group in kept if group.runbooks]


def index() -> list[tuple[str, list[str]]]:
    """What the index names: (heading, names of the runbooks below it), in its order."""
    path = _folder() / f"{INDEX}.md"
    groups: list[tuple[str, list[str]]] = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        if line.startswith("## "):
            groups.append((line.removeprefix("## ").strip(), []))
        elif groups:
            groups[-1][1].extend(re.findall(r"\]\(([a-z0-9_-]+)\.md\)", line))
    return groups


def _folder() -> Path:
    return Path(settings.RUNBOOKS_DIR)


@lru_cache(maxsize=256)
def _read(path: Path, changed: int) -> Runbook:
    """A file, read again only when it ``changed`` (nanoseconds)."""
    source = path.read_text(encoding="utf-8")
    title = rendering.render(source, rendering.Filling()).title or path.stem
    return Runbook(path.stem, title, _first_sentence(rendering.first_paragraph(source)), source)


def _first_sentence(text: str) -> str:
    """The first sentence, without the word "When." that runbooks begin with."""
    return re.split(r"(?<=[.:]) (?=[A-Z])", re.sub(r"^When[.:] *", "", text), maxsplit=1)[0].rstrip(":")
