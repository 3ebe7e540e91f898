"""Asking from a shell, and a hundred asking at once: the same action, the same rules, one operation at a time."""

import json
import signal
import subprocess
from collections import Counter
from typing import Any

import pytest

from tests.support.rig import Rig

pytestmark = pytest.mark.database


def finished(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command."""
    output, errors = process.communicate(timeout=180)
    return process.returncode, output, errors


def test_a_shell_can_ask_follow_and_tell_by_the_exit_status(rig: Rig) -> None:
    usual = ("--as", "ana", "--wait")
    running = {
        "good": rig.operate(
            "deploy", "o-good", "--set", "ref=main", "--set", "migrate=yes", *usual, "--json"
        ),
        "told": rig.operate("deploy", "o-told", "--set", "ref=build-fails", *usual),
        "refused": rig.operate("deploy", "development", "--set", "ref=main", *usual, "--json"),
        "wrong words": rig.operate("deploy", "one", "--set", "ref=main", "--set", "colour=red", *usual),
    }
    ended = {name: finished(process) for name, process in running.items()}
    expected = {"good": 0, "told": 1, "wrong words": 2, "refused": 3}
    assert {name: status for name, (status, _, _) in ended.items()} == expected, ended
    assert "It has: ref" in ended["wrong words"][2]
    receipt = json.loads(ended["good"][1])
    assert (receipt["state"], receipt["commit"]) == ("succeeded", rig.commit("main"))
    assert rig.get("o-good").json()["commit"] == rig.commit("main")
    for words in (
        "3. Build the assets",
        "there is no styles/dark.css",
        "exit status 3",
        "Mend it on the branch",
    ):
        assert words in ended["told"][1]
    refused = json.loads(ended["refused"][1])
    assert refused["state"] == "refused"
    assert "permitted" in {finding["rule"] for finding in refused["findings"]}
    assert all("Traceback" not in errors for _, _, errors in ended.values())


def a_hundred_refs(rig: Rig) -> list[str]:
    """A hundred names that differ, of three commits: each commit cut at 34 lengths."""
    commits = [rig.commit(name) for name in ("main", "headline", "k-git")]
    return [commit[:length] for length in range(7, 41) for commit in commits][:100]


def answers(process: "subprocess.Popen[bytes]") -> list[dict[str, Any]]:
    """What a shell of the rig answered."""
    output, _ = process.communicate(timeout=120)
    answer = json.loads(output)
    assert "answer" in answer, answer
    return list(answer["answer"])


def test_of_a_hundred_requests_at_once_one_runs_five_wait_and_the_rest_are_refused_with_the_reason(
    rig: Rig,
) -> None:
    refs, gate = a_hundred_refs(rig), rig.marks / "storm"
    assert len(set(refs)) == 100
    shells = [rig.another_shell() for _ in range(3)]
    rig.kill("worker", signal.SIGSTOP)
    try:
        for number, shell in enumerate(shells):
            asked = {"environment": "queue", "by": "ana", "refs": refs[number::3], "gate": str(gate)}
            assert shell.stdin is not None
            shell.stdin.write(json.dumps({"do": "storm", **asked}).encode() + b"\n")
            shell.stdin.flush()
        gate.touch()
        answered = [each for shell in shells for each in answers(shell)]
        assert len(answered) == 100
        assert Counter(each["state"] for each in answered) == {"running": 1, "waiting": 5, "refused": 94}
        assert rig.ask("states", environment="queue") == {"running": 1, "waiting": 5}
        refusals = [dict(each["findings"]) for each in answered if each["state"] == "refused"]
        assert {tuple(each) for each in refusals} == {("queue",)}
        assert refusals[0]["queue"] == "5 operations wait for queue already."
        same = rig.request(
            "queue", next(each["params"]["ref"] for each in answered if each["state"] == "running")
        )
        assert "once" in dict(same["findings"])
        waiting = [each["id"] for each in answered if each["state"] == "waiting"]
        assert {rig.ask("cancel", operation=each, by="ana") for each in waiting[1:]} == {"cancelled"}
    finally:
        rig.kill("worker", signal.SIGCONT)
    (first,) = [each["id"] for each in answered if each["state"] == "running"]
    before, after = rig.ended(first), rig.ended(waiting[0])
    assert (before["state"], after["state"]) == ("succeeded", "succeeded")
    assert before["ended_at"] <= after["started_at"]
    assert rig.get("queue").json()["commit"] == after["commit"]
