"""Writing a commit's files to a folder: exactly what was committed, and nothing anywhere else."""

import os
import stat

import pytest

from opsportal.adapters.git import CannotWrite, PathNotFound, RefNotFound, Repository, TooLarge, UnsafeTree
from tests.support.repositories import SourceRepository


@pytest.fixture
def source(tmp_path):
    return SourceRepository(tmp_path / "source.git")


@pytest.fixture
def repository(source, tmp_path):
    return Repository(tmp_path / "repository.git", source.url)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "work" / "out"


def export(repository, sha, target, path="src", **bounds):
    repository.refresh()
    repository.export(sha, path, target, **bounds)
    return {
        found.relative_to(target).as_posix(): (
            os.readlink(found) if found.is_symlink() else found.read_bytes()
        )
        for found in target.rglob("*")
        if found.is_symlink() or found.is_file()
    }


FILES = {
    "README": "not asked for",
    "src/manage.py": "print()",
    "src/run.sh": ("100755", "#!/bin/sh"),
    "src/deep/er/größe.txt": b"\x00\xff\r\n",
    "src/link": ("120000", "deep/er"),
    "src/-x": "dash",
    "src2/other": "not asked for",
}


def test_a_folder_is_written_with_its_files_modes_and_links(source, repository, target):
    sha = source.commit(FILES)
    assert export(repository, sha, target) == {
        "manage.py": b"print()",
        "run.sh": b"#!/bin/sh",
        "deep/er/größe.txt": b"\x00\xff\r\n",
        "link": "deep/er",
        "-x": b"dash",
    }
    assert stat.S_IMODE((target / "run.sh").stat().st_mode) == 0o755
    assert stat.S_IMODE((target / "manage.py").stat().st_mode) == 0o644


@pytest.mark.parametrize("path", ["", ".", "./"])
def test_the_whole_tree_can_be_written(source, repository, target, path):
    sha = source.commit(FILES)
    assert set(export(repository, sha, target, path)) >= {"README", "src/manage.py", "src2/other"}


def test_the_same_commit_always_gives_the_same_times(source, repository, target, tmp_path):
    sha = source.commit(FILES)
    export(repository, sha, target)
    at = repository.commit(sha).committed_at.timestamp()
    assert {path.lstat().st_mtime for path in target.rglob("*")} == {at}


def test_what_was_there_before_is_replaced_as_a_whole(source, repository, target):
    first = source.commit({"src/old": "1", "src/both": "1"})
    second = source.commit({"src/both": "2"})
    export(repository, first, target)
    assert export(repository, second, target) == {"both": b"2"}
    assert [path.name for path in target.parent.iterdir()] == ["out"]


def test_attributes_in_the_repository_do_not_change_what_is_written(source, repository, target):
    attributes = "secret export-ignore\nstamp export-subst\n*.txt export-ignore\n"
    files = {
        "src/.gitattributes": attributes,
        "src/secret": "s",
        "src/stamp": "$Format:%H$",
        "src/a.txt": "a",
    }
    sha = source.commit({**files, ".gitattributes": attributes.replace("secret", "src/secret")})
    found = export(repository, sha, target)
    assert found == {path.removeprefix("src/"): content.encode() for path, content in files.items()}


@pytest.mark.parametrize(
    "links",
    [
        {"bad": "/etc/passwd"},
        {"bad": "../../../../etc/passwd"},
        {"bad": ".."},
        {"deep/bad": "../../README"},
        {"d/e/up": "../..", "bad": "d/e/up/../.."},
        {"a": "b", "b": "../README"},
    ],
)
def test_a_link_that_leads_out_is_refused_and_nothing_stays(source, repository, target, links):
    files = {f"src/{name}": ("120000", to) for name, to in links.items()}
    sha = source.commit({"README": "x", "src/d/e/file": "x", **files})
    with pytest.raises(UnsafeTree, match="symbolic link that leads out") as refused:
        export(repository, sha, target)
    assert refused.value.remedy
    assert not target.exists()
    assert list(target.parent.iterdir()) == []


