"""An application's files on their way to the platform: what is indexed, packed, left out and refused."""

import hashlib
import os
import stat
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.kit.ignore_patterns import IgnorePatterns
from opsportal.operations.source import (
    ALWAYS_IGNORED,
    FileEntry,
    SourceError,
    index_files,
    overlay_changes,
    write_zip,
)


def lay_out(root, files):
    """Write files below ``root``: path -> content; a path that ends in a slash is an empty folder."""
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("/"):
            place.mkdir()
        else:
            place.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


@pytest.fixture
def app(tmp_path):
    root = lay_out(
        tmp_path / "app", {"manage.py": "print()", "run.sh": "#!/bin/sh", "a/b/c.txt": "", "empty/": ""}
    )
    (root / "run.sh").chmod(0o700)
    (root / "manage.py").chmod(0o666)
    (root / "link").symlink_to("a/b/c.txt")
    return root


def paths(root, ignore=None):
    return [entry.path for entry in index_files(root, ignore)]


def test_every_file_is_indexed_with_its_mode_size_and_hash(app):
    assert index_files(app) == [
        FileEntry("a/b/c.txt", "644", 0, hashlib.sha1(b"").hexdigest()),
        FileEntry("empty/", "40755", 0, ""),
        FileEntry("link", "120777", 0, hashlib.sha1(b"a/b/c.txt").hexdigest()),
        FileEntry("manage.py", "644", 7, hashlib.sha1(b"print()").hexdigest()),
        FileEntry("run.sh", "755", 9, hashlib.sha1(b"#!/bin/sh").hexdigest()),
    ]


def test_what_the_cf_command_leaves_out_is_left_out(tmp_path):
    root = lay_out(tmp_path / "app", {f"{name}/x": "" for name in ALWAYS_IGNORED if name != ".cfignore"})
    lay_out(
        root,
        {
            "deep/.git/config": "",
            "deep/manifest.yml": "",
            "deep/kept": "",
            ".cfignore": "*.log\n/node_modules/\n",
        },
    )
    lay_out(root, {"a.log": "", "deep/b.log": "", "node_modules/x/y": "", "deep/node_modules/z": ""})
    assert paths(root) == ["deep/kept", "deep/node_modules/z"]
    assert len(paths(root, [])) > 10


def test_a_folder_of_which_nothing_is_sent_is_still_there(tmp_path):
    root = lay_out(tmp_path / "app", {"logs/a.log": "", ".cfignore": "*.log\n"})
    assert paths(root) == ["logs/"]


def test_a_file_can_be_brought_back_out_of_an_ignored_folder(tmp_path):
    root = lay_out(
        tmp_path / "app", {"var/a": "", "var/deep/keep": "", ".cfignore": "var/\n!var/deep/keep\n"}
    )
    assert paths(root) == ["var/deep/keep"]


@pytest.mark.parametrize(
    ("pattern", "path", "ignored"),
    [
        ("foo", "foo", True),
        ("foo", "a/foo/b", True),
        ("foo", "foobar", False),
        ("/foo", "a/foo", False),
        ("a/foo", "b/a/foo", False),
        ("foo/", "foo", False),
        ("foo/", "foo/x", True),
        ("*.pyc", "a/b.pyc", True),
        ("*.pyc", "a/b.py", False),
        ("a/*", "a/b/c", True),
        ("a/*.txt", "a/b/c.txt", False),
        ("**/x", "a/b/x", True),
        ("a/**", "a/b/c", True),
        ("a/**", "a", False),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("?.txt", "a.txt", True),
        ("?.txt", "ab.txt", False),
        ("[ab].txt", "b.txt", True),
        ("[!ab].txt", "b.txt", False),
        ("[", "[", True),
        (r"\#x", "#x", True),
        (r"\!x", "!x", True),
        ("# note", "# note", False),
        ("", "x", False),
        ("/", "x", False),
        ("x  ", "x", True),
        ("a.b", "axb", False),
        ("(x)", "(x)", True),
    ],
)
def test_patterns_fit_as_people_know_them(pattern, path, ignored):
    assert IgnorePatterns([pattern]).ignores(path) is ignored


