"""Which kinds of operation exist. A kind registers itself; packages above register gates.

A deploy to stable that finds no gate is refused: the gate belongs to releases, which this package does not know.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opsportal.operations.outcomes import Outcome
from opsportal.operations.rules import Finding, Ref

if TYPE_CHECKING:
    from opsportal.environments.models import Environment
    from opsportal.operations.run import Run

StepFunction = Callable[["Run"], Outcome]


class BadParameter(ValueError):
    """A parameter of an operation that cannot be used. ``field`` names it; the words are for people."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(words)
        self.field = name


@dataclass(frozen=True)
class StepDefinition:
    """A step of a kind. ``limit``: seconds from its start until it fails, waiting included.

    ``resume_at``: the step a retry goes back to when this one failed, where what came before was put back.
    ``interruptible``: a cancel stops it midway; otherwise the cancel waits for its end.
    ``when``: for tidy steps, the fact that must be true for it to be needed.
    """

    name: str
    title: str
    function: StepFunction
    limit: float = 600.0
    resume_at: str = ""
    interruptible: bool = True
    when: str = ""


@dataclass(frozen=True)
class Parameter:
    """One thing that may be asked of an operation, for forms, the shell and the docs."""

    name: str
    title: str
    help: str
    required: bool = False


@dataclass(frozen=True)
class Kind:
    """One row of product.md's table of operations.

    ``clean``: turns what was asked (strings) into stored params, raising :class:`BadParameter`.
    ``ref``: what the params want to deploy, if anything. ``headline``: the operation in words.
    ``tidy``: steps that put things back after a failure or a cancel. ``cancel_safe``: whether it may be cancelled.
    """

    name: str
    title: str
    what: str
    allowed_on: frozenset[str]
    steps: tuple[StepDefinition, ...]
    parameters: tuple[Parameter, ...]
    clean: Callable[["Environment", Mapping[str, str]], dict[str, Any]]
    headline: Callable[["Environment", Mapping[str, Any]], str]
    ref: Callable[[Mapping[str, Any]], Ref | None] = lambda params: None
    tidy: tuple[StepDefinition, ...] = ()
    cancel_safe: bool = True
    runbook: str = ""
    permission: str = field(default="")

    def step(self, name: str) -> StepDefinition | None:
        """The definition of a step by name; None when this version of the portal no longer has it."""
        return next((each for each in (*self.steps, *self.tidy) if each.name == name), None)


Gate = Callable[["Environment", Mapping[str, Any]], list[Finding]]

_kinds: dict[str, Kind] = {}
_gates: dict[tuple[str, str], Gate] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known. Its name is its permission unless it says otherwise."""
    _kinds[kind.name] = kind
    return kind


def kind(name: str) -> Kind | None:
    """The kind of that name, or None."""
    return _kinds.get(name)


def kinds() -> list[Kind]:
    """All kinds, in the order they registered."""
    return list(_kinds.values())


def register_gate(operation_kind: str, environment_kind: str, gate: Gate) -> None:
    """Guard a kind of operation on a kind of environment with further rules."""
    _gates[(operation_kind, environment_kind)] = gate


def gate(operation_kind: str, environment_kind: str) -> Gate | None:
    """The gate registered for it, or None."""
    return _gates.get((operation_kind, environment_kind))
