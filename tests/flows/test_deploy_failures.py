"""Deploys that fail, and a platform in trouble: each ends in words that say what to do, and nothing is lost."""

from typing import Any, NamedTuple

import pytest

from tests.support.rig import Rig
from tests.support.rig_machine import until

GOOD_BEFORE = ("never-healthy", "crashes", "staging-fails", "no-service", "migration", "too-big", "away")
"""Where a good version runs already when the bad one comes."""


class Case(NamedTuple):
    """How the deploy of a bad branch must end: the error, whose move it is, what it says and what helps."""

    error: str
    says: str
    helps: str
    whose: str = "yours"


CASES = {
    "no-app": Case("manifest:bad", "no application is described", "Describe the environment's application"),
    "wrong-name": Case("manifest:bad", "getgov-other", "getgov-wrong-name"),
    "bomb": Case("manifest:bad", "manifest-bomb.yaml", ""),
    "no-value": Case("manifest:bad", "SANDBOX_MEMORY", ""),
    "no-folder": Case("manifest:bad", "nowhere", "Correct the manifest's path"),
    "no-manifest": Case("manifest:bad", "there is no such file", "Add the manifest on this branch"),
    "no-service": Case("manifest:refused", "getgov-nothing", "Correct the manifest"),
    "build-fails": Case("build:failed", "exit status 3", "Its output below says why"),
    "build-hangs": Case("build:too-long", "stopped after 12 s", "ASSET_BUILD_SECONDS"),
    "build-loud": Case("build:too-loud", "more than 1 MB", "ASSET_BUILD_OUTPUT_MB"),
    "build-binary": Case("build:failed", "exit status 4", "Its output below says why"),
    "build-hungry": Case("build:memory", "its 300 MB of memory", "ASSET_BUILD_MEMORY_MB"),
    "too-big": Case("platform:bits", "", "too large"),
    "staging-fails": Case(
        "platform:staging", "BuildpackCompileFailed", "The version that ran before still serves"
    ),
    "never-healthy": Case("platform:not-healthy", "crashed", "The version that ran before still serves"),
    "crashes": Case("platform:not-healthy", "crashed", "The version that ran before still serves"),
    "migration": Case("platform:task-failed", "Exited with status 7", "Retry from this step"),
    "away": Case("platform:unavailable", "503", "Nothing was lost", whose="platform"),
}
OUTPUT = {
    "build-fails": "there is no styles/dark.css",
    "build-hangs": "waiting for ever",
    "build-loud": "the same words again and again",
    "staging-fails": "no-such-distribution==9",
    "crashes": "Exit status 3",
}


@pytest.fixture(scope="module")
def ended(rig: Rig) -> dict[str, dict[str, Any]]:
    """Every bad branch deployed to its own environment, all at once: the receipts."""
    before = [rig.begin_deploy(name) for name in GOOD_BEFORE]
    for each in before:
        assert rig.ended(each)["state"] == "succeeded"
    app = rig.app("away")
    assert app is not None
    space = rig.platform.space("away", rig.platform.organization("getgov").guid)  # type: ignore[union-attr]
    assert space is not None
    rig.knobs(faults=[_fault(f"POST ^/v3/spaces/{space.guid}/actions", status=503, times=None)])
    branches = {name: "headline" if name == "away" else name for name in CASES}
    asked = {name: rig.begin_deploy(name, ref, migrate="yes") for name, ref in branches.items()}
    receipts = {name: rig.ended(operation, limit=240) for name, operation in asked.items()}
    rig.knobs(faults=[])
    for name in GOOD_BEFORE:
        receipts[name] |= {"served": rig.get(name, "/").text, "variables": rig.variables(name)}
        receipts[name] |= {
            "version": rig.get(name).json(),
            "drift": rig.ask("environment", name=name)["drift"],
        }
    return receipts


@pytest.mark.parametrize("name", CASES)
def test_it_fails_with_words_that_say_what_happened_and_what_to_do(
    rig: Rig, ended: dict[str, dict[str, Any]], name: str
) -> None:
    receipt, wanted = ended[name], CASES[name]
    assert (receipt["state"], receipt["error_id"]) == ("failed", wanted.error), receipt["problem"]
    assert receipt["whose_move"] == wanted.whose
    assert wanted.says in receipt["problem"]
    assert wanted.helps in receipt["problem"] + receipt["remedy"]
    assert receipt["remedy"]
    assert OUTPUT.get(name, "") in rig.output(receipt["id"])


@pytest.mark.parametrize("name", CASES)
def test_it_leaves_the_environment_free_and_nothing_running(
    rig: Rig, ended: dict[str, dict[str, Any]], name: str
) -> None:
    assert rig.ask("under_way", environment=name) == []
    assert ended[name]["lease_owner"] == ""
    assert not [each for each in ended[name]["steps"] if each["state"] in {"running", "waiting", "unknown"}]
    assert rig.building() == []


