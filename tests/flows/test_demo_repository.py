"""The sample application's repository: whole, the same everywhere, and deployable at every release."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from opsportal.demo import team
from opsportal.demo.repository import make_repository
from opsportal.demo.story import branches
from opsportal.demo.story.branches import BRANCHES
from opsportal.demo.story.changes import ChangeError, Edit, New

EVERY_COMMAND = """
from django.core.management import call_command
call_command("makemigrations", check_changes=True, dry_run=True)
for command in ("migrate", "load", "load", "createcachetable", "clearsessions"):
    call_command(command)
call_command("flush", interactive=False)
call_command("load")
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "getgov.git"
    assert make_repository(path)
    return path


def git(repository: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(repository), *arguments], check=True, capture_output=True, text=True, timeout=30
    ).stdout.strip()


def checked_out(repository: Path, ref: str, target: Path) -> Path:
    target.mkdir()
    archive = subprocess.run(
        ["git", "-C", str(repository), "archive", ref], check=True, capture_output=True, timeout=30
    )
    subprocess.run(["tar", "-x", "-C", str(target)], input=archive.stdout, check=True, timeout=30)
    return target / "src"


def manage(source: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{source / 'test.sqlite3'}"}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_same_commits_come_out_every_time(repository: Path, tmp_path: Path) -> None:
    make_repository(tmp_path / "again.git")
    assert git(repository, "for-each-ref") == git(tmp_path / "again.git", "for-each-ref")


def test_what_people_pushed_stays_unless_it_is_reset(tmp_path: Path) -> None:
    path = tmp_path / "getgov.git"
    make_repository(path)
    git(path, "branch", "pushed-by-ana", "main")
    assert not make_repository(path)
    assert "pushed-by-ana" in git(path, "branch", "--list")
    assert make_repository(path, reset=True)
    assert "pushed-by-ana" not in git(path, "branch", "--list")


def test_a_repository_that_was_only_half_made_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "getgov.git.unfinished").mkdir()
    assert make_repository(tmp_path / "getgov.git")
    assert git(tmp_path / "getgov.git", "fsck") == ""


def test_the_history_is_long_and_by_many_people(repository: Path) -> None:
    assert int(git(repository, "rev-list", "--count", "main")) >= 60
    assert len(set(git(repository, "log", "--format=%an", "main").splitlines())) >= 8


def test_every_environment_has_a_manifest_of_its_own_name(repository: Path) -> None:
    for name in team.ENVIRONMENTS:
        text = git(repository, "show", f"main:ops/manifests/manifest-{name}.yaml")
        (application,) = yaml.safe_load(text)["applications"]
        assert application["name"] == f"getgov-{name}"
        assert application["services"] == ["getgov-credentials", f"getgov-{name}-database"]
        assert application["routes"] == [{"route": f"getgov-{name}.app.localhost"}]
        assert application["env"]["GIT_COMMIT_SHA"] == "((GIT_COMMIT_SHA))"


def test_manifests_have_the_very_keys_of_the_real_ones(repository: Path, shared_data: Path) -> None:
    for name in ("ab", "development", "staging", "stable", "sandbox-template"):
        real = yaml.safe_load((shared_data / "manifests" / f"manifest-{name}.yaml").read_text())
        ours = yaml.safe_load(git(repository, "show", f"main:ops/manifests/manifest-{name}.yaml"))
        assert ours["applications"][0].keys() == real["applications"][0].keys()
        assert ours["applications"][0]["env"].keys() <= real["applications"][0]["env"].keys()


def test_stable_runs_one_week_behind_staging_and_main_is_ahead_of_both(repository: Path) -> None:
    commit = {name: git(repository, "rev-parse", name) for name in ("v1.205.0", "staging-253", "staging-254")}
    assert commit["v1.205.0"] == commit["staging-253"]
    assert int(git(repository, "rev-list", "--count", "staging-253..staging-254")) > 0
    assert int(git(repository, "rev-list", "--count", "staging-254..main")) > 0
    assert int(git(repository, "rev-list", "--count", "main..staging-254")) == 0


