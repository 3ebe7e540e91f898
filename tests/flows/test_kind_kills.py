"""Recreate database with its worker killed at every step: the end is one database, bound and migrated.

The platform takes each of its requests and the worker dies before it hears of it; once the request was carried out, once
it was not. Real processes, real HTTP, one operation.
"""

from typing import Any

import pytest

from tests.support.rig import Rig
from tests.support.rig_machine import until

pytestmark = pytest.mark.kills

REQUESTS = {
    "unbind": "DELETE ^/v3/service_credential_bindings/",
    "delete": "DELETE ^/v3/service_instances/",
    "create": "POST ^/v3/service_instances$",
    "bind": "POST ^/v3/service_credential_bindings$",
    "stage": "POST ^/v3/builds$",
    "rollout": "POST ^/v3/deployments$",
    "create_cache_table": "POST ^/v3/apps/.*/tasks$",
    "migrate": "POST ^/v3/apps/.*/tasks$",
    "load": "POST ^/v3/apps/.*/tasks$",
}
LOSES = {
    "the answer": ({"drop_after": True}, list(REQUESTS)),
    "the request": ({"hang": 600}, ["unbind", "delete", "create", "bind"]),
}


def databases(rig: Rig) -> list[Any]:
    """The managed service instances in the sandbox's space."""
    app = rig.app("ab")
    assert app is not None
    return [each for each in rig.platform.service_instances(str(app.space_guid)) if each.type == "managed"]


@pytest.mark.parametrize("lost", LOSES)
def test_a_worker_killed_at_each_step_of_recreate_database_ends_with_exactly_one(rig: Rig, lost: str) -> None:
    fault, steps = LOSES[lost]
    deployed = rig.deploy("ab", "main", migrate="yes")
    assert deployed["state"] == "succeeded", (
        deployed["problem"],
        rig.output(deployed["id"]),
        rig.log()[-2000:],
    )
    (before,) = databases(rig)
    rig.knobs(service_seconds=0.5, faults=[{"match": REQUESTS[each], **fault} for each in steps])
    asked = rig.ask("request", environment="ab", by="ana", given={}, kind="recreate_database", confirmed="ab")
    operation = asked["id"]
    for left, step in zip(range(len(steps) - 1, -1, -1), steps, strict=True):
        until(lambda n=left: rig.faults_left() <= n, f"the platform was asked for what “{step}” does", 90)  # type: ignore[misc]
        assert len(databases(rig)) <= 1
        rig.kill("worker")
        rig.start("worker")
    receipt = rig.ended(operation, 240)
    rig.knobs(service_seconds=0, faults=[])
    assert receipt["state"] == "succeeded", receipt
    (after,) = databases(rig)
    assert after.guid != before.guid
    assert after.labels["opsportal-operation"] == operation
    app = rig.app("ab")
    assert app is not None
    bound = [each.service_instance_guid for each in rig.platform.bindings(app.guid)]
    assert bound.count(after.guid) == 1
    made = rig.made(receipt)
    assert (made["builds"], made["deployments"], made["tasks"]) == (["1"], ["1"], ["1", "1", "1"])
    assert rig.output(operation, "migrate").count("Migrated to") == 1
    assert rig.get("ab").json()["commit"] == rig.commit("main")
    assert rig.ask("under_way", environment="ab") == []
