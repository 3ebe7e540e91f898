"""Keeping the clone fresh: what the remote changes arrives, and no crash, damage or crowd can spoil it."""

import base64
import functools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from opsportal.adapters.git import (
    BrokenRepository,
    GitError,
    GitTimeout,
    RemoteError,
    Repository,
    RepositoryBusy,
)
from tests.support.repositories import SourceRepository

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def source(tmp_path):
    return SourceRepository(tmp_path / "source.git")


@pytest.fixture
def clone(tmp_path):
    return tmp_path / "data" / "repository.git"


@pytest.fixture
def repository(source, clone):
    source.commit({"README": "one"})
    return Repository(clone, source.url)


def tips(repository):
    return {each.name: each.commit for each in (*repository.branches(), *repository.tags())}


def expected(source):
    lines = source.git(
        "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags"
    ).splitlines()
    return {name.split("/", 2)[2]: sha for name, sha in (line.split() for line in lines)}


def test_the_first_refresh_clones_and_the_next_finds_nothing_new(repository, source):
    assert repository.refresh() is True
    assert tips(repository) == expected(source)
    assert repository.refresh() is False


def test_every_kind_of_change_arrives(repository, source):
    first = source.git("rev-parse", "main")
    source.git("update-ref", "refs/heads/ab/feature", first)
    source.tag("staging-1", first)
    repository.refresh()
    changes = [
        lambda: source.commit({"README": "two"}),
        lambda: source.commit({"README": "rewritten"}, "Rewritten", parents=[]),
        lambda: source.tag("staging-1", source.git("rev-parse", "main")),
        lambda: source.tag("v1.0.0", first, "Released"),
        lambda: source.git("update-ref", "-d", "refs/heads/ab/feature"),
        lambda: source.git("update-ref", "-d", "refs/tags/staging-1"),
    ]
    for change in changes:
        change()
        assert repository.refresh() is True
        names = {name: sha for name, sha in expected(source).items() if name != "v1.0.0"}
        assert {name: sha for name, sha in tips(repository).items() if name != "v1.0.0"} == names
        assert repository.refresh() is False
    assert repository.resolve("v1.0.0").sha == first


def test_a_branch_can_become_a_folder_of_branches_and_back(repository, source):
    sha = source.git("rev-parse", "main")
    for names in (["x"], ["x/y", "x/z"], ["x"]):
        for old in set(expected(source)) - {"main"}:
            source.git("update-ref", "-d", f"refs/heads/{old}")
        for name in names:
            source.git("update-ref", f"refs/heads/{name}", sha)
        repository.refresh()
        assert set(tips(repository)) == {"main", *names}


def test_another_main_branch_is_noticed(repository, source):
    source.git("update-ref", "refs/heads/trunk", "refs/heads/main")
    repository.refresh()
    assert repository.default_branch() == "main"
    source.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    assert repository.refresh() is True
    assert repository.default_branch() == "trunk"


def test_a_remote_that_does_not_say_which_branch_is_its_main_one_is_fine(repository, source):
    source.git("update-ref", "--no-deref", "HEAD", source.git("rev-parse", "main"))
    assert repository.refresh() is True
    assert repository.refresh() is False


def test_only_branches_and_tags_are_taken(repository, source):
    source.git("update-ref", "refs/pull/1/head", "refs/heads/main")
    source.git("update-ref", "refs/notes/x", "refs/heads/main")
    repository.refresh()
    assert set(tips(repository)) == {"main"}
    assert repository.refresh() is False


def test_another_address_brings_another_repository(repository, source, clone, tmp_path):
    repository.refresh()
    other = SourceRepository(tmp_path / "other.git")
    sha = other.commit({"shop": "1"}, "Another team's", branch="trunk")
    other.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    moved = Repository(clone, str(other.path))
    assert moved.refresh() is True
    assert tips(moved) == {"trunk": sha}
    assert moved.default_branch() == "trunk"


def test_a_remote_that_is_gone_is_an_error_and_what_we_have_stays(repository, source):
    repository.refresh()
    before = tips(repository)
    shutil.move(source.path, source.path.with_suffix(".away"))
    with pytest.raises(RemoteError) as refused:
        repository.refresh()
    assert refused.value.transient
    assert "GIT_REPOSITORY_URL" in refused.value.remedy
    assert tips(repository) == before


@pytest.mark.parametrize(
    "harm",
    [
        lambda clone: (clone / "HEAD").unlink(),
        lambda clone: (clone / "HEAD").write_text("ref: refs/heads/\n"),
        lambda clone: shutil.rmtree(clone / "objects"),
        lambda clone: shutil.rmtree(clone / "refs"),
        lambda clone: (clone / "config").write_text("[core\n"),
        lambda clone: [pack.write_bytes(b"") or None for pack in _objects(clone)],
        lambda clone: [pack.unlink() for pack in _objects(clone)],
        lambda clone: (shutil.rmtree(clone), clone.mkdir()),
    ],
    ids=[
        "no HEAD",
        "bad HEAD",
        "no objects",
        "no refs",
        "bad config",
        "empty packs",
        "no packs",
        "empty folder",
    ],
)
def test_a_damaged_clone_is_made_anew(repository, source, clone, harm):
    repository.refresh()
    harm(clone)
    assert repository.refresh() is True
    assert tips(repository) == expected(source)
    assert repository.file(source.git("rev-parse", "main"), "README") == b"one"
    assert {path.name for path in clone.parent.iterdir()} == {"repository.git", "repository.git.lock"}


def _objects(clone):
    found = [path for path in (clone / "objects").rglob("*") if path.is_file() and "info" not in path.parts]
    for path in found:
        path.chmod(0o644)
    return found