def test_a_release_lies_between_stable_and_staging_that_brings_a_migration(repository: Path) -> None:
    changed = git(repository, "diff", "--name-only", "v1.205.0", "staging-254").splitlines()
    assert "src/registrar/migrations/0004_domain_security_contact.py" in changed


def test_some_tags_are_as_messy_as_real_ones(repository: Path) -> None:
    tags = git(repository, "tag", "--list").splitlines()
    assert {"Staging-243", "v.1.192.0", "staging-247-hotfix", "testing-double-tag", "v1.198.1"} <= set(tags)
    assert "staging-243" not in tags
    kinds = git(repository, "for-each-ref", "--format=%(objecttype)", "refs/tags").splitlines()
    assert set(kinds) == {"commit"}


def test_the_hotfix_left_the_release_and_came_back_to_main(repository: Path) -> None:
    assert git(repository, "rev-parse", "v1.198.1^") == git(repository, "rev-parse", "v1.198.0")
    git(repository, "merge-base", "--is-ancestor", "v1.198.1", "main")
    git(repository, "merge-base", "--is-ancestor", "v1.198.1", "staging-247-hotfix")


@pytest.mark.parametrize(
    "ref", ["staging-238", "v1.198.0", "v1.198.1", "staging-247-hotfix", "v1.205.0", "main"]
)
def test_every_release_builds_migrates_and_loads(repository: Path, tmp_path: Path, ref: str) -> None:
    source = checked_out(repository, ref, tmp_path / "tree")
    build = subprocess.run(
        [sys.executable, "build_assets.py"],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert build.returncode == 0, build.stdout
    done = manage(source, "shell", "--no-imports", "-c", EVERY_COMMAND)
    assert done.returncode == 0, done.stderr
    assert "domains." in done.stdout


def test_each_branch_stands_on_its_base_and_differs_from_it(repository: Path) -> None:
    for branch in BRANCHES:
        git(repository, "merge-base", "--is-ancestor", branch.base, branch.name)
        assert git(repository, "diff", "--stat", branch.base, branch.name)


def test_the_dark_theme_fails_to_build_and_says_where(repository: Path, tmp_path: Path) -> None:
    source = checked_out(repository, branches.BUILD_FAILS, tmp_path / "tree")
    build = subprocess.run(
        [sys.executable, "build_assets.py"],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert build.returncode == 1
    assert "styles/styles.css:7: there is no styles/_dark.css" in build.stdout
    assert not (source / "registrar" / "assets").exists()


def test_the_backfill_fails_to_migrate(repository: Path, tmp_path: Path) -> None:
    done = manage(checked_out(repository, branches.MIGRATION_FAILS, tmp_path / "tree"), "migrate")
    assert done.returncode != 0
    assert "registrar_contact" in done.stderr


def test_the_registry_address_is_missing_at_start(repository: Path, tmp_path: Path) -> None:
    source = checked_out(repository, branches.STAGING_FAILS, tmp_path / "tree")
    done = manage(source, "collectstatic", "--noinput")
    assert done.returncode != 0
    assert "REGISTRY_URL" in done.stderr


def test_the_bad_manifest_asks_for_a_variable_that_nobody_gives(repository: Path) -> None:
    for name in team.SANDBOXES:
        text = git(repository, "show", f"{branches.BAD_MANIFEST}:ops/manifests/manifest-{name}.yaml")
        assert "((SANDBOX_MEMORY))" in text


@pytest.mark.parametrize(
    ("change", "tree"),
    [
        (Edit("a.txt", "old", "new"), {}),
        (Edit("a.txt", "old", "new"), {"a.txt": b"other"}),
        (Edit("a.txt", "old", "new"), {"a.txt": b"old old"}),
        (New("a.txt", "text"), {"a.txt": b"there already"}),
    ],
)
def test_a_change_that_does_not_fit_its_tree_is_refused(change: Edit | New, tree: dict[str, bytes]) -> None:
    with pytest.raises(ChangeError):
        change.apply(tree)