def test_links_in_a_circle_are_only_links(source, repository, target):
    sha = source.commit({"src/a": ("120000", "b"), "src/b": ("120000", "a"), "src/self": ("120000", ".")})
    assert export(repository, sha, target) == {"a": "b", "b": "a", "self": "."}


def test_a_tree_made_to_write_through_a_link_writes_nothing_outside(source, repository, target, tmp_path):
    inner = source.tree([("100644", "blob", source.blob(b"owned"), "file")])
    raw = b"".join(
        f"{mode} {name}\0".encode() + bytes.fromhex(sha)
        for mode, name, sha in [
            ("120000", "x", source.blob(os.fsencode(str(tmp_path / "outside")))),
            ("40000", "x", inner),
        ]
    )
    tree = source.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=raw)
    sha = source.commit_tree(source.tree([("040000", "tree", tree, "src")]))
    (tmp_path / "outside").mkdir()
    with pytest.raises((UnsafeTree, CannotWrite)):
        export(repository, sha, target)
    assert list((tmp_path / "outside").iterdir()) == []
    assert not target.exists()


@pytest.mark.parametrize("name", [".git", ".GIT", ".."])
def test_a_path_that_may_not_be_written_is_refused(source, repository, target, name):
    raw = f"100644 {name}\0".encode() + bytes.fromhex(source.blob(b"x"))
    tree = source.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=raw)
    sha = source.commit_tree(source.tree([("040000", "tree", tree, "src")]))
    with pytest.raises(UnsafeTree, match="may not be written"):
        export(repository, sha, target)
    assert not target.exists()


def test_a_submodule_is_refused_rather_than_left_empty(source, repository, target):
    first = source.commit({"README": "x"})
    tree = source.tree([("100644", "blob", source.blob(b"x"), "a"), ("160000", "commit", first, "vendor")])
    sha = source.commit_tree(source.tree([("040000", "tree", tree, "src")]))
    with pytest.raises(UnsafeTree, match="“src/vendor” is a submodule"):
        export(repository, sha, target)


def test_a_file_kept_in_git_lfs_is_refused_rather_than_sent_as_a_pointer(source, repository, target):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"
    sha = source.commit({"src/.gitattributes": "*.bin filter=lfs\n", "src/big.bin": pointer})
    with pytest.raises(UnsafeTree, match=r"“src/big\.bin” is kept in Git LFS"):
        export(repository, sha, target)


@pytest.mark.parametrize("bounds", [{"max_bytes": 10}, {"max_files": 1}])
def test_more_than_the_bound_is_refused_before_anything_is_written(source, repository, target, bounds):
    sha = source.commit({"src/a": "x" * 6, "src/b": "y" * 6})
    with pytest.raises(TooLarge, match="The source is too large: 2 files with 12 bytes"):
        export(repository, sha, target, **bounds)
    assert not target.parent.exists()


@pytest.mark.parametrize(
    "path", ["nothing", "README", "../src", "src/../src", "/src", "-x", "*", "src/manage.py"]
)
def test_what_is_no_folder_of_the_commit_is_not_found(source, repository, target, path):
    sha = source.commit(FILES)
    with pytest.raises(PathNotFound):
        export(repository, sha, target, path)


@pytest.mark.parametrize("sha", ["0" * 40, "main", "--help", ""])
def test_a_commit_that_is_not_there_is_not_found(source, repository, target, sha):
    source.commit(FILES)
    with pytest.raises(RefNotFound):
        export(repository, sha, target)


def test_a_place_that_cannot_be_written_is_an_error_in_words(source, repository, tmp_path):
    sha = source.commit(FILES)
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite) as refused:
        export(repository, sha, tmp_path / "file" / "out")
    assert refused.value.remedy


def test_an_empty_tree_gives_an_empty_folder(source, repository, target):
    sha = source.commit({})
    assert export(repository, sha, target, "") == {}
    assert target.is_dir()
