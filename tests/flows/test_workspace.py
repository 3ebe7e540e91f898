"""Files between steps: they appear whole or not at all, and nothing that is in use is removed."""

import os
import time
from pathlib import Path

import pytest

from opsportal.operations.steps import workspace


def test_what_is_made_appears_whole_and_what_is_given_up_never_does(tmp_path: Path) -> None:
    with workspace.made_whole(tmp_path / "whole") as scratch:
        (scratch / "file").write_text("here")
        assert not (tmp_path / "whole").exists()
    with workspace.made_whole(tmp_path / "given-up") as scratch:
        scratch.rmdir()
    with pytest.raises(ZeroDivisionError), workspace.made_whole(tmp_path / "broken"):
        raise ZeroDivisionError
    assert [each.name for each in tmp_path.iterdir()] == ["whole"]


def test_two_that_make_the_same_keep_the_first(tmp_path: Path) -> None:
    with workspace.made_whole(tmp_path / "same") as slower:
        (slower / "file").write_text("slower")
        with workspace.made_whole(tmp_path / "same") as faster:
            (faster / "file").write_text("faster")
    assert (tmp_path / "same" / "file").read_text() == "faster"
    assert [each.name for each in tmp_path.iterdir()] == ["same"]


def test_only_what_was_used_long_ago_is_removed_however_old_its_files_are(tmp_path: Path) -> None:
    year_ago = time.time() - 365 * 24 * 60 * 60
    for number in range(5):
        with workspace.made_whole(tmp_path / f"new-{number}") as scratch:
            os.utime(scratch, (year_ago, year_ago))
        (tmp_path / f"old-{number}").mkdir()
        os.utime(tmp_path / f"old-{number}", (year_ago + number, year_ago + number))
    workspace.prune(tmp_path, keep=7)
    left = sorted(each.name for each in tmp_path.iterdir())
    assert left == [*(f"new-{number}" for number in range(5)), "old-3", "old-4"]
    workspace.prune(tmp_path, keep=2)
    assert sorted(each.name for each in tmp_path.iterdir()) == [f"new-{number}" for number in range(5)]