@pytest.mark.parametrize("name", [name for name in GOOD_BEFORE if name != "migration"])
def test_the_old_version_serves_with_the_variables_it_had(
    rig: Rig, ended: dict[str, dict[str, Any]], name: str
) -> None:
    main, there = rig.commit("main"), ended[name]
    assert (there["served"], there["version"]["commit"]) == ("Hello from main", main)
    assert (there["variables"]["WORDS"], there["variables"]["GIT_COMMIT_SHA"]) == ("as they were", main)
    assert there["drift"] == ""
    until(lambda: rig.serving()[f"getgov-{name}"] == 1, "one instance serves, and only one process")


@pytest.mark.parametrize("name", [name for name in CASES if name not in GOOD_BEFORE])
def test_what_failed_before_the_upload_reached_no_platform(
    rig: Rig, ended: dict[str, dict[str, Any]], name: str
) -> None:
    if name == "no-value":
        assert "deployments" not in rig.made(ended[name])
    else:
        assert rig.app(name) is None


def test_a_failed_migration_leaves_the_new_code_running_and_says_so(
    rig: Rig, ended: dict[str, dict[str, Any]]
) -> None:
    assert "The new code runs already" in ended["migration"]["remedy"]
    assert ended["migration"]["version"]["commit"] == rig.commit("migration")


def test_binary_output_is_kept_as_text_that_is_safe_to_show(
    rig: Rig, ended: dict[str, dict[str, Any]]
) -> None:
    kept = rig.output(ended["build-binary"]["id"], "assets")
    assert kept
    assert "\x1b" not in kept
    assert "\x00" not in kept


def test_a_build_that_prints_without_end_keeps_what_the_limit_allows(
    rig: Rig, ended: dict[str, dict[str, Any]]
) -> None:
    kept = rig.output(ended["build-loud"]["id"], "assets")
    assert 500_000 < len(kept) < 1_100_000


def test_a_commit_that_vanished_is_named(rig: Rig) -> None:
    receipt = rig.deploy("four", "deadbeef" * 5)
    assert (receipt["state"], receipt["error_id"], receipt["whose_move"]) == (
        "failed",
        "source:ref-gone",
        "yours",
    )
    assert "deadbeef" in receipt["problem"]
    assert rig.app("four") is None


def test_after_a_failure_the_next_deploy_goes_through(rig: Rig, ended: dict[str, dict[str, Any]]) -> None:
    assert ended["crashes"]["state"] == "failed"
    assert rig.deploy("crashes", "main")["state"] == "succeeded"


def test_a_deploy_that_failed_for_the_platform_goes_on_when_it_is_retried(
    rig: Rig, ended: dict[str, dict[str, Any]]
) -> None:
    operation = ended["away"]["id"]
    rig.ask("retry", operation=operation, by="ana")
    again = rig.ended(operation)
    assert again["state"] == "succeeded", again
    # What had not been tried before is tried for the first time.
    assert rig.made(again) == {"packages": ["1"], "builds": ["1"], "deployments": ["1"], "tasks": ["1"]}


# --- a platform in trouble that recovers ------------------------------------------------------------------


def _fault(match: str, **does: Any) -> dict[str, Any]:
    return {"match": match, "times": 1, **does}


API = "* ^/v3/(apps|builds|deployments|jobs|packages|spaces|tasks)"
TROUBLE: dict[str, dict[str, Any]] = {
    "html": {"status": 200, "body": "<html>Sorry</html>", "content_type": "text/html"},
    "drops": {"drop": True},
    "limited": {
        "status": 429,
        "body": "too many",
        "content_type": "text/plain",
        "headers": {"Retry-After": "1"},
    },
    "broken": {"status": 500, "body": '{"errors": []}'},
}


@pytest.mark.parametrize("name", TROUBLE)
def test_a_platform_that_stumbles_for_a_while_only_delays_the_deploy(rig: Rig, name: str) -> None:
    rig.knobs(faults=[_fault(API, **TROUBLE[name]) | {"times": 3 if name == "html" else 6}])
    receipt = rig.deploy(name, migrate="yes")
    assert receipt["state"] == "succeeded", (receipt, rig.output(receipt["id"]))
    assert rig.faults_left() == 0
    assert rig.made(receipt) == {kind: ["1"] for kind in ("packages", "builds", "deployments", "tasks")}


LOST = (
    *(
        "POST ^/v3/apps$",
        "POST ^/v3/packages$",
        "POST ^/v3/packages/.*/upload",
        "POST ^/v3/spaces/.*/apply_manifest",
    ),
    *("POST ^/v3/builds$", "POST ^/v3/deployments$", "POST ^/v3/apps/.*/tasks$"),
)


def test_whatever_answer_gets_lost_each_thing_is_made_exactly_once(rig: Rig) -> None:
    rig.knobs(faults=[_fault(match, drop_after=True) for match in LOST])
    receipt = rig.deploy("lost", migrate="yes")
    assert receipt["state"] == "succeeded", (receipt, rig.output(receipt["id"]))
    assert rig.faults_left() == 0
    assert rig.made(receipt) == {kind: ["1"] for kind in ("packages", "builds", "deployments", "tasks")}
    assert rig.output(receipt["id"]).count(f"Migrated to {rig.commit('main')}") == 1
