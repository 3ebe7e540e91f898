"""A small world for page tests: people with roles, environments, operations with steps and output."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from opsportal.accounts.models import Person, PersonRole, Role
from opsportal.environments.models import Environment, GitCommit, GitRef, Repository
from opsportal.operations.models import Operation, Output, State, Step, StepState

HEAD = "926cd59e0f5b3a7c1d2e4f60718293a4b5c6d7e8"
OLDER = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
DEPLOY_STEPS = (
    ("check", "Check the rules"),
    ("source", "Take the source at the commit"),
    ("assets", "Build the assets"),
    ("upload", "Upload what is missing"),
    ("manifest", "Apply the manifest"),
    ("stage", "Stage"),
    ("rollout", "Roll out"),
    ("migrate", "Migrate"),
    ("verify", "Verify"),
    ("record", "Record"),
)


def person(username: str, name: str, *roles: Role) -> Person:
    """Somebody who may sign in."""
    made = Person.objects.create(username=username, name=name)
    PersonRole.objects.bulk_create(PersonRole(person=made, role=role) for role in roles)
    return made


def environment(name: str, kind: str = "sandbox", **values: Any) -> Environment:
    """An environment that runs well at :data:`OLDER`, unless told otherwise."""
    usual = {
        "app_name": f"getgov-{name}",
        "space_name": name,
        "app_guid": f"guid-{name}",
        "app_state": "STARTED",
        "health": "healthy",
        "deployed_commit": OLDER,
        "deployed_ref": "feature/headline",
        "deployed_subject": "Say it in one line",
        "deployed_by": "cleo",
        "deployed_at": timezone.now() - timedelta(days=3),
        "platform_commit": OLDER,
        "platform_ref": "feature/headline",
        "app_commit": OLDER,
        "app_ref": "feature/headline",
        "instances_wanted": 1,
        "instances_running": 1,
        "instances": [
            {
                "index": 0,
                "state": "RUNNING",
                "uptime_s": 9000,
                "cpu": 0.02,
                "memory_bytes": 90_000_000,
                "details": "",
            }
        ],
        "memory_mb": 512,
        "routes": [f"http://getgov-{name}.app.localhost:8081"],
        "services": [f"getgov-{name}-database", "getgov-credentials"],
        "refreshed_at": timezone.now(),
    }
    return Environment.objects.create(name=name, kind=kind, **usual | values)


def repository() -> None:
    """A mirror of Git with a branch, a tag and two commits."""
    now = timezone.now()
    Repository.objects.create(pk=1, default_branch="main", head=HEAD, refreshed_at=now, changed_at=now)
    for sha, subject in ((HEAD, "Show who deployed last"), (OLDER, "Say it in one line")):
        GitCommit.objects.create(sha=sha, subject=subject, author="Ana Alvarez", committed_at=now)
    for kind, name, sha in (
        ("branch", "main", HEAD),
        ("tag", "staging-254", OLDER),
        ("branch", "cleo/try", OLDER),
    ):
        GitRef.objects.create(
            kind=kind, name=name, commit=sha, subject="…", author="Cleo Chu", committed_at=now
        )


def operation(
    place: Environment, by: Person, state: str = State.RUNNING, at_step: int = 6, **values: Any
) -> Operation:
    """A deploy that stands at one of its ten steps."""
    now = timezone.now()
    usual: dict[str, Any] = {
        "headline": f"Deploy main ({HEAD[:8]})",
        "params": {"ref": "main", "ref_kind": "branch", "commit": HEAD, "migrate": False},
        "started_at": now - timedelta(seconds=60),
        "ended_at": now if state in {State.SUCCEEDED, State.FAILED, State.CANCELLED} else None,
        "requested_by": by,
        "requester": by.username,
    }
    made = Operation.objects.create(
        kind="deploy", environment=place, environment_kind=place.kind, state=state, **usual | values
    )
    for position, (name, title) in enumerate(DEPLOY_STEPS, 1):
        Step.objects.create(
            operation=made, position=position, name=name, title=title, **_step(position, at_step, state)
        )
    return made


def _step(position: int, at_step: int, state: str) -> dict[str, Any]:
    now = timezone.now()
    if position < at_step or state == State.SUCCEEDED:
        began = now - timedelta(seconds=60 - 5 * position)
        return {"state": StepState.SUCCEEDED, "started_at": began, "ended_at": began + timedelta(seconds=5)}
    if position > at_step:
        return {}
    here = {
        State.RUNNING: StepState.WAITING,
        State.FAILED: StepState.FAILED,
        State.UNKNOWN: StepState.UNKNOWN,
    }
    return {
        "state": here.get(State(state), StepState.PENDING),
        "started_at": now - timedelta(seconds=8),
        "detail": "The platform stages the droplet",
        "progress": 0.4 if state == State.RUNNING else None,
    }


def say(made: Operation, texts: Sequence[str], step: int = 6, stream: str = "out") -> None:
    """Append lines of output, as the engine numbers them."""
    count = made.output_count
    now = timezone.now()
    Output.objects.bulk_create(
        (
            Output(operation=made, number=count + index, step=step, at=now, stream=stream, text=text)
            for index, text in enumerate(texts, 1)
        ),
        batch_size=2000,
    )
    made.output_count = count + len(texts)
    Operation.objects.filter(pk=made.pk).update(output_count=made.output_count)
