"""A git that a worker waits for ends with the worker, whatever ended that."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from opsportal.adapters.git import command

ASKS = """
import pathlib, sys
from opsportal.adapters.git.command import Git
place = sys.argv[1]
Git(pathlib.Path(place), {"PATH": f"{place}:/usr/bin:/bin", "MARK": f"{place}/pid"}, 60).read("rev-parse", "main")
"""
HANGS = '#!/bin/sh\necho $$ > "$MARK"\nexec sleep 60\n'


def lives(pid: int) -> bool:
    """A zombie nobody has collected yet does not live."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.kills
@pytest.mark.skipif(not command._ENDS_WITH_US, reason="this machine has no setpriv")
def test_a_git_that_hangs_ends_with_its_killed_worker(tmp_path: Path) -> None:
    program, mark = tmp_path / "git", tmp_path / "pid"
    program.write_text(HANGS)
    program.chmod(0o755)
    worker = subprocess.Popen([sys.executable, "-c", ASKS, str(tmp_path)], cwd=Path(__file__).parents[2])
    try:
        for _ in range(300):
            if mark.exists() and mark.read_text().strip():
                break
            time.sleep(0.1)
        git = int(mark.read_text())
        assert lives(git)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(30)
        for _ in range(100):
            if not lives(git):
                break
            time.sleep(0.1)
        assert not lives(git)
    finally:
        worker.kill()
        worker.wait(30)