def test_the_last_pattern_that_fits_decides():
    assert not IgnorePatterns(["*.log", "!keep.log"]).ignores("a/keep.log")
    assert IgnorePatterns(["!keep.log", "*.log"]).ignores("a/keep.log")


@given(st.lists(st.text()), st.text())
def test_any_line_at_all_is_a_pattern_or_nothing(lines, path):
    assert IgnorePatterns(lines).ignores(path) in {True, False}


def test_the_zip_holds_what_was_asked_for_with_modes_and_links(app, tmp_path):
    entries = [entry for entry in index_files(app) if entry.path != "manage.py"]
    size = write_zip(app, entries, tmp_path / "bits.zip")
    assert size == (tmp_path / "bits.zip").stat().st_size
    with zipfile.ZipFile(tmp_path / "bits.zip") as archive:
        assert archive.testzip() is None
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
        assert archive.read("run.sh") == b"#!/bin/sh"
        assert archive.read("link") == b"a/b/c.txt"
    assert modes == {
        "a/b/c.txt": stat.S_IFREG | 0o644,
        "empty/": stat.S_IFDIR | 0o755,
        "link": stat.S_IFLNK | 0o777,
        "run.sh": stat.S_IFREG | 0o755,
    }


def test_the_same_files_make_the_same_zip_whenever_it_is_made(app, tmp_path):
    write_zip(app, index_files(app), tmp_path / "one.zip")
    for path in app.rglob("*.py"):
        os.utime(path, (1, 1))
    write_zip(app, reversed(index_files(app)), tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_nothing_at_all_is_still_a_zip(app, tmp_path):
    write_zip(app, [], tmp_path / "bits.zip")
    assert zipfile.ZipFile(tmp_path / "bits.zip").namelist() == []


@pytest.mark.parametrize("harm", [lambda path: path.write_text("else"), lambda path: path.unlink()])
def test_a_file_that_changed_since_it_was_indexed_is_not_sent(app, tmp_path, harm):
    entries = index_files(app)
    harm(app / "manage.py")
    with pytest.raises(SourceError, match=r"manage\.py") as refused:
        write_zip(app, entries, tmp_path / "bits.zip")
    assert refused.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["app"]


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x"])
def test_a_path_out_of_the_application_is_never_packed(app, tmp_path, path):
    with pytest.raises(SourceError):
        write_zip(app, [FileEntry(path, "644", 1, "")], tmp_path / "bits.zip")


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "a/../../secret"])
def test_a_link_that_leads_out_is_refused(app, target):
    (app / "bad").symlink_to(target)
    with pytest.raises(SourceError, match="“bad” is a symbolic link that leads out"):
        index_files(app)


def test_a_pipe_or_socket_is_refused(app):
    os.mkfifo(app / "pipe")
    with pytest.raises(SourceError, match="“pipe” is neither"):
        index_files(app)


def test_a_name_that_is_not_text_is_refused(app):
    (app / os.fsdecode(b"caf\xe9")).write_text("")
    with pytest.raises(SourceError, match="not text in UTF-8"):
        index_files(app)


def test_a_link_to_a_folder_is_sent_as_a_link_and_not_followed(app):
    (app / "loop").symlink_to(".")
    assert "loop" in paths(app)
    assert "loop/manage.py" not in paths(app)


def test_what_a_build_made_is_kept_apart(tmp_path):
    files = {"same": "1", "changed": "1", "mode": "1", "removed": "1", "same-size": "a"}
    before, after = lay_out(tmp_path / "before", files), lay_out(tmp_path / "after", files)
    lay_out(
        after,
        {"changed": "2", "new/deep.css": "x", "skipped.log": "", "same-size": "b", ".cfignore": "*.log"},
    )
    (after / "mode").chmod(0o755)
    (after / "link").symlink_to("same")
    (after / "removed").unlink()
    os.utime(after / "same", (1, 1))
    for root in (before, after):
        os.utime(root / "same-size", (5, 5))
    target = tmp_path / "made"
    target.mkdir()
    assert overlay_changes(before, after, target) == 5
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if not path.is_dir()) == [
        "changed",
        "link",
        "mode",
        "new/deep.css",
        "same-size",
    ]
    assert (target / "link").is_symlink()
    assert os.access(target / "mode", os.X_OK)
