"""A request without an answer that comes through very late: its twin is followed or stopped (decision 10)."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from opsportal.operations.run import Run
from opsportal.operations.steps import rollout, tasks


@dataclass
class Platform:
    """Deployments by guid with whether they were superseded, newest first; tasks by guid with whether they ended."""

    rollouts: dict[str, bool] = field(default_factory=dict)
    started: dict[str, bool] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)

    def deployment(self, guid: str) -> Any:
        return SimpleNamespace(guid=guid, superseded=self.rollouts[guid])

    def deployments(self, app: str, labels: dict[str, str]) -> list[Any]:
        return [self.deployment(guid) for guid in self.rollouts]

    def tasks(self, app: str, names: list[str]) -> list[Any]:
        return [SimpleNamespace(guid=guid, finished=ended) for guid, ended in self.started.items()]

    def cancel_task(self, guid: str) -> None:
        self.stopped.append(guid)


def run_on(platform: Platform, **memo: Any) -> tuple[Run, list[str]]:
    notes: list[str] = []
    run = SimpleNamespace(
        cf=platform, memo=memo, facts={"app": "a"}, labels={"operation": "1"}, note=notes.append
    )
    return cast(Run, run), notes


@pytest.mark.parametrize(
    ("rollouts", "followed"),
    [
        ({"ours": False}, "ours"),
        ({"twin": False, "ours": True}, "twin"),
        ({"ours": True}, "ours"),  # superseded by somebody else's
    ],
)
def test_a_rollout_that_its_own_twin_superseded_goes_on_as_the_twin(
    rollouts: dict[str, bool], followed: str
) -> None:
    run, _ = run_on(Platform(rollouts=rollouts), deployment="ours")
    assert rollout._followed(run, "ours").guid == followed
    assert run.memo["deployment"] == followed


@pytest.mark.parametrize(("ended", "stopped"), [(False, ["twin"]), (True, [])])
def test_a_task_that_was_started_twice_is_stopped_once_and_told(ended: bool, stopped: list[str]) -> None:
    platform = Platform(started={"twin": ended, "ours": False})
    run, notes = run_on(platform, task_again=True)
    tasks._mind_a_twin(run, "migrate-1", "ours")
    assert platform.stopped == stopped
    assert "started twice" in notes[0]


def test_nobody_looks_for_a_twin_where_every_request_was_answered() -> None:
    run, notes = run_on(Platform(started={"another": False}))
    tasks._mind_a_twin(run, "migrate-1", "ours")
    assert not notes
