"""The whole way of a log: printed by a real process, read by a real worker that is killed meanwhile, found on the page."""

import re
from collections.abc import Iterator

import pytest
import requests

from tests.support.rig import Rig
from tests.support.rig_machine import until
from tests.support.rig_platform import PASSWORD

pytestmark = pytest.mark.kills

LINES = 4_000
COMMAND = (
    "python3 -u -c 'import time\n"
    f"for n in range({LINES}):\n"
    '    print("number", n, "of the task")\n'
    "    if n % 400 == 0: time.sleep(0.5)\n"
    "try:\n"
    "    {}[1]\n"
    "except KeyError:\n"
    '    raise ValueError("nobody knows one")\'\n'
)


@pytest.fixture
def ana(rig: Rig) -> Iterator[requests.Session]:
    """Somebody who is signed in to the portal."""
    with requests.Session() as session:
        address = f"{rig.ports.portal_url}/sign-in"
        session.get(address, timeout=30)
        answer = session.post(
            address,
            data={
                "username": "ana",
                "password": PASSWORD,
                "csrfmiddlewaretoken": session.cookies["csrftoken"],
            },
            headers={"Referer": address},
            timeout=30,
        )
        assert "Sign out" in answer.text
        yield session


def text_of(session: requests.Session, rig: Rig, query: str) -> str:
    """What a search finds, as a download."""
    answer = session.get(f"{rig.ports.portal_url}/environments/fresh/logs/log.txt?{query}", timeout=60)
    assert answer.ok
    return answer.text


def test_every_line_is_kept_once_and_a_traceback_is_one_entry_though_the_worker_is_killed(
    rig: Rig, ana: requests.Session
) -> None:
    assert rig.deploy("fresh", "main")["state"] == "succeeded"
    app = rig.app("fresh")
    assert app is not None
    rig.platform.create_task(app.guid, COMMAND, name="numbers")
    until(lambda: "number" in text_of(ana, rig, "q=of the task"), "the first lines are found", 30)
    for _ in range(2):
        rig.kill("worker")
        rig.start("worker")
    # A killed worker's lease on the log has to end first.
    until(lambda: "nobody knows one" in text_of(ana, rig, "q=nobody+knows"), "the traceback is found", 120)
    found = [int(n) for n in re.findall(r"number (\d+) of the task", text_of(ana, rig, "q=of the task"))]
    assert sorted(found) == list(range(LINES))
    page = ana.get(f"{rig.ports.portal_url}/environments/fresh/logs/?q=nobody+knows", timeout=60).text
    assert page.count('class="log-item"') == 1
    assert "During handling of the above exception" in page
    assert "ValueError: nobody knows one" in page
