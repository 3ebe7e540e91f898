"""Whatever is killed, and wherever a deploy stands: it ends truthfully, nothing is done twice, nothing stays running.

Nine deploys are brought to nine different points, held there by what a real platform, build or application may do
(not answer, not end), and then one part of the portal is killed under all of them at once.
"""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.rig import Rig
from tests.support.rig_machine import until

pytestmark = pytest.mark.kills

STEPS = {
    "k-git": "source",
    "k-build": "assets",
    "k-package": "upload",
    "k-bits": "upload",
    "k-manifest": "manifest",
    "k-stage": "stage",
    "k-rollout": "rollout",
    "k-task": "migrate",
    "k-verify": "verify",
}
EACH = ("packages", "builds", "deployments")


@pytest.fixture(autouse=True)
def _let_go(rig: Rig) -> Iterator[None]:
    """A test that fails half way leaves nothing held, and every part running, for the next one."""
    let_go(rig)
    (rig.marks / "go-on").unlink(missing_ok=True)
    yield
    let_go(rig)
    for name in ("cloud", "web", "worker", "scheduler"):
        if not rig.is_running(name):
            rig.start(name)
    rig.wait_for_cloud()
    rig.knobs(faults=[])


def let_go(rig: Rig) -> None:
    """Nothing is held any longer."""
    (rig.marks / "go-on").touch()
    (rig.marks / "hold-git").unlink(missing_ok=True)
    (rig.marks / "building").unlink(missing_ok=True)


def never_answered(*matches: str) -> list[dict[str, Any]]:
    """Requests that the platform takes and neither does nor answers."""
    return [{"match": match, "times": None, "hang": 600} for match in matches]


def hold_everywhere(rig: Rig, build: str) -> dict[str, str]:
    """One deploy at each point; those that are further along first. Environment → operation."""
    cf = rig.platform
    organization = cf.organization("getgov")
    assert organization is not None
    spaces = {name: cf.space(name, organization.guid) for name in ("k-manifest", "k-verify")}
    app = rig.app("k-verify") or cf.create_app("getgov-k-verify", spaces["k-verify"].guid)  # type: ignore[union-attr]
    manifest = f"POST ^/v3/spaces/{spaces['k-manifest'].guid}/actions"  # type: ignore[union-attr]
    held = never_answered(f"GET ^/v3/apps/{app.guid}/routes", manifest)
    rig.knobs(faults=held)
    asked = {
        name: rig.begin_deploy(name, "headline", migrate="yes" if name == "k-task" else "no")
        for name in ("k-verify", "k-task", "k-rollout", "k-stage", "k-manifest")
    }
    for name, operation in asked.items():
        until(lambda o=operation, n=name: at(rig, o, STEPS[n]), f"{name} stands at {STEPS[name]}")  # type: ignore[misc]
    rig.knobs(faults=held + never_answered("POST ^/v3/packages/.*/upload"))
    asked["k-bits"] = rig.begin_deploy("k-bits", "headline")
    until(lambda: "package" in rig.look(asked["k-bits"])["memos"]["upload"], "k-bits has a package")
    rig.knobs(faults=held + never_answered("POST ^/v3/packages"))
    asked["k-package"] = rig.begin_deploy("k-package", "headline")
    until(lambda: rig.look(asked["k-package"])["memos"]["upload"], "k-package asks for a package")
    asked["k-build"] = rig.begin_deploy("k-build", build)
    until((rig.marks / "building").exists, "the build runs")
    (rig.marks / "hold-git").write_text(rig.commit("k-git"))
    asked["k-git"] = rig.begin_deploy("k-git", "k-git")
    until(lambda: at(rig, asked["k-git"], "source"), "k-git takes the source")
    assert [name for name in STEPS if not at(rig, asked[name], STEPS[name])] == []
    return asked


def at(rig: Rig, operation: str, step: str) -> bool:
    """Whether the operation is in the middle of a step."""
    memo = rig.look(operation)["memos"][step]
    waits = step not in {"stage", "rollout", "migrate"} or {"build", "deployment", "task"} & memo.keys()
    return bool(waits) and rig.step_is(operation, step, "running", "waiting", "unknown")


def attempts(receipt: dict[str, Any], step: str) -> str:
    """The number of the attempt of a step."""
    return str(next(each["attempt"] for each in receipt["steps"] if each["name"] == step))


def check_the_end(rig: Rig, receipts: dict[str, dict[str, Any]]) -> None:
    """Each thing was made once per attempt, one process serves, and the environments are free."""
    for name, receipt in receipts.items():
        made = rig.made(receipt)
        for kind, step in zip(EACH, ("upload", "stage", "rollout"), strict=True):
            numbers = made.get(kind, [])
            assert len(numbers) == len(set(numbers)), (name, made)
            if receipt["state"] == "succeeded":
                assert numbers[-1:] == [attempts(receipt, step)], (name, made)
        numbers = made.get("tasks", [])
        assert len(numbers) == len(set(numbers)), (name, made)
        assert rig.ask("under_way", environment=name) == []
        if receipt["state"] == "succeeded":
            assert rig.get(name).json()["commit"] == receipt["commit"]
    serving = {f"getgov-{name}": 1 for name, each in receipts.items() if each["state"] == "succeeded"}
    until(lambda: serving.items() <= rig.serving().items(), "one process of each application serves", 30)
    assert rig.building() == []


