"""Which texts can be names at all: pure rules, applied before anything is handed to the git command.

A name that cannot exist is answered as "not found" without asking git, so that no text from outside is ever
an option, a revision expression or a path outside the tree.
"""

import re
from typing import Literal

HEADS = "refs/heads/"
TAGS = "refs/tags/"

_LONGEST_NAME_BYTES = 1000
_LONGEST_PATH_BYTES = 4096
_FULL_SHA = re.compile(r"\A(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_SHORT_SHA = re.compile(r"\A[0-9a-f]{7,63}\Z")
_NEVER_IN_A_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")


def is_full_sha(text: str) -> bool:
    """A whole commit id in lower case: 40 characters, or 64 in a SHA-256 repository."""
    return _FULL_SHA.match(text) is not None


def is_short_sha(text: str) -> bool:
    """A shortened commit id in lower case, at least 7 characters, so that it is hardly met by chance."""
    return _SHORT_SHA.match(text) is not None and not is_full_sha(text)


def is_ref_name(name: str) -> bool:
    """Whether a branch or tag can have this name: Git's own rules, and no leading dash."""
    if not name or len(name.encode("utf-8", "surrogatepass")) > _LONGEST_NAME_BYTES:
        return False
    if name.startswith(("-", "/")) or name.endswith(("/", ".")) or name == "@":
        return False
    if _NEVER_IN_A_REF.search(name) or _has_surrogates(name):
        return False
    return not any(part.startswith(".") or part.endswith(".lock") for part in name.split("/"))


def split_ref(text: str) -> tuple[Literal["branch", "tag"] | None, str]:
    """``refs/heads/x`` and ``refs/tags/x`` say which kind is meant; any other text does not."""
    if text.startswith(HEADS):
        return "branch", text.removeprefix(HEADS)
    if text.startswith(TAGS):
        return "tag", text.removeprefix(TAGS)
    return None, text


def clean_path(path: str) -> str | None:
    """A path inside the tree without needless parts (``""`` is the root), or None if it cannot be one."""
    if "\x00" in path or _has_surrogates(path) or path.startswith("/"):
        return None
    if len(path.encode("utf-8")) > _LONGEST_PATH_BYTES:
        return None
    parts = [part for part in path.split("/") if part not in {"", "."}]
    return None if ".." in parts else "/".join(parts)


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
