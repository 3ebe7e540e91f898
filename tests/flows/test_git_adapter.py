"""Asking the team's repository: branches, tags, commits, files; on real Git, with names meant to hurt."""

import contextlib
import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsportal.adapters.git import (
    AmbiguousRef,
    GitError,
    NotCloned,
    PathNotFound,
    RefNotFound,
    Repository,
    TooLarge,
)
from tests.support.repositories import SourceRepository, build_history

HOSTILE_NAMES = [
    "--upload-pack=touch /tmp/opsportal-was-here",
    "-f",
    "--",
    "--all",
    "--help",
    "a name with spaces",
    "größe-日本-🎉",
    "line\nbreak",
    "nul\x00byte",
    "x" * 300,
    "x" * 100_000,
    "..",
    "main..",
    "main..main",
    "@",
    "@{",
    "main@{1}",
    "@{-1}",
    "main^",
    "main~1",
    "main:README",
    ":/Change",
    "^main",
    "refs/heads/../../config",
    "refs/heads/",
    "HEAD",
    "FETCH_HEAD",
    "*",
    "ma?n",
    "m[a]in",
    "\\",
    "$(touch /tmp/opsportal-was-here)",
    "'; drop table",
    "\udcff\ud800",
    "",
    " ",
    "\t",
    "0" * 40,
    "f" * 40,
    "f" * 64,
    "fffffff",
]


@pytest.fixture
def source(tmp_path):
    return SourceRepository(tmp_path / "source.git")