@pytest.mark.database
def test_a_worker_killed_at_every_step_is_succeeded_by_another_and_nothing_is_done_twice(rig: Rig) -> None:
    asked = hold_everywhere(rig, "k-build")
    rig.kill("worker")
    until(lambda: not rig.building(), "the build has ended with its worker")
    let_go(rig)
    rig.knobs(faults=[])
    rig.start("worker")
    receipts = {name: rig.ended(operation) for name, operation in asked.items()}
    assert {name: each["state"] for name, each in receipts.items()} == dict.fromkeys(STEPS, "succeeded")
    assert {kind: set(numbers) for kind, numbers in rig.made(receipts["k-task"]).items()} == {
        kind: {"1"} for kind in (*EACH, "tasks")
    }
    assert rig.output(asked["k-task"], "migrate").count("Migrated to") == 1
    check_the_end(rig, receipts)


def test_a_platform_killed_at_every_step_comes_back_and_each_deploy_ends_truthfully(rig: Rig) -> None:
    asked = hold_everywhere(rig, "k-build-again")
    rig.kill("cloud")
    until(lambda: not rig.serving(), "the applications have ended with their platform")
    let_go(rig)
    rig.start("cloud")
    rig.wait_for_cloud()
    rig.knobs(faults=[])
    receipts = {name: rig.ended(operation, 300) for name, operation in asked.items()}
    errors = {name: each["error_id"] for name, each in receipts.items() if each["state"] != "succeeded"}
    # What the platform itself was doing for us it did not finish, and says so; all else goes on.
    assert errors == {"k-stage": "platform:staging-interrupted", "k-task": "platform:task-failed"}
    check_the_end(rig, receipts)
    for name in errors:
        assert "restart of the platform" in receipts[name]["problem"], receipts[name]["problem"]
        rig.ask("retry", operation=asked[name], by="ana")
    receipts = {name: rig.ended(operation) for name, operation in asked.items()}
    assert {each["state"] for each in receipts.values()} == {"succeeded"}
    assert rig.made(receipts["k-stage"])["builds"] == ["1", "2"]
    assert rig.made(receipts["k-task"])["tasks"] == ["1", "2"]
    check_the_end(rig, receipts)


@pytest.mark.parametrize("step", ["upload", "migrate"])
def test_a_worker_killed_between_the_request_and_its_answer_does_not_ask_twice(rig: Rig, step: str) -> None:
    """The platform does what was asked, the answer never arrives, and the worker dies: the next one finds it."""
    match = {"upload": "POST ^/v3/packages$", "migrate": "POST ^/v3/apps/.*/tasks$"}[step]
    let_go(rig)
    rig.knobs(faults=[{"match": match, "times": 1, "drop_after": True}])
    operation = rig.begin_deploy(f"u-{step}", migrate="yes")
    until(lambda: rig.faults_left() == 0, "the request was done and not answered")
    rig.kill("worker")
    rig.start("worker")
    receipt = rig.ended(operation)
    assert receipt["state"] == "succeeded", receipt
    assert rig.made(receipt) == {kind: ["1"] for kind in (*EACH, "tasks")}
    check_the_end(rig, {f"u-{step}": receipt})


def test_a_worker_killed_while_it_puts_a_cancelled_deploy_back_leaves_that_to_the_next(rig: Rig) -> None:
    assert rig.deploy("cancelled")["state"] == "succeeded"
    operation = rig.begin_deploy("cancelled", "cancelled")
    until(lambda: at(rig, operation, "rollout"), "the new version starts")
    assert rig.variables("cancelled")["WORDS"] == "changed"
    rig.knobs(faults=never_answered("PATCH ^/v3/apps/.*/environment_variables"))
    assert rig.ask("cancel", operation=operation, by="ana") == "running"
    until(lambda: rig.step_is(operation, "put_back", "running"), "it puts the variables back")
    rig.kill("worker")
    rig.knobs(faults=[])
    rig.start("worker")
    receipt = rig.ended(operation)
    assert (receipt["state"], receipt["error_id"]) == ("cancelled", "operation:cancelled")
    assert "Cancelled by Ana" in receipt["problem"]
    main = rig.commit("main")
    variables = rig.variables("cancelled")
    assert (variables["WORDS"], variables["GIT_COMMIT_SHA"]) == ("as they were", main)
    assert rig.get("cancelled").json()["commit"] == main
    check_the_end(rig, {"cancelled": receipt})
    until(lambda: rig.serving()["getgov-cancelled"] == 1, "only the version before runs")


def test_web_and_scheduler_killed_during_a_deploy_are_not_missed_by_it(rig: Rig) -> None:
    operation = rig.begin_deploy("k-task", "main", migrate="yes")
    until(lambda: at(rig, operation, "migrate"), "the migration runs")
    rig.kill("web")
    rig.kill("scheduler")
    let_go(rig)
    assert rig.ended(operation)["state"] == "succeeded"
    rig.start("web")
    rig.start("scheduler")
    until(rig.is_answering, "the portal answers again")
    check_the_end(rig, {"k-task": rig.look(operation)})


def test_a_click_while_nothing_but_web_runs_is_carried_out_later(rig: Rig) -> None:
    let_go(rig)
    rig.kill("worker")
    rig.kill("scheduler")
    operation = rig.begin_deploy("one")
    rig.kill("broker")
    rig.start("broker")
    rig.start("scheduler")
    rig.start("worker")
    assert rig.ended(operation)["state"] == "succeeded"


def test_a_worker_told_to_stop_while_it_builds_hands_over_at_once(rig: Rig) -> None:
    operation = rig.begin_deploy("build-waits", "build-waits")
    until((rig.marks / "building").exists, "the build runs")
    fence = rig.look(operation)["fence"]
    rig.kill("worker", signal.SIGTERM)
    assert rig.building() == []
    handed_over = rig.look(operation)
    assert (handed_over["state"], handed_over["lease_owner"]) == ("running", "")
    assert handed_over["fence"] == fence
    let_go(rig)
    rig.start("worker")
    receipt = rig.ended(operation)
    assert receipt["state"] == "succeeded"
    assert rig.made(receipt) == {kind: ["1"] for kind in EACH}
