"""Commands from a shell that meet no database, no worker or mistyped words say so in a line."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from opsportal.accounts.models import Person, Role
from opsportal.operations.management.commands import operate
from opsportal.operations.models import Operation, Output, State
from tests.support import estate

REPOSITORY = Path(__file__).resolve().parents[2]
NOT_OURS = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
OPERATE = ("operate", "deploy", "ab", "--set", "ref=main", "--as", "ana")


def manage(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` in a shell whose state lies in the directory."""
    own = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=REPOSITORY,
        env=own | {"OPSPORTAL_DATA_DIR": str(directory)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", [OPERATE, ("verify_audit",)], ids=lambda command: command[0])
def test_without_a_database_a_command_says_what_to_start_and_makes_none(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    done = manage(tmp_path, *command)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "bin/demo" in done.stderr
    assert not list(tmp_path.glob("*.sqlite3*"))


def test_a_database_without_tables_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "opsportal.sqlite3").touch()
    done = manage(tmp_path, "verify_audit")
    assert (done.returncode, "no tables yet" in done.stderr) == (2, True), done.stderr


def test_the_help_names_the_parameters_of_every_kind_and_a_mistyped_kind_the_kinds(tmp_path: Path) -> None:
    said = manage(tmp_path, "operate", "--help").stdout
    assert all(f"\n  {name} " in said for name in ("ref", "ref_kind", "migrate")), said
    mistyped = manage(tmp_path, "operate", "deplow", "ab")
    assert mistyped.returncode == 2
    assert "'deplow' (choose from " in mistyped.stderr


# --- with a database, in this process ---------------------------------------------------------------


@pytest.fixture
def ana(db: None) -> Person:
    return estate.person("ana", "Ana Alvarez", Role.ENGINEER)


def operate_for(*arguments: str) -> tuple[str, str]:
    """What the command printed, and its warnings."""
    out, err = StringIO(), StringIO()
    call_command("operate", *arguments, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


@pytest.mark.database
def test_an_unknown_environment_is_refused_with_those_that_exist(ana: Person) -> None:
    estate.environment("ab", owner=ana)
    with pytest.raises(CommandError, match=r"no environment “ba”\. There are: ab\.") as refused:
        operate_for("deploy", "ba", "--set", "ref=" + "a" * 40, "--as", "ana")
    assert refused.value.returncode == operate.REFUSED


@pytest.mark.database
def test_who_does_not_wait_is_warned_that_no_worker_answers(
    ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The suite's own demo may have a worker on this very broker.
    monkeypatch.setattr(operate.current_app.control, "ping", lambda **_: [])
    estate.environment("ab", owner=ana)
    said, warned = operate_for("deploy", "ab", "--set", "ref=" + "a" * 40, "--as", "ana")
    assert "operation" in said
    assert "No worker answered" in warned


@pytest.mark.database
def test_a_broker_that_is_away_is_no_worker_and_no_error(
    ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operate.current_app.conf, "broker_write_url", "redis+socket:///nowhere/redis.sock")
    assert operate._worker_answers() is False


@pytest.mark.database
def test_who_waits_is_told_when_no_worker_has_taken_it(ana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    made = estate.operation(estate.environment("ab", owner=ana), ana)
    made.steps.update(started_at=None)
    Operation.objects.filter(id=made.id).update(state=State.RUNNING)
    monkeypatch.setattr(operate, "UNTAKEN", -1.0)
    monkeypatch.setattr(
        operate.time, "sleep", lambda _: Operation.objects.filter(id=made.id).update(state=State.CANCELLED)
    )
    out, err = StringIO(), StringIO()
    operate.Command(stdout=out, stderr=err, no_color=True)._follow(made.id, quiet=False)
    assert err.getvalue().count("No worker has taken it yet.") == 1


@pytest.mark.database
def test_every_step_that_began_has_its_heading_in_order_with_or_without_output(ana: Person) -> None:
    made = estate.operation(estate.environment("ab", owner=ana), ana)
    made.steps.filter(position__lte=4).update(started_at=timezone.now())
    made.steps.filter(position__gt=4).update(started_at=None)
    Output.objects.filter(operation=made).delete()
    Output.objects.create(operation=made, step=3, number=1, at=timezone.now(), text="compiling")
    Operation.objects.filter(id=made.id).update(state=State.FAILED)
    out = StringIO()
    operate.Command(stdout=out, no_color=True)._follow(made.id, quiet=False)
    said = [line[:2] for line in out.getvalue().splitlines()]
    assert said[:5] == ["1.", "2.", "3.", "  ", "4."], out.getvalue()
