"""Chores that are one task: what it printed, whether it ended, and how; on a real platform."""

import time

import pytest

from opsportal.operations import actions
from tests.support import people
from tests.support.chores import World, ensure_deployed

pytestmark = pytest.mark.database


@pytest.fixture
def ab(world: World) -> World:
    """The sandbox ab runs main, and its database is migrated."""
    ensure_deployed(world, "ab")
    return world


@pytest.mark.parametrize(
    ("kind", "step", "said"),
    [
        ("migrate", "migrate", "Applying things.0001_initial... OK"),
        ("load_fixtures", "load", "Loaded 1 person"),
        ("create_cache_table", "create_cache_table", "Cache table made"),
        ("clear_sessions", "clear_sessions", "Sessions cleared"),
    ],
)
def test_a_chore_runs_its_command_and_shows_what_it_printed(
    ab: World, kind: str, step: str, said: str
) -> None:
    done = ab.do(kind, "ab", "ana")
    assert done.state == "succeeded", done.problem
    assert said in ab.output(done, step)
    assert ab.steps(done)[step] == "succeeded"
    assert done.steps.get(name=step).detail == "Exit status 0"


ENDINGS = [
    ("exit 7", "platform:task-failed", "Exited with status 7"),
    ("kill 15", "platform:task-signal", "SIGTERM"),
    ("kill 9", "platform:task-signal", "SIGKILL"),
]


@pytest.mark.parametrize(("words", "error_id", "said"), ENDINGS)
def test_a_command_that_ends_badly_says_how(ab: World, words: str, error_id: str, said: str) -> None:
    done = ab.do("run_task", "ab", "ana", command=f"python -S manage.py {words}")
    assert (done.state, done.error_id) == ("failed", error_id)
    assert said in done.problem
    assert done.remedy


def test_a_command_that_takes_too_long_is_stopped_and_says_so(ab: World, settings: object) -> None:
    settings.TASK_SECONDS = 2  # type: ignore[attr-defined]
    done = ab.do("run_task", "ab", "ana", command="python -S manage.py sleep 120")
    assert (done.state, done.error_id) == ("failed", "platform:task-timeout")
    assert "waiting" in ab.output(done, "task")
    assert [task.state for task in ab.tasks("ab")][-1] == "FAILED"


def test_cancelling_stops_the_task_on_the_platform_and_says_so(ab: World) -> None:
    asked = ab.ask("run_task", "ab", "ana", command="python -S manage.py stubborn 120")
    ab.carry_out(asked, until=lambda operation: "waiting" in ab.output(operation))
    actions.cancel(operation=asked.id, by=people.person("ana"))
    done = ab.carry_out(asked)
    assert done.state == "cancelled"
    assert [task.state for task in ab.tasks("ab")][-1] == "FAILED"
    said = ab.output(done)
    assert said.count("waiting") == 1
    assert "TERM seen" in said
    assert any("told to stop" in line for line in said)
    assert ab.steps(done)["stop_task"] == "succeeded"


def test_a_migration_is_awaited_by_a_cancel_and_says_why(ab: World, settings: object) -> None:
    settings.MIGRATE_COMMAND = "python -S manage.py sleep 2"  # type: ignore[attr-defined]
    asked = ab.ask("migrate", "ab", "ana")
    ab.carry_out(asked, until=lambda operation: "waiting" in ab.output(operation))
    actions.cancel(operation=asked.id, by=people.person("ana"))
    done = ab.carry_out(asked)
    assert done.state == "cancelled"
    assert ab.steps(done)["migrate"] == "succeeded"
    assert any("half changed" in line for line in ab.output(done, "migrate"))
    assert [task.state for task in ab.tasks("ab")][-1] == "SUCCEEDED"


def test_a_hundred_thousand_lines_are_kept_whole_and_in_order(ab: World) -> None:
    done = ab.do("run_task", "ab", "ana", command="python -S manage.py lines 100000")
    assert done.state == "succeeded", done.problem
    printed = [line for line in ab.output(done, "task") if line.startswith("line ")]
    assert printed == [f"line {number}" for number in range(1, 100_001)]
    assert not [line for line in ab.output(done) if "missing" in line]


def test_where_the_platforms_log_has_forgotten_lines_a_notice_stands_in_their_place(ab: World) -> None:
    ab.knobs(max_log_lines=3000)
    earlier = len(ab.tasks("ab"))
    asked = ab.ask("run_task", "ab", "ana", command="python -S manage.py lines 50000")
    ab.carry_out(asked, until=lambda operation: len(ab.tasks("ab")) > earlier)
    end = time.monotonic() + 120
    while ab.tasks("ab")[-1].state != "SUCCEEDED":
        assert time.monotonic() < end
        time.sleep(0.1)
    done = ab.carry_out(asked)
    assert done.state == "succeeded"
    said = ab.output(done, "task")
    notices = [index for index, line in enumerate(said) if line.startswith("Lines are missing here")]
    assert notices
    numbers = [int(line.split()[1]) for line in said if line.startswith("line ")]
    assert numbers == sorted(numbers)
    assert len(numbers) < 50_000
    assert all(said[each + 1].startswith("line ") for each in notices)
    assert numbers[-1] == 50_000


REFUSED = [
    ({"command": "  "}, "command"),
    ({"command": "one\ntwo"}, "command"),
    ({"command": "x" * 4097}, "command"),
    ({"command": "ls", "memory": "much"}, "memory"),
    ({"command": "ls", "memory": "1"}, "memory"),
    ({"command": "ls", "disk": "-5"}, "disk"),
]


@pytest.mark.parametrize(("given", "field"), REFUSED)
def test_what_no_command_can_be_is_refused_before_it_is_asked(
    world: World, given: dict[str, str], field: str
) -> None:
    with pytest.raises(actions.BadParameter) as refused:
        world.ask("run_task", "ab", "ana", **given)
    assert refused.value.field == field


def test_a_command_runs_with_the_memory_that_was_asked_for(ab: World) -> None:
    done = ab.do("run_task", "ab", "ana", command="true", memory="256", disk="512")
    assert done.state == "succeeded"
    task = ab.tasks("ab")[-1]
    assert (task.memory_in_mb, task.disk_in_mb) == (256, 512)


@pytest.mark.parametrize(
    ("by", "reason", "rule"),
    [("ana", "because", "permitted"), ("lee", "", "reason"), ("dee", "because", "permitted")],
)
def test_on_stable_a_command_needs_a_lead_or_admin_and_a_reason(
    world: World, by: str, reason: str, rule: str
) -> None:
    with pytest.raises(actions.Refused) as refused:
        world.ask("run_task", "stable", by, command="true", reason=reason)
    assert rule in {finding.rule for finding in refused.value.findings}
    assert world.ask("run_task", "stable", "lee", command="true", reason="look at it").reason == "look at it"


def test_where_nothing_was_ever_deployed_a_chore_says_what_to_do_first(world: World) -> None:
    done = world.do("migrate", "development", "ana")
    assert (done.state, done.error_id) == ("failed", "platform:app-gone")
    assert "Deploy" in done.remedy
