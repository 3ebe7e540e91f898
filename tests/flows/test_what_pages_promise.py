"""What the pages of an operation and an environment promise and offer is true for their state."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from opsportal.accounts.models import Person, Role
from opsportal.operations import report
from opsportal.operations.models import Operation, State, Step, StepState, WhoseMove
from tests.support import estate

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NEVER = dict.fromkeys(
    ("deployed_commit", "deployed_ref", "platform_commit", "platform_ref", "app_commit"), ""
)


@pytest.fixture
def ana() -> Person:
    return estate.person("ana", "Ana Alvarez", Role.ENGINEER)


def page(person: Person, address: str) -> str:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client.get(address).content.decode()


@pytest.mark.parametrize(
    ("move", "retry", "again"),
    [
        (WhoseMove.YOURS, "usa-button usa-button--outline", True),
        (WhoseMove.PLATFORM, "usa-button", False),
    ],
)
def test_what_must_be_mended_is_not_first_retried(ana: Person, move: str, retry: str, again: bool) -> None:
    failed = estate.operation(
        estate.environment("ab", owner=ana), ana, State.FAILED, problem="It broke.", whose_move=move
    )
    said = page(ana, f"/operations/{failed.id}/")
    assert f'class="{retry}">Retry from this step' in said
    assert ("Deploy it again once mended" in said) is again


@pytest.mark.parametrize(
    ("environment", "operation", "words"),
    [
        ({}, {}, "The version that serves now keeps serving."),
        (NEVER, {}, "Nothing served on ab before, so nothing will."),
        ({}, {"state": State.WAITING, "started_at": None}, "It has not begun: it leaves the queue"),
    ],
)
def test_a_cancel_promises_what_is_true(
    ana: Person, environment: dict[str, Any], operation: dict[str, Any], words: str
) -> None:
    made = estate.operation(estate.environment("ab", owner=ana, **environment), ana, **operation)
    assert words in page(ana, f"/operations/{made.id}/")


def rolling_out(ana: Person, seconds: int, usual: dict[str, float]) -> Operation:
    """A deploy whose roll-out began that long ago, where earlier ones took ``usual`` seconds."""
    made = estate.operation(estate.environment("ab", owner=ana), ana, at_step=7)
    began = timezone.now() - timedelta(seconds=seconds)
    Step.objects.filter(operation=made, name="rollout").update(started_at=began, progress=None)
    cache.set("usual-seconds:deploy", usual, 30)
    return made


@pytest.fixture(autouse=True)
def no_usual_times() -> Any:
    yield
    cache.delete("usual-seconds:deploy")


@pytest.mark.parametrize(
    ("seconds", "usual", "left", "whole"),
    [
        (10, 30.0, "about 20 s left", "12 s"),
        (180, 5.0, "longer than usual; given up after", ""),
        (1, 0.2, "", "2 s"),
    ],
)
def test_no_time_left_is_promised_once_a_step_is_longer_than_usual(
    ana: Person, seconds: int, usual: float, left: str, whole: str
) -> None:
    made = rolling_out(ana, seconds, {"rollout": usual, "verify": 2.0})
    said = report.page(made, ana)
    step = next(each for each in said["steps"] if each.title == "Roll out")
    assert step.left.startswith(left)
    assert bool(step.left) == bool(left)
    assert bool(said["left"]) == bool(whole)


def test_what_took_no_time_is_not_compared_with_what_is_usual(ana: Person) -> None:
    steps = report.page(rolling_out(ana, 1, {"rollout": 0.2}), ana)["steps"]
    assert next(each for each in steps if each.title == "Roll out").usual_words == ""


def test_no_notice_outlives_a_cancel(ana: Person) -> None:
    made = estate.operation(estate.environment("ab", owner=ana), ana, State.WAITING, started_at=None)
    Step.objects.filter(operation=made).update(state=StepState.PENDING, started_at=None)
    client = Client()
    client.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")
    said = client.post(f"/operations/{made.id}/cancel", follow=True).content.decode()
    assert "usa-alert--success" not in said


@pytest.mark.parametrize(("by", "found"), [("Ana+Alvarez", 1), ("ana", 1), ("ANA", 1), ("dana", 0)])
def test_the_history_finds_people_by_either_name(ana: Person, by: str, found: int) -> None:
    estate.operation(estate.environment("ab"), ana)
    assert page(ana, f"/operations/?by={by}").count('<th scope="row"') == found


def test_a_failed_last_operation_stands_on_the_environments_page(ana: Person) -> None:
    estate.operation(estate.environment("ab"), ana, State.FAILED, problem="Staging failed: no buildpack.")
    said = page(ana, "/environments/ab/")
    assert "The last operation failed" in said
    assert "Staging failed: no buildpack." in said


def test_a_stopped_environment_claims_nothing_that_nobody_can_know(ana: Person) -> None:
    down = [{"index": 0, "state": "DOWN", "uptime_s": 0, "cpu": None, "memory_bytes": None}]
    values = NEVER | {"platform_commit": estate.OLDER, "app_ref": ""}
    estate.environment("ab", health="stopped", instances_running=0, instances=down, **values)
    said = page(ana, "/environments/ab/")
    assert "ab is stopped; it holds 1a2b3c4d." in said
    assert "The only one" in said
    assert "Agrees" not in said
    assert "0 s old" not in said
    assert "Open the application" not in said


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "ab runs feature/headline (1a2b3c4d); its one instance is up."),
        (
            {"instances_wanted": 3, "instances_running": 3},
            "ab runs feature/headline (1a2b3c4d); all 3 instances are up.",
        ),
        (
            {"health": "degraded", "instances_wanted": 3},
            "ab runs feature/headline (1a2b3c4d), but only 1 of 3 instances runs.",
        ),
        (
            {"health": "degraded"},
            "ab runs feature/headline (1a2b3c4d); its one instance is up, but the application does not answer well.",
        ),
        (
            {"health": "down", "instances_running": 0},
            "ab should run feature/headline (1a2b3c4d), but its instance is not up.",
        ),
        (
            {"health": "down", "instances_wanted": 2, "instances_running": 0},
            "ab should run feature/headline (1a2b3c4d), but no instance is up.",
        ),
        ({"health": "stopped"}, "ab is stopped; it holds feature/headline (1a2b3c4d)."),
        ({"health": "stopped", **NEVER}, "ab is stopped; which version it holds is not known."),
        ({"health": "not_known"}, "ab last ran feature/headline (1a2b3c4d); how it is now is not known."),
        ({"health": "not_known", **NEVER}, "ab could not be looked at yet."),
        ({"app_guid": ""}, "Nothing was deployed there yet."),
        ({"app_guid": "", "refreshed_at": None}, "The portal has not looked there yet."),
    ],
)
def test_the_first_sentence_of_an_environment_reads_well_however_it_is(
    ana: Person, values: dict[str, Any], says: str
) -> None:
    estate.environment("ab", **values)
    said = page(ana, "/environments/ab/")
    assert f'<p class="lead">{says.replace("1a2b3c4d", estate.OLDER[:8])}</p>' in said


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("development", "The portal deploys every push to main here by itself"),
        ("staging", "The portal does not cut releases yet"),
        ("stable", "The portal does not cut releases yet"),
    ],
)
def test_where_nobody_deploys_the_page_says_what_does(ana: Person, kind: str, says: str) -> None:
    estate.repository()
    estate.environment(kind, kind)
    assert says in page(ana, f"/environments/{kind}/")
