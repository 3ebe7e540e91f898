"""Never on stable stands in four places; each is tried here alone, with the others out of the way."""

from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from opsportal.accounts.queries import SERVICE
from opsportal.accounts.rules import Verdict
from opsportal.environments.models import Environment, EnvironmentKind
from opsportal.operations import actions, queries, registry
from opsportal.operations.models import NEVER_ON_STABLE, Operation, State, Step
from opsportal.operations.never_on_stable import Named, Place, destroys, refusal
from opsportal.operations.steps import check, copying, database, guard
from tests.support.chores import World

pytestmark = pytest.mark.database
KINDS = [name for name in NEVER_ON_STABLE if registry.kind(name)]


def everybody_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """The permissions are out of the way."""
    monkeypatch.setattr(queries.accounts, "may", lambda *words: Verdict(True))


def every_kind_fits(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The kind exists on stable too."""
    kind = registry.kind(name)
    assert kind is not None
    monkeypatch.setitem(registry._kinds, name, replace(kind, allowed_on=frozenset(EnvironmentKind.values)))


@pytest.fixture
def stable(world: World) -> World:
    """Stable runs, with a person in its database."""
    registry.register_gate("deploy", "stable", lambda environment, params: [])
    done = world.do("deploy", "stable", SERVICE.username, ref="v1.0.0", migrate="yes")
    registry._gates.pop(("deploy", "stable"))
    assert done.state == "succeeded", done.problem
    if "a real registrant" not in world.people_in("stable"):
        world.add_person("stable", "a real registrant")
    return world


def unharmed(world: World, before: str) -> None:
    """Stable has its one database, with its people."""
    assert "a real registrant" in world.people_in("stable")
    assert [each.guid for each in world.databases("stable")] == [before]
    assert world.bound("stable") == ["getgov-credentials", "getgov-stable-database"]


def test_every_kind_that_destroys_data_is_known_to_the_database() -> None:
    assert {"load_fixtures", "reset_database", "recreate_database", "copy_database"} <= set(KINDS)
    for name in KINDS:
        assert EnvironmentKind.STABLE not in registry.kind(name).allowed_on


@pytest.mark.parametrize("name", KINDS)
def test_first_there_is_no_such_kind_for_stable(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    everybody_may(monkeypatch)
    with pytest.raises(actions.Refused) as refused:
        world.ask(name, "stable", "ada", confirmed="stable", reason="because")
    assert [finding.rule for finding in refused.value.findings] == ["kind"]


@pytest.mark.parametrize("name", KINDS)
def test_second_the_database_refuses_the_row_whoever_writes_it(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    everybody_may(monkeypatch)
    every_kind_fits(monkeypatch, name)
    with pytest.raises(IntegrityError, match="never_on_stable"), transaction.atomic():
        world.ask(name, "stable", "ada", confirmed="stable", reason="because")
    with pytest.raises(IntegrityError, match="never_on_stable"), transaction.atomic():
        Operation.objects.bulk_create(
            [Operation(kind=name, environment=world.row("stable"), environment_kind="stable", headline="x")]
        )


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("by", ["ada", "lee", "ana", SERVICE.username])
def test_third_the_rules_refuse_everybody_the_portal_too(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, by: str
) -> None:
    every_kind_fits(monkeypatch, name)
    with pytest.raises(actions.Refused) as refused:
        world.ask(name, "stable", by, confirmed="stable", reason="because")
    assert [finding.rule for finding in refused.value.findings] == ["permitted"]


@pytest.mark.parametrize("disguise", ["an operation that says staging", "names that say staging"])
@pytest.mark.parametrize("name", KINDS)
def test_fourth_the_step_refuses_what_the_platform_says_is_stable(
    stable: World, monkeypatch: pytest.MonkeyPatch, name: str, disguise: str
) -> None:
    """Kind, database and rules are all fooled or switched off: the step alone stands before stable's data."""
    (database_before,) = stable.databases("stable")
    row = stable.row("stable")
    if disguise == "names that say staging":
        Environment.objects.filter(name="staging").delete()
        Environment.objects.filter(pk=row.pk).update(name="staging", kind="staging")
        row = stable.row("staging")
    for module in (check, guard, database, copying):
        monkeypatch.setattr(module, "refused", lambda run: None)
    kind = registry.kind(name)
    assert kind is not None
    operation = Operation.objects.create(
        kind=name,
        environment=row,
        environment_kind="staging",
        headline=name,
        requester="ada",
        state=State.RUNNING,
    )
    Step.objects.bulk_create(
        Step(operation=operation, position=position, name=each.name, title=each.title)
        for position, each in enumerate(kind.steps, 1)
    )
    done = stable.carry_out(operation)
    assert (done.state, done.error_id) == ("failed", "guard:stable"), done.problem
    assert "never" in done.problem
    unharmed(stable, database_before.guid)


GOOD = Place(
    "ab", "sandbox", Named("getgov-ab", "ab"), Named("getgov-ab", "ab"), Named("getgov-stable", "stable")
)
STABLES = Named("getgov-stable", "stable")


@pytest.mark.parametrize(
    ("changed", "error_id"),
    [
        ({"kind": "stable"}, "guard:stable"),
        ({"name": "stable"}, "guard:stable"),
        ({"found": Named("getgov-stable", "ab")}, "guard:stable"),
        ({"found": Named("getgov-ab", "stable")}, "guard:stable"),
        ({"expected": Named("getgov-stable", "ab")}, "guard:stable"),
        ({"expected": STABLES, "found": STABLES}, "guard:stable"),
        ({"found": Named("getgov-cw", "ab")}, "guard:mismatch"),
        ({"found": Named("getgov-ab", "cw")}, "guard:mismatch"),
    ],
)
def test_either_side_calling_it_stable_is_enough(changed: dict[str, object], error_id: str) -> None:
    assert refusal(GOOD) is None
    closed = refusal(replace(GOOD, **changed))
    assert closed is not None
    assert closed[0] == error_id


DESTROYING = [
    "python manage.py flush --no-input",
    "python -S  manage.py   flush",
    "cd src && ./manage.py flush; echo done",
    "django-admin loaddata domains",
    "python manage.py load",
    "python manage.py migrate registrar zero",
    "psql $DATABASE_URL -c 'DROP TABLE registrar_domain'",
    "psql -c 'truncate registrar_domain'",
    "dropdb getgov",
    "python -S manage.py flush 'unclosed",
]
HARMLESS = [
    "python manage.py check",
    "python manage.py migrate --no-input",
    "python manage.py clearsessions",
    "python manage.py send_reports --load-balanced",
    "echo flush the toilet",
    "python manage.py shell -c 'print(1)'",
    "ls downloads",
]


@pytest.mark.parametrize("command", DESTROYING)
def test_a_task_on_stable_that_destroys_data_is_refused_and_elsewhere_it_is_not(
    world: World, command: str
) -> None:
    with pytest.raises(actions.BadParameter, match="never done on stable"):
        world.ask("run_task", "stable", "ada", command=command, reason="because")
    assert world.ask("run_task", "ab", "ana", command=command).state == "running"


@pytest.mark.parametrize("command", HARMLESS)
def test_a_task_on_stable_that_destroys_nothing_is_not_in_the_way(world: World, command: str) -> None:
    assert destroys(command, ("python manage.py flush", "")) == ""
    assert world.ask("run_task", "stable", "ada", command=command, reason="because").state == "running"
