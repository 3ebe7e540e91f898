"""What a commit holds is asked of Git once; what is not there is asked again, and repositories are told apart."""

from typing import Any

import pytest

from opsportal.adapters.git import PathNotFound
from opsportal.environments.manifests import ManifestError
from opsportal.operations.steps import commits

SHA, PATH = "a" * 40, "ops/manifests/manifest-ab.yaml"
MANIFEST = b"applications:\n- name: getgov-ab\n  path: ../../src\n  memory: 512M\n"


class Clone:
    """A repository that counts what it is asked."""

    def __init__(self, text: bytes | None = MANIFEST) -> None:
        self.text, self.asked = text, list[str]()

    def tree_id(self, sha: str, path: str) -> str:
        self.asked.append("tree")
        return f"{sha[:4]}/{path}"

    def file(self, sha: str, path: str) -> bytes:
        self.asked.append("file")
        if self.text is None:
            raise PathNotFound("no such file", "Add it.")
        return self.text


def ask(clone: Any) -> list[Any]:
    return [
        commits.tree_id(clone, SHA, "src"),
        commits.manifest(clone, SHA, PATH, "ab", "getgov-{environment}").memory_mb,
    ]


def test_many_deploys_of_one_commit_ask_once() -> None:
    clone, other = Clone(), Clone()
    assert ask(clone) == ask(clone) == ["aaaa/src", 512]
    assert clone.asked == ["tree", "file"]
    assert ask(other) == ask(clone)
    assert other.asked == clone.asked


def test_what_is_not_there_yet_is_asked_again() -> None:
    clone: Any = Clone(None)
    for _ in range(2):
        with pytest.raises(PathNotFound):
            commits.manifest(clone, SHA, PATH, "ab", "getgov-{environment}")
    clone.text = b"- no manifest"
    with pytest.raises(ManifestError):
        commits.manifest(clone, SHA, PATH, "ab", "getgov-{environment}")
    clone.text = MANIFEST
    assert ask(clone) == ["aaaa/src", 512]
    assert clone.asked == ["file", "file", "file", "tree", "file"]
