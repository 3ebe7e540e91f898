"""Every page, wide and narrow, by day and by night: readable by everybody, and no sideways scrolling."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser

from opsportal.accounts.models import Person, Role
from opsportal.environments.models import Comparison
from opsportal.operations.models import Operation, State
from tests.support import estate
from tests.support.browser import LOOKS, check_every_look, open_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ana(transactional_db: None) -> Person:
    return estate.person("ana", "Ana Alvarez", Role.ENGINEER)


@pytest.fixture
def operations(ana: Person) -> dict[str, Operation]:
    """A world in which something is in every state."""
    estate.repository()
    for kind in ("development", "staging", "stable"):
        estate.environment(
            kind, kind, deployed_ref={"staging": "staging-254", "stable": "v1.205.0"}.get(kind, "main")
        )
    ab, cw = (
        estate.environment("ab", owner=ana),
        estate.environment("cw", health="degraded", instances_wanted=2),
    )
    ky = estate.environment(
        "ky", drift="The platform and the application agree on 926cd59e, but Git says 1a2b3c4d."
    )
    ky.app_commit = ky.platform_commit = estate.HEAD
    ky.save()
    estate.environment("zz", health="down", instances_running=0, last_crash="crashed: exit status 1")
    running, failed = estate.operation(ab, ana), estate.operation(cw, ana, State.FAILED)
    Operation.objects.filter(pk=failed.pk).update(
        problem="Staging failed: the buildpack found no requirements.",
        remedy="Mend it on the branch, push, and deploy again. The old version still serves.",
        whose_move="yours",
    )
    estate.say(running, [f"-----> Installing requirement {n}" for n in range(60)])
    estate.say(failed, ["Looking for requirements.txt", "ERROR: there is none"], stream="err")
    Comparison.objects.create(
        base=estate.OLDER,
        head=estate.HEAD,
        environment="ab",
        answered_at=ab.refreshed_at,
        resolved_head=estate.HEAD,
        ahead=1,
        commits=[
            {"sha": estate.HEAD, "subject": "Show who deployed last", "author": "Ana Alvarez", "at": ""}
        ],
        migrations=["src/registrar/migrations/0042_last_deployer.py"],
    )
    succeeded = estate.operation(ky, ana, State.SUCCEEDED, facts={"address": ky.routes[0]})
    unknown = estate.operation(estate.environment("un"), ana, State.UNKNOWN, problem="It cannot be told.")
    return {"running": running, "failed": failed, "succeeded": succeeded, "unknown": unknown}


PAGES: dict[str, Callable[[dict[str, Operation]], str]] = {
    "home": lambda made: "/",
    "home-filtered": lambda made: "/?only=drifted&q=nobody",
    "environment": lambda made: "/environments/ab/",
    "environment-drifted": lambda made: "/environments/ky/",
    "environment-stable": lambda made: "/environments/stable/",
    "deploy": lambda made: "/environments/ab/deploy",
    "deploy-chosen": lambda made: "/environments/ab/deploy?ref=main&ref_kind=branch",
    "deploy-refused": lambda made: "/environments/stable/deploy?ref=main&ref_kind=branch",
    "operation-running": lambda made: f"/operations/{made['running'].id}/",
    "operation-failed": lambda made: f"/operations/{made['failed'].id}/",
    "operation-succeeded": lambda made: f"/operations/{made['succeeded'].id}/",
    "operation-unknown": lambda made: f"/operations/{made['unknown'].id}/",
    "history": lambda made: "/operations/",
    "history-empty": lambda made: "/operations/?state=cancelled",
}


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_read(
    browser: Browser,
    live_server: Any,
    cookies_of: Any,
    ana: Person,
    operations: dict[str, Operation],
    name: str,
) -> None:
    with open_page(browser, LOOKS[0], cookies_of(ana)) as page:
        answer = page.goto(live_server.url + PAGES[name](operations))
        assert answer is not None
        assert answer.status == 200
        check_every_look(page, name)