def test_damage_that_shows_only_when_read_heals_at_the_next_refresh(repository, source, clone):
    sha = source.commit({"README": "one", "big": "x" * 5000})
    repository.refresh()
    blob = source.git("rev-parse", f"{sha}:big")
    stored = clone / "objects" / blob[:2] / blob[2:]
    stored.chmod(0o644)
    stored.write_bytes(b"")
    with pytest.raises(BrokenRepository) as refused:
        repository.file(sha, "big")
    assert refused.value.transient
    assert repository.refresh() is True
    assert repository.file(sha, "big") == b"x" * 5000


@pytest.mark.parametrize(
    "left", ["packed-refs.lock", "refs/heads/main.lock", "HEAD.lock", "config.lock", "shallow.lock"]
)
def test_locks_that_a_killed_git_left_are_no_obstacle(repository, source, clone, left):
    repository.refresh()
    (clone / left).write_text("")
    source.commit({"README": "two"})
    source.git("update-ref", "refs/heads/new", "refs/heads/main")
    assert repository.refresh() is True
    assert tips(repository) == expected(source)


def test_what_a_killed_clone_left_is_cleared_away(repository, clone):
    for name in ("repository.git.new", "repository.git.old"):
        (clone.parent / name / "objects").mkdir(parents=True)
    assert repository.refresh() is True
    assert {path.name for path in clone.parent.iterdir()} == {"repository.git", "repository.git.lock"}


@pytest.mark.parametrize(
    "make", [lambda path: path.write_text("mine"), lambda path: (path / "letters").mkdir(parents=True)]
)
def test_what_is_no_clone_is_never_replaced(repository, clone, make):
    clone.parent.mkdir()
    make(clone)
    with pytest.raises(GitError, match="is no clone"):
        repository.refresh()
    assert clone.is_file() or (clone / "letters").is_dir()


def test_a_crowd_of_refreshes_does_no_harm(repository, source, clone):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _n: Repository(clone, source.url).refresh(), range(8)))
    assert answers.count(True) == 1
    assert tips(repository) == expected(source)


def test_who_waits_too_long_for_another_refresh_is_told(repository, source, clone):
    clone.parent.mkdir()
    lock = clone.with_name("repository.git.lock")
    holder = subprocess.Popen(
        ["flock", "--no-fork", str(lock), "sh", "-c", "echo held; exec sleep 60"], stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RepositoryBusy):
            Repository(clone, source.url, timeout=0.2).refresh()
        holder.kill()


REFRESH = """
import sys
from pathlib import Path
from opsportal.adapters.git import Repository
print("begun", flush=True)
Repository(Path(sys.argv[1]), sys.argv[2]).refresh()
"""


@pytest.mark.kills
def test_killed_at_any_moment_a_refresh_leaves_a_clone_that_works(repository, source, clone):
    for number in range(60):
        source.git("update-ref", f"refs/heads/b{number}", "refs/heads/main")
    for number in range(8):
        sha = source.commit({"README": str(number), "big": os.urandom(200_000)}, branch=f"b{number}")
        child = subprocess.Popen(
            [sys.executable, "-c", REFRESH, str(clone), source.url], cwd=REPOSITORY, stdout=subprocess.PIPE
        )
        with child:
            child.stdout.readline()
            time.sleep(number * 0.012)
            child.send_signal(signal.SIGKILL)
        repository.refresh()
        assert repository.resolve(f"b{number}").sha == sha
        assert tips(repository) == expected(source)
        subprocess.run(
            ["git", "-C", clone, "fsck", "--connectivity-only"], check=True, capture_output=True, timeout=60
        )


class _Static(SimpleHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append(self.headers.get("Authorization"))
        if self.server.wanted and self.headers.get("Authorization") != self.server.wanted:
            self.send_error(401)
        elif self.server.slow:
            time.sleep(self.server.slow)
            self.close_connection = True
        else:
            super().do_GET()

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def over_http(source, monkeypatch):
    """The source repository over plain HTTP on this machine, asking for a token when told to."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Static, directory=str(source.path)))
    server.seen, server.wanted, server.slow = [], None, 0
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def address(server):
    return f"http://127.0.0.1:{server.server_port}/"


def test_the_token_opens_the_repository(source, clone, over_http):
    sha = source.commit({"README": "one"})
    source.git("update-server-info")
    over_http.wanted = "Basic " + base64.b64encode(b"x-access-token:s3cr3t").decode()
    repository = Repository(clone, address(over_http), token="s3cr3t")
    assert repository.refresh() is True
    assert repository.resolve("main").sha == sha
    kept = b"".join(path.read_bytes() for path in clone.parent.rglob("*") if path.is_file())
    assert b"s3cr3t" not in kept
    assert over_http.wanted.encode() not in kept


def test_a_wrong_token_is_refused_without_a_question_and_without_telling_it(source, clone, over_http):
    source.commit({"README": "one"})
    over_http.wanted = "Basic other"
    with pytest.raises(RemoteError) as refused:
        Repository(clone, address(over_http), token="wr0ng-s3cr3t").refresh()
    said = f"{refused.value!r} {refused.value.problem} {refused.value.remedy}"
    assert "wr0ng" not in said
    assert base64.b64encode(b"x-access-token:wr0ng-s3cr3t").decode() not in said


def test_a_host_that_does_not_answer_is_given_up(source, clone, over_http):
    source.commit({"README": "one"})
    over_http.slow = 3
    with pytest.raises(GitTimeout) as refused:
        Repository(clone, address(over_http), timeout=0.3).refresh()
    assert refused.value.transient


def test_a_redirect_never_leads_git_to_a_local_file(clone):
    with pytest.raises(GitError):
        Repository(clone, "ext::cat /etc/passwd").refresh()
