"""Which kinds of operation exist. A kind registers itself; packages above register gates.

A deploy to stable that finds no gate is refused: the gate belongs to releases, which this package does not know.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
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


class Confirm(StrEnum):
    """How sure a person must be; it scales with harm (pages.md)."""

    CLICK = "click"
    UNDO = "undo"  # one click, and ten seconds in which it can be undone before anything has begun
    TYPED = "typed"  # the environment's name typed: it cannot be undone


class Needs(StrEnum):
    """What must be there already for a kind to make sense."""

    NOTHING = "nothing"
    APP = "app"  # the application exists on the platform
    VERSION = "version"  # and has something to run


class Input(StrEnum):
    """What a parameter is typed into."""

    TEXT = "text"
    LINES = "lines"
    NUMBER = "number"
    YES_NO = "yes_no"
    CHOICE = "choice"
    ENVIRONMENT = "environment"
    VERSION = "version"


@dataclass(frozen=True)
class Parameter:
    """One thing that may be asked of an operation, for forms, the shell and the docs.

    ``choices``: ``[(value, label)]`` for an environment, where the answer is one of a list; ``nothing``: why there may
    be nothing to choose, and what would change that. ``words``: what a shell may say, where that is always the same
    few. ``default``: what the form begins with. ``in_form``: no, for what only a shell says (another way to say the
    same).
    """

    name: str
    title: str
    help: str
    required: bool = False
    input: Input = Input.TEXT
    choices: "Callable[[Environment], Sequence[tuple[str, str]]] | None" = None
    default: "str | Callable[[Environment], str]" = ""
    in_form: bool = True
    nothing: str = "There is nothing to choose."
    words: tuple[str, ...] = ()

    def begins_with(self, environment: "Environment") -> str:
        """What its field holds before anybody types."""
        return self.default if isinstance(self.default, str) else self.default(environment)


@dataclass(frozen=True)
class Kind:
    """One row of product.md's table of operations.

    ``clean``: turns what was asked (strings) into stored params, raising :class:`BadParameter`.
    ``ref``: what the params want to deploy, if anything. ``headline``: the operation in words.
    ``tidy``: steps that put things back after a failure or a cancel. ``cancel_safe``: whether it may be cancelled.
    ``group``: where its button stands (deploy, data, lifecycle). ``confirm``: how sure a person must be, and
    ``loses`` what cannot be undone, ``preview`` what it will do, in figures: a sentence each. ``reason_on``: kinds
    of environment where it needs a reason. ``needs``: what must be there already.
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
    group: str = "lifecycle"
    confirm: Confirm = Confirm.CLICK
    loses: "Callable[[Environment, Mapping[str, Any]], Sequence[str]]" = lambda environment, params: ()
    reason_on: frozenset[str] = frozenset()
    needs: Needs = Needs.NOTHING
    preview: "Callable[[Environment, Mapping[str, Any]], Sequence[str]]" = lambda environment, params: ()

    @property
    def form_parameters(self) -> tuple[Parameter, ...]:
        """What a form asks for."""
        return tuple(each for each in self.parameters if each.in_form)

    def title_at(self, environment: str) -> str:
        """``Promote to ab``, ``Restart ab``, ``Run task on ab``: the operation and its environment in one."""
        if self.name in DONE_TO_IT:
            return f"{self.title} {environment}"
        return placed(self.name, self.title, environment)

    def nothing_to_choose(self, environment: "Environment") -> str:
        """Why nothing can be chosen where something must be, in words; empty where something can."""
        empty = (
            each
            for each in self.form_parameters
            if each.required and each.choices is not None and not each.choices(environment)
        )
        return next((each.nothing for each in empty), "")

    def has_parameter(self, name: str) -> bool:
        """Whether it may be told this."""
        return any(each.name == name for each in self.parameters)

    def step(self, name: str) -> StepDefinition | None:
        """The definition of a step by name; None when this version of the portal no longer has it."""
        return next((each for each in (*self.steps, *self.tidy) if each.name == name), None)


def preposition(kind: str) -> str:
    """What stands between an operation and its environment: ``Promote … to ab``, ``Restart on ab``."""
    return "to" if kind in BRINGS else "on"


def placed(kind: str, words: str, environment: str) -> str:
    """What is done and where, in one: ``Promote v1.2.0 (1a2b3c4d) from staging to stable``."""
    return f"{words} {preposition(kind)} {environment}"


Gate = Callable[["Environment", Mapping[str, Any]], list[Finding]]

#: Kinds that bring something to an environment; the others do something on it.
BRINGS = ("deploy", "promote", "copy_database")
#: Kinds whose verb has the environment itself for its object.
DONE_TO_IT = ("migrate", "restart", "restage", "scale", "roll_back")

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
