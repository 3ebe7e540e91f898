"""Development deploys itself on every push to main; a push that changes only documentation is left out."""

import pytest
from django.utils import timezone

from opsportal.accounts.queries import SERVICE
from opsportal.environments import actions as environments
from opsportal.environments import platform
from opsportal.environments.models import Environment, GitRef, Repository
from opsportal.operations import pushes
from opsportal.operations.models import Operation, Push
from tests.support.people import environment, person

pytestmark = [pytest.mark.django_db, pytest.mark.database]

A, B, C = "a" * 40, "b" * 40, "c" * 40


class Clone:
    """Says of any two commits that these paths lie between."""

    paths = ("src/app.py",)

    def changed_paths(self, old, new):
        return [type("Changed", (), {"path": path}) for path in self.paths]


@pytest.fixture
def clone(monkeypatch):
    made = Clone()
    monkeypatch.setattr(platform, "repository", lambda: made)
    return made


@pytest.fixture
def development(clone):
    made = environment("development")
    push(A)
    pushes.follow()
    return made


def push(commit: str) -> None:
    Repository.objects.update_or_create(
        pk=1, defaults={"default_branch": "main", "head": commit, "refreshed_at": timezone.now()}
    )
    GitRef.objects.update_or_create(kind="branch", name="main", defaults={"commit": commit})


def test_what_was_there_before_the_portal_is_not_deployed(development):
    assert not Operation.objects.exists()


def test_a_push_is_deployed_once_by_the_portal_itself(development):
    push(B)
    pushes.follow()
    pushes.follow()

    operation = Operation.objects.get()
    assert (operation.kind, operation.params["commit"], operation.requester, operation.via) == (
        "deploy",
        B,
        "opsportal",
        "push",
    )
    assert Push.objects.get(commit=B).operation == operation


@pytest.mark.parametrize(
    ("paths", "deployed"),
    [
        (("docs/how.md",), False),
        (("README.md", "docs/a/b.png"), False),
        (("docs/how.md", "src/app.py"), True),
        (("requirements.txt",), True),
        ((), True),
    ],
)
def test_documentation_alone_is_left_out(development, clone, paths, deployed):
    clone.paths = paths
    push(B)
    pushes.follow()

    assert Operation.objects.exists() is deployed
    assert Push.objects.get(commit=B).decided_at is not None


def test_what_was_left_out_counts_with_the_next_push(development, clone):
    clone.paths = ("docs/how.md",)
    push(B)
    pushes.follow()
    clone.paths = ("docs/how.md", "src/app.py")
    push(C)
    pushes.follow()

    assert Operation.objects.get().params["commit"] == C


def test_while_it_is_held_a_push_waits_and_goes_on_when_released(development):
    hold = environments.hold(environment=development, reason="A demo", by=person("lee"))
    push(B)
    pushes.follow()
    assert "A demo" in Push.objects.get(commit=B).words
    environments.release(hold=hold, by=person("lee"))
    pushes.follow()

    assert Operation.objects.get().params["commit"] == B


def test_a_newer_push_overtakes_one_that_still_waits(development):
    push(B)
    pushes.follow()
    push(C)
    pushes.follow()
    push(A)
    pushes.follow()

    states = dict(Operation.objects.values_list("params__commit", "state"))
    assert states[B] == "running"
    assert states[C] == "cancelled"


def test_what_runs_there_already_is_not_deployed_again(development):
    Environment.objects.filter(pk=development.pk).update(deployed_commit=B)
    push(B)
    pushes.follow()

    assert not Operation.objects.exists()
    assert SERVICE.is_service
