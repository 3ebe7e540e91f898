"""The lines that do by hand what a chore does: complete, in order, safe to paste."""

import json
import shlex

import pytest

from opsportal.environments.models import Environment
from opsportal.operations import equal_lines, registry
from opsportal.operations.equal_lines_chores import LINES

PARAMS = {
    "run_task": {"command": "echo 'it''s' && rm -rf \"$HOME\"", "memory": 256, "disk": None},
    "scale": {"instances": 2, "memory": 512, "disk": None},
    "restart": {"strategy": "rolling"},
    "roll_back": {"droplet": "d-1", "commit": "c" * 40, "ref": "main", "ref_kind": "branch"},
    "promote": {"droplet": "d-1", "commit": "c" * 40, "ref": "v1.0.0", "ref_kind": "tag", "migrate": True},
}


@pytest.fixture
def ab() -> Environment:
    """A sandbox, as the pages know it."""
    return Environment(
        name="ab", kind="sandbox", app_name="getgov-ab", space_name="ab", app_guid="a-1", routes=["http://x"]
    )


def lines(kind: str, environment: Environment) -> list[str]:
    """The lines of a kind."""
    return equal_lines.for_operation(kind, environment, PARAMS.get(kind, {}))


def test_every_kind_has_lines_of_its_own():
    chores = {kind.name for kind in registry.kinds()} - {"deploy"}
    assert chores <= LINES.keys()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", sorted(LINES))
def test_lines_can_be_read_by_a_shell_and_begin_with_signing_in(kind: str, ab: Environment):
    said = lines(kind, ab)
    assert said[0].startswith("cf login -a ")
    assert said[1].startswith("cf target -o ")
    assert all(shlex.split(each) for each in said)


def test_a_command_is_quoted_as_one_word(ab: Environment):
    words = shlex.split(lines("run_task", ab)[2])
    assert words[words.index("--command") + 1] == PARAMS["run_task"]["command"]
    assert words[words.index("-m") + 1] == "256M"


def test_a_recreated_database_is_unbound_deleted_made_bound_and_filled_in_this_order(ab: Environment):
    said = [shlex.split(each) for each in lines("recreate_database", ab)[2:]]
    assert [words[1] for words in said] == [
        "unbind-service", "delete-service", "create-service", "bind-service", "restage", "run-task", "run-task", "run-task",
    ]  # fmt: skip
    assert all("getgov-ab-database" in words for words in said[:4])


@pytest.mark.django_db
def test_a_copy_takes_the_share_back_before_it_migrates(ab: Environment):
    said = lines("copy_database", ab)
    assert [word for each in said for word in ("share-service", "unshare-service", "migrate") if f" {word}" in each] == [
        "share-service", "unshare-service", "migrate",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["roll_back", "promote"])
def test_a_deployment_names_the_app_and_the_droplet(kind: str, ab: Environment):
    (line,) = [each for each in lines(kind, ab) if "/v3/deployments" in each]
    body = json.loads(shlex.split(line)[-1].replace("'$new'", "$new"))
    assert body["relationships"]["app"]["data"]["guid"] == "a-1"
    assert body["droplet"]["guid"] in {"d-1", "$new"}


def scaled(environment: Environment, **params: int | None) -> list[str]:
    """The lines of scaling, without signing in."""
    environment.instances_wanted, environment.memory_mb = 2, 512
    asked = {"instances": None, "memory": None, "disk": None, **params}
    return equal_lines.for_operation("scale", environment, asked)[2:]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"instances": 3}, ["cf scale getgov-ab -i 3"]),
        ({"instances": 3, "memory": 512}, ["cf scale getgov-ab -i 3"]),
        ({"instances": 0, "memory": 512}, ["cf scale getgov-ab -i 0"]),
        ({"instances": 2, "memory": 512}, ["cf app getgov-ab"]),
        ({"instances": 3, "before": {"instances": 3, "memory": 512, "disk": 64}}, ["cf app getgov-ab"]),
    ],
)
def test_scaling_by_hand_changes_what_differs_and_nothing_else(asked: dict, said: list[str], ab: Environment):
    assert scaled(ab, **asked) == said


def test_another_memory_by_hand_restarts_one_by_one_as_the_portal_does(ab: Environment):
    request, restart = scaled(ab, instances=2, memory=1024)
    assert json.loads(shlex.split(request)[-1]) == {"memory_in_mb": 1024}
    assert "/v3/apps/a-1/processes/web/actions/scale" in request
    assert restart == "cf restart getgov-ab --strategy rolling"
    assert len(scaled(ab, instances=0, memory=1024)) == 1
