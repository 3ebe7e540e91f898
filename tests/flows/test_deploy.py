"""A deploy from the click to the running commit, on real parts, in the words of product.md."""

import threading
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.support import rig_repository
from tests.support.rig import Rig
from tests.support.rig_machine import until

pytestmark = pytest.mark.database


def steps(receipt: dict[str, Any]) -> dict[str, str]:
    """The state of each step."""
    return {each["name"]: each["state"] for each in receipt["steps"]}


@pytest.fixture(scope="module")
def first(rig: Rig) -> dict[str, Any]:
    """A branch that nothing else deploys, deployed to a sandbox, with a migration."""
    return rig.deploy("one", "fresh", migrate="yes")


def test_a_branch_on_a_sandbox_really_serves_its_commit(rig: Rig, first: dict[str, Any]) -> None:
    assert (first["state"], set(steps(first).values())) == ("succeeded", {"succeeded"}), first
    commit = rig.commit("fresh")
    assert rig.get("one", "/version").json() == {"commit": commit, "branch": "fresh", "tag": ""}
    assert rig.get("one", "/").text == "Hello from the fresh branch"
    assert rig.get("one", "/public/app.css").text == rig_repository.SOURCES["src/styles.css"]
    assert first["commit"] == commit
    assert first["address"] == f"http://getgov-one.{rig.ports.apps_domain}"


def test_its_output_holds_the_build_the_staging_and_the_migration(rig: Rig, first: dict[str, Any]) -> None:
    assert "Compiling styles.css" in rig.output(first["id"], "assets")
    assert "1 static file collected" in rig.output(first["id"], "stage")
    migrated = rig.output(first["id"], "migrate").splitlines()
    for line in ("Applying things.0001_initial... OK", f"Migrated to {rig.commit('fresh')}"):
        assert migrated.count(line) == 1, migrated
    numbers = [number for number, _, _ in rig.ask("output", operation=first["id"])]
    assert numbers == list(range(1, first["output_lines"] + 1))


def test_each_thing_is_made_once_and_carries_the_operation(rig: Rig, first: dict[str, Any]) -> None:
    assert rig.made(first) == {kind: ["1"] for kind in ("packages", "builds", "deployments", "tasks")}


def test_the_same_commit_to_another_sandbox_builds_and_uploads_nothing_and_migrates_only_when_asked(
    rig: Rig, first: dict[str, Any]
) -> None:
    second = rig.deploy("two", "fresh")
    assert second["state"] == "succeeded"
    said = {each["name"]: each["detail"] for each in second["steps"]}
    assert (steps(second)["assets"], said["assets"][:6]) == ("skipped", "Reused")
    assert said["upload"].startswith("Nothing sent: the platform has all")
    assert steps(second)["migrate"] == "skipped"
    assert "tasks" not in rig.made(second)
    assert rig.get("two", "/").text == "Hello from the fresh branch"


def test_the_old_version_serves_until_the_new_one_does_and_no_request_fails(rig: Rig) -> None:
    assert rig.deploy("three", "main")["state"] == "succeeded"
    stop = threading.Event()
    answers: list[str] = []
    failures: list[str] = []
    address = f"{rig.ports.cloud_url}/"
    host = {"Host": f"getgov-three.{rig.ports.apps_domain}"}

    def hammer() -> None:
        with requests.Session() as client:
            while not stop.wait(0.02):
                try:
                    answer = client.get(address, headers=host, timeout=30)
                    (answers if answer.ok else failures).append(answer.text)
                except requests.RequestException as error:
                    failures.append(str(error))

    clients = [threading.Thread(target=hammer) for _ in range(3)]
    for each in clients:
        each.start()
    try:
        deployed = rig.deploy("three", "headline")
        until(lambda: answers[-1:] == ["Hello from the branch"], "the new version serves")
    finally:
        stop.set()
        for each in clients:
            each.join()
    assert deployed["state"] == "succeeded"
    assert failures == []
    assert answers[0] == "Hello from main"
    assert len(answers) > 20


def test_what_somebody_changes_on_the_platform_shows_as_drift(rig: Rig) -> None:
    assert rig.deploy("drift", "main")["state"] == "succeeded"
    there = rig.ask("environment", name="drift")
    assert (there["health"], there["drift"]) == ("healthy", "")
    assert {there[key] for key in ("deployed_commit", "platform_commit", "app_commit")} == {
        rig.commit("main")
    }
    app = rig.app("drift")
    assert app is not None
    rig.platform.set_environment_variables(app.guid, {"GIT_COMMIT_SHA": "f" * 40})
    rig.platform.restart_app(app.guid)
    until(lambda: rig.get("drift").text.find("f" * 40) > 0, "the application answers with what it was told")
    short = rig.commit("main")[:8]
    assert rig.ask("environment", name="drift")["drift"] == (
        f"Git and the platform agree on {short}, but the application says ffffffff."
    )


def test_environments_are_found_from_the_manifests(rig: Rig) -> None:
    sandboxes = set(rig_repository.environments(rig.marks)) - {"development", "staging", "stable"}
    assert set(rig.ask("names", kind="sandbox")) == sandboxes
    for name in ("development", "staging", "stable"):
        assert rig.ask("names", kind=name) == [name]


REAL = [("ab", "main", "ana"), ("development", "main", "opsportal"), ("staging", "staging-1", "opsportal")]


@pytest.mark.parametrize(("name", "ref", "by"), REAL)
def test_the_teams_real_manifests_apply_as_they_are(
    rig: Rig, shared_data: Path, name: str, ref: str, by: str
) -> None:
    done = rig.deploy(name, ref, by)
    assert done["state"] == "succeeded", done
    assert steps(done)["migrate"] == ("skipped" if name == "ab" else "succeeded")
    (wanted,) = yaml.safe_load((shared_data / "manifests" / f"manifest-{name}.yaml").read_text())[
        "applications"
    ]
    app = rig.app(name)
    assert app is not None
    (web,) = [each for each in rig.platform.processes(app.guid) if each.type == "web"]
    assert (web.instances, web.memory_in_mb) == (wanted["instances"], 512)
    variables = rig.platform.environment_variables(app.guid)
    assert variables.keys() == wanted["env"].keys()
    assert (variables["GIT_COMMIT_SHA"], variables["PYTHONUNBUFFERED"]) == (rig.commit(ref), "yup")
    bound = {each.service_instance_name for each in rig.platform.bindings(app.guid)}
    assert bound == {"getgov-credentials", f"getgov-{name}-database"}
    assert [route.url for route in rig.platform.routes(app.guid)] == [f"getgov-{name}.app.cloud.gov"]
    said = rig.get(name).json()
    assert (said["commit"], said["tag"] or said["branch"]) == (rig.commit(ref), ref)
    assert rig.serving()[f"getgov-{name}"] == wanted["instances"]


@pytest.mark.parametrize(
    ("environment", "ref", "by", "rule"),
    [
        ("stable", "staging-1", "ana", "permitted"),
        ("stable", "staging-1", "opsportal", "gate"),
        ("development", "main", "dana", "permitted"),
        ("development", "headline", "opsportal", "ref"),
        ("one", "no-such-branch", "ana", "exists"),
        ("one", "main", "theo", "permitted"),
        ("nowhere", "main", "ana", "environment"),
    ],
)
def test_what_may_not_be_deployed_is_refused_with_the_reason(
    rig: Rig, environment: str, ref: str, by: str, rule: str
) -> None:
    refused = rig.request(environment, ref, by)
    assert refused["state"] == "refused", refused
    reasons = dict(refused["findings"])
    assert len(reasons[rule]) > 20