@pytest.fixture
def repository(source, tmp_path):
    return Repository(tmp_path / "data" / "repository.git", source.url)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A repository with a little of everything, and our clone of it."""
    where = tmp_path_factory.mktemp("small")
    source = SourceRepository(where / "source.git")
    first = source.commit(
        {"README": "one", "src/app.py": "1", "src/run.sh": ("100755", "#!/bin/sh\n")}, "First"
    )
    second = source.commit({"README": "two", "src/app.py": "2", "src/new.py": "", "-x": "dash"}, "Second")
    side = source.commit({"README": "side"}, "Beside", branch="ab/1-headline", parents=[first])
    source.tag("v1.0.0", first)
    source.tag("staging-1", second, "Released")
    source.tag("readme", source.git("rev-parse", f"{first}:README"))
    repository = Repository(where / "repository.git", source.url)
    repository.refresh()
    repository.shas = (first, second, side)
    return repository


def test_branches_and_tags_are_listed_with_their_commits_newest_first(small):
    first, second, side = small.shas
    assert [(b.name, b.commit, b.subject, b.author) for b in small.branches()] == [
        ("ab/1-headline", side, "Beside", "Ada Author"),
        ("main", second, "Second", "Ada Author"),
    ]
    assert [(t.name, t.commit, t.annotated) for t in small.tags()] == [
        ("staging-1", second, True),
        ("v1.0.0", first, False),
    ]
    assert small.default_branch() == "main"


def test_only_an_annotated_tag_has_a_date_of_its_own(small):
    annotated, lightweight = small.tags()
    assert annotated.at == datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)
    assert lightweight.at is None
    assert lightweight.committed_at == small.commit(lightweight.commit).committed_at


@pytest.mark.parametrize(
    ("text", "kind", "name", "which"),
    [
        ("main", "branch", "main", 1),
        (" main ", "branch", "main", 1),
        ("ab/1-headline", "branch", "ab/1-headline", 2),
        ("refs/heads/main", "branch", "main", 1),
        ("v1.0.0", "tag", "v1.0.0", 0),
        ("staging-1", "tag", "staging-1", 1),
        ("refs/tags/staging-1", "tag", "staging-1", 1),
    ],
)
def test_a_name_resolves_to_its_commit_and_says_what_it_was(small, text, kind, name, which):
    found = small.resolve(text)
    assert (found.kind, found.name, found.sha) == (kind, name, small.shas[which])


@pytest.mark.parametrize("length", [7, 8, 39, 40])
def test_a_commit_resolves_by_seven_or_more_characters_in_any_case(small, length):
    sha = small.shas[0]
    found = small.resolve(sha[:length].upper())
    assert (found.kind, found.name, found.sha) == ("commit", sha, sha)


def test_fewer_than_seven_characters_name_no_commit(small):
    with pytest.raises(RefNotFound):
        small.resolve(small.shas[0][:6])


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_just_not_found(small, name):
    for ask in (small.resolve, small.commit, small.tree_id, small.tags_containing, small.tags_pointing_at):
        with pytest.raises(RefNotFound) as refused:
            ask(name)
        assert "\n" not in refused.value.problem
        assert len(refused.value.problem) < 300
    for ask in (small.is_ancestor, small.commits_between, small.count_between, small.changed_paths):
        for pair in ((name, small.shas[0]), (small.shas[0], name)):
            with pytest.raises(RefNotFound):
                ask(*pair)
    assert small.search_refs(name, 5) is not None


@pytest.mark.parametrize("path", [name for name in HOSTILE_NAMES if name.strip()])
def test_a_hostile_path_is_just_not_found(small, path):
    for ask in (small.file, small.tree_id, small.list_tree):
        with pytest.raises(PathNotFound):
            ask(small.shas[0], path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40))
def test_any_text_at_all_is_found_or_not_found(small, text):
    for ask in (small.resolve, lambda given: small.file(small.shas[0], given)):
        with contextlib.suppress(RefNotFound, AmbiguousRef, PathNotFound):
            ask(text)


def test_the_id_of_a_file_or_folder_names_no_commit(small):
    for thing in (small.tree_id(small.shas[0]), small.list_tree(small.shas[0])[0].object):
        for ask in (small.resolve, small.commit):
            with pytest.raises(RefNotFound):
                ask(thing)


def test_the_id_of_an_annotated_tag_names_its_commit(source, repository):
    sha = source.commit({"a": "1"})
    source.tag("v1.0.0", sha, "Released")
    repository.refresh()
    assert repository.resolve(source.git("rev-parse", "refs/tags/v1.0.0")).sha == sha


def test_a_branch_and_a_tag_of_one_name_are_ambiguous_until_said_which(source, repository):
    first, second = source.commit({"a": "1"}), source.commit({"a": "2"})
    source.tag("main", first)
    repository.refresh()
    with pytest.raises(AmbiguousRef, match=r"branch at .* or the tag at") as refused:
        repository.resolve("main")
    assert "refs/tags/main" in refused.value.remedy
    assert repository.resolve("refs/heads/main").sha == second
    assert repository.resolve("refs/tags/main").sha == first


def test_a_branch_named_like_a_commit_does_not_take_its_place(source, repository):
    first, second = source.commit({"a": "1"}), source.commit({"a": "2"})
    source.git("update-ref", f"refs/heads/{first}", second)
    source.git("update-ref", f"refs/heads/{first[:9]}", second)
    repository.refresh()
    assert repository.resolve(first).sha == first
    with pytest.raises(AmbiguousRef):
        repository.resolve(first[:9])


def test_a_tag_of_a_tag_names_the_commit_in_the_end(source, repository):
    sha = source.commit({"a": "1"}, "Deep")
    source.tag("inner", sha, "inner")
    source.tag("outer", source.git("rev-parse", "refs/tags/inner"), "outer")
    repository.refresh()
    assert {tag.name: (tag.commit, tag.subject) for tag in repository.tags()} == {
        "inner": (sha, "Deep"),
        "outer": (sha, "Deep"),
    }
    assert repository.resolve("outer").sha == sha


def test_what_people_write_in_commits_is_made_safe_to_show(source, repository):
    message = "\x1b[31mred\x07 \u202egnp.exe " + "long " * 200
    sha = source.commit({"a": "1"}, message)
    source.git("update-ref", "refs/heads/\u202egnp", sha)
    repository.refresh()
    commit = repository.commit(sha)
    assert commit.subject.startswith("red\ufffd \ufffdgnp.exe long")
    assert len(commit.subject) == 300
    assert "\\u202egnp" in {branch.name for branch in repository.branches()}


def test_a_commit_in_another_encoding_is_read(source, repository):
    body = b"tree %s\nauthor M\xfcller <m@example.gov> 0 +0000\ncommitter M <m@example.gov> 99999999999999 +0000\n\n\xff\xfe"
    tree = source.tree([])
    sha = source.git(
        "hash-object", "-t", "commit", "-w", "--literally", "--stdin", given=body % tree.encode()
    )
    source.git("update-ref", "refs/heads/main", sha)
    repository.refresh()
    assert repository.commit(sha).author == "M\ufffdller"
    assert repository.branches()[0].commit == sha


def test_commits_between_two_are_those_the_old_one_lacks(small):
    first, second, side = small.shas
    assert [commit.subject for commit in small.commits_between(first, second)] == ["Second"]
    assert small.commits_between(second, first) == []
    assert [commit.sha for commit in small.commits_between(None, second, limit=1)] == [second]
    assert small.commit(second).parents == (first,)
    assert small.count_between(second, side) == (1, 1)
    assert small.count_between(first, second) == (1, 0)


def test_ancestry_is_told(small):
    first, second, side = small.shas
    assert small.is_ancestor(first, second)
    assert small.is_ancestor(first, first)
    assert not small.is_ancestor(second, first)
    assert not small.is_ancestor(side, second)
    assert [tag.name for tag in small.tags_containing(first)] == ["staging-1", "v1.0.0"]
    assert [tag.name for tag in small.tags_pointing_at(first)] == ["v1.0.0"]
    assert [branch.name for branch in small.branches_containing(side)] == ["ab/1-headline"]


def test_changed_paths_say_what_happened_to_each_file(small):
    first, second, _side = small.shas
    assert {change.path: change.status for change in small.changed_paths(first, second)} == {
        "-x": "A",
        "README": "M",
        "src/app.py": "M",
        "src/new.py": "A",
        "src/run.sh": "D",
    }


def test_files_and_folders_are_read_at_a_commit(small):
    first, second, _side = small.shas
    assert small.file(first, "README") == b"one"
    assert small.file(second, "./src//app.py") == b"2"
    assert small.file(second, "-x") == b"dash"
    entries = {entry.path: (entry.mode, entry.type, entry.size) for entry in small.list_tree(first, "src")}
    assert entries == {"src/app.py": ("100644", "blob", 1), "src/run.sh": ("100755", "blob", 10)}
    assert {entry.path for entry in small.list_tree(first)} == {"README", "src"}
    assert "src/run.sh" in {entry.path for entry in small.list_tree(first, recursive=True)}
    assert small.tree_id(first, "src") != small.tree_id(second, "src")
    assert small.tree_id(first) == small.tree_id(first, ".")


@pytest.mark.parametrize(
    "path", ["src", "nothing", "README/x", "", "../README", "/README", "RE*ME", ":README"]
)
def test_what_is_no_file_is_not_found_as_one(small, path):
    with pytest.raises(PathNotFound):
        small.file(small.shas[0], path)


def test_a_file_over_the_limit_is_refused_by_size(small):
    with pytest.raises(TooLarge, match="3 bytes, at most 2"):
        small.file(small.shas[0], "README", max_bytes=2)


def test_a_symbolic_link_is_not_read_as_a_file(source, repository):
    sha = source.commit({"link": ("120000", "/etc/passwd")})
    repository.refresh()
    with pytest.raises(PathNotFound, match="symbolic link"):
        repository.file(sha, "link")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("MAIN", ["main"]),
        ("1", ["ab/1-headline", "staging-1", "v1.0.0"]),
        ("v1", ["v1.0.0"]),
        ("nothing like it", []),
        ("", ["ab/1-headline", "main", "staging-1", "v1.0.0"]),
    ],
)
def test_a_search_finds_branches_and_tags_by_any_part_of_their_name(small, query, names):
    assert [found.name for found in small.search_refs(query, 10)] == names


def test_a_search_finds_a_commit_by_its_id_and_keeps_to_its_limit(small):
    assert [found.kind for found in small.search_refs(small.shas[0][:10], 10)] == ["commit"]
    assert len(small.search_refs("", 2)) == 2


def test_before_the_first_refresh_every_question_says_so(repository):
    for ask in (repository.branches, repository.tags, repository.default_branch):
        with pytest.raises(NotCloned):
            ask()
    with pytest.raises(NotCloned):
        repository.resolve("main")


def test_an_empty_repository_is_no_error(repository):
    assert repository.refresh() is True
    assert repository.refresh() is False
    assert repository.branches() == repository.tags() == []
    with pytest.raises(RefNotFound):
        repository.default_branch()


def test_a_lost_object_is_damage_that_says_what_happens_next(source, repository, tmp_path):
    sha = source.commit({"a": "content that goes missing"})
    repository.refresh()
    subprocess.run(
        ["git", "unpack-objects", "-q"], cwd=tmp_path, check=False, stdin=subprocess.DEVNULL, timeout=10
    )
    for stored in (tmp_path / "data" / "repository.git" / "objects").rglob("*"):
        if stored.is_file() and stored.parent.name != "info":
            stored.unlink()
    with pytest.raises(GitError) as refused:
        repository.file(sha, "a")
    assert refused.value.remedy
    assert repository.refresh() is True
    assert repository.file(sha, "a") == b"content that goes missing"


@pytest.fixture(scope="session")
def real(shared_data, tmp_path_factory):
    """The real commit graph, our clone of it, and the facts in the list it was made from."""
    where = tmp_path_factory.mktemp("real")
    listing = shared_data / "getgov-history.txt"
    ids = build_history(listing, where / "source.git")
    repository = Repository(where / "repository.git", str(where / "source.git"))
    repository.refresh()
    lines = [line.split() for line in listing.read_text().splitlines()]
    tags = {words[1]: ids[words[2]] for words in lines if words[0] == "tag"}
    parents = {ids[w[1]]: tuple(ids[p] for p in w[3:]) for w in lines if w[0] == "commit"}
    return repository, tags, parents


def test_every_tag_of_the_real_history_is_listed_however_it_is_spelled(real):
    repository, tags, _parents = real
    assert {tag.name: tag.commit for tag in repository.tags()} == tags
    assert {"Staging-168", "v.1.68.0", "testing-double-tag", "v1.98.0-hotfix-logs"} <= set(tags)
    assert all(tag.at is None and not tag.annotated for tag in repository.tags())


def test_the_real_history_is_whole(real):
    repository, _tags, parents = real
    head = repository.resolve("main")
    reached, waiting = set(), [head.sha]
    while waiting:
        sha = waiting.pop()
        if sha not in reached:
            reached.add(sha)
            waiting.extend(parents[sha])
    found = repository.commits_between(None, head.sha, limit=100_000)
    assert {commit.sha: commit.parents for commit in found} == {sha: parents[sha] for sha in reached}


@pytest.mark.parametrize(
    ("old", "new"), [("staging-100", "staging-150"), ("v1.10.0", "staging-82-hotfix"), ("v0.1.0", "main")]
)
def test_ancestry_in_the_real_history_is_what_its_graph_says(real, old, new):
    repository, tags, parents = real
    old, new = repository.resolve(old).sha, repository.resolve(new).sha
    of_old, of_new = _ancestors(parents, old), _ancestors(parents, new)
    assert repository.is_ancestor(old, new) == (old in of_new)
    assert repository.count_between(old, new) == (len(of_new - of_old), len(of_old - of_new))
    between = repository.commits_between(old, new, limit=100_000)
    assert {commit.sha for commit in between} == of_new - of_old
    containing = {tag.name for tag in repository.tags_containing(old)}
    assert all((old in _ancestors(parents, tags[name])) == (name in containing) for name in list(tags)[::20])


def _ancestors(parents, sha):
    reached, waiting = set(), [sha]
    while waiting:
        each = waiting.pop()
        if each not in reached:
            reached.add(each)
            waiting.extend(parents[each])
    return reached
