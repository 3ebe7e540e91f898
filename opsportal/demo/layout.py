"""Where the demo's state lies. Everything is under one directory; nothing is kept elsewhere."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that nobody mistakes for one another."""


class NotOurs(Exception):
    """The directory holds what no demo put there: it is left alone."""


class Unusable(Exception):
    """The directory cannot be made or written to; the text says why and what to do."""


@dataclass(frozen=True)
class Layout:
    """The files and folders of one demo."""

    root: Path

    @property
    def facts(self) -> Path:
        """What scripts read: addresses and sign-ins. There only while everything answers."""
        return self.root / "demo.json"

    @property
    def settings(self) -> Path:
        """The portal's settings, so that a second shell finds the same database, broker and cloud."""
        return self.root / "settings.env"

    @property
    def kept(self) -> Path:
        """What must be the same at the next start: passwords and ports."""
        return self.root / "kept.json"

    @property
    def lock(self) -> Path:
        """Held while a demo runs on this directory."""
        return self.root / "demo.lock"

    @property
    def estate(self) -> Path:
        """What the local cloud is told to hold at its start."""
        return self.root / "estate.json"

    @property
    def pushed(self) -> Path:
        """Is there once stable, staging and development run what ran before the portal came."""
        return self.root / "pushed"

    @property
    def repository(self) -> Path:
        """The team's repository; people clone it and push to it."""
        return self.root / "getgov.git"

    @property
    def broker(self) -> Path:
        """The broker's own files."""
        return self.root / "broker"

    @property
    def cloud(self) -> Path:
        """The local cloud's own files."""
        return self.root / "cloud"

    def check(self, usual: Path) -> None:
        """Raises NotOurs unless the directory is the usual one, is empty, or was used by a demo before."""
        if self.root != usual and not self.kept.exists() and set(self.root.iterdir()) - {self.lock}:
            raise NotOurs(
                f"{self.root} holds files that are not the demo's. Give --data-dir a new or empty directory."
            )

    def forget(self) -> None:
        """Remove everything but the lock, as `--reset` asks. Call `check` before."""
        for each in self.root.iterdir():
            if each == self.lock:
                continue
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            else:
                each.unlink()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read. It is there whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)


def as_json(value: object) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2) + "\n"


def read_kept(layout: Layout) -> dict[str, Any]:
    """What an earlier start kept, or nothing."""
    return dict(json.loads(layout.kept.read_text())) if layout.kept.exists() else {}


def new_password() -> str:
    """Sixteen characters in four groups, easy to type; 79 bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))
