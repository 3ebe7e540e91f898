"""A small kind of operation whose steps do as the test says, and a way to walk an operation step by step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.utils import timezone

from opsportal.accounts.models import Person
from opsportal.environments.models import Environment
from opsportal.operations import actions, registry, runner
from opsportal.operations.models import Operation
from opsportal.operations.outcomes import Done, Outcome
from opsportal.operations.registry import Kind, Parameter, StepDefinition
from opsportal.operations.run import Run

Does = Callable[[Run], Outcome]


@contextmanager
def kind_of_steps(*does: Does, tidy: tuple[Does, ...] = (), **options: Any) -> Iterator[Kind]:
    """Register a kind named ``migrate`` (so that the permissions know it) whose steps are the functions given."""
    made = Kind(
        name="migrate",
        title="Toy",
        what="A toy.",
        allowed_on=frozenset({"sandbox", "development", "staging", "stable"}),
        steps=tuple(
            StepDefinition(each.__name__, each.__name__, each, **options.get(each.__name__, {}))
            for each in does
        ),
        tidy=tuple(StepDefinition(each.__name__, each.__name__, each, when="touched") for each in tidy),
        parameters=(Parameter("what", "What", "Anything."),),
        clean=lambda environment, given: dict(given),
        headline=lambda environment, params: f"Toy {params.get('what', '')}".strip(),
    )
    before = registry._kinds.get("migrate")
    registry.register(made)
    try:
        yield made
    finally:
        registry._kinds.pop("migrate")
        if before:
            registry.register(before)


def succeed(run: Run) -> Outcome:
    """A step that has nothing to do."""
    return Done("fine")


def ask_for(environment: Environment, person: Person, **given: str) -> Operation:
    """Ask for the toy operation."""
    return actions.request(kind="migrate", environment=environment.name, given=given, by=person)


def walk(operation: Operation, most: int = 50) -> Operation:
    """Let a worker look at the operation until it ends or needs a person, however long it wants to wait."""
    for _ in range(most):
        operation.refresh_from_db()
        if operation.state != "running":
            break
        Operation.objects.filter(id=operation.id).update(due_at=timezone.now() - timedelta(seconds=1))
        runner.advance(operation.id, stopping=lambda: False)
    operation.refresh_from_db()
    return operation


def states(operation: Operation) -> dict[str, str]:
    """``{step: state}``."""
    return dict(operation.steps.values_list("name", "state"))
