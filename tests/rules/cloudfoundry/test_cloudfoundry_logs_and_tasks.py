"""Log lines and the words of tasks."""

import pytest
import responses

from opsportal.adapters.cloudfoundry import (
    Foundation,
    NotFound,
)
from tests.support.platform_wire import API, LOGS


def test_lines_are_decoded_and_other_envelopes_left_out(wire: responses.RequestsMock, cf: Foundation) -> None:
    tags = {"source_type": "APP/PROC/WEB"}
    batch = [
        {"timestamp": "10", "instance_id": "0", "tags": tags, "log": {"payload": "SGVsbG8=", "type": "OUT"}},
        {"timestamp": "11", "instance_id": "1", "tags": tags, "log": {"payload": "/wBh", "type": "ERR"}},
        {"timestamp": 12, "tags": None, "log": {"payload": "w6k="}},
        {"timestamp": "13", "gauge": {"metrics": {}}, "tags": tags},
        {"timestamp": "14", "tags": tags, "log": {"payload": "not base64", "type": 1}},
        {"timestamp": "never", "tags": tags, "log": {"payload": "eA=="}},
    ]
    wire.get(f"{LOGS}/api/v1/read/a1", json={"envelopes": {"batch": batch}})
    found = [
        (one.at_ns, one.source_type, one.instance, one.stream, one.text) for one in cf.read_logs("a1", -5)
    ]
    assert found == [
        (10, "APP/PROC/WEB", "0", "OUT", "Hello"),
        (11, "APP/PROC/WEB", "1", "ERR", "\ufffd\ufffda"),
        (12, "", "", "OUT", "é"),
        (14, "APP/PROC/WEB", "", "ERR", "\ufffd"),
    ]


def test_a_source_that_may_not_be_read_is_not_found(wire: responses.RequestsMock, cf: Foundation) -> None:
    wire.get(f"{LOGS}/api/v1/read/a1", status=404, body="not found")
    with pytest.raises(NotFound):
        cf.read_logs("a1", 0)


def test_the_start_of_time_and_a_full_batch_can_be_asked_for(
    wire: responses.RequestsMock, cf: Foundation
) -> None:
    wire.get(f"{LOGS}/api/v1/read/a1", json={"envelopes": {"batch": []}})
    cf.read_logs("a1", -6795364578871345152, end_time=5, limit=99_999, descending=True)
    query = str(wire.calls[-1].request.url).partition("?")[2]
    assert query == (
        "envelope_types=LOG&start_time=-6795364578871345152&limit=1000&descending=true&end_time=5"
    )


@pytest.mark.parametrize(
    ("state", "reason", "status"),
    [
        ("SUCCEEDED", None, 0),
        ("FAILED", "Exited with status 1", 1),
        ("FAILED", "APP/TASK/migrate: Exited with status 137 (out of memory)", 137),
        ("FAILED", "exited with STATUS 2", 2),
        ("FAILED", "Task expired in PENDING state", None),
        ("FAILED", None, None),
        ("RUNNING", None, None),
        ("CANCELING", "status 9", None),
    ],
)
def test_a_tasks_exit_status_is_read_from_its_words(
    wire: responses.RequestsMock, cf: Foundation, state: str, reason: str | None, status: int | None
) -> None:
    wire.get(
        f"{API}/v3/tasks/t1",
        json={"guid": "t1", "name": "migrate", "state": state, "result": {"failure_reason": reason}},
    )
    assert cf.task("t1").exit_status == status
