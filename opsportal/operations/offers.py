"""Which operations an environment offers a person, in groups, each with its yes or its no and who can."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from opsportal.accounts import queries as accounts
from opsportal.accounts.models import Person
from opsportal.accounts.rules import Verdict
from opsportal.environments import holds
from opsportal.environments.models import Environment
from opsportal.operations import queries, registry
from opsportal.operations.registry import Confirm, Kind

#: Where buttons stand, in this order; dangerous ones apart from safe ones (pages.md).
GROUPS = (
    ("deploy", "Versions"),
    ("data", "Data"),
    ("lifecycle", "Instances"),
    ("danger", "Cannot be undone"),
)


@dataclass(frozen=True)
class Offer:
    """One operation on one environment. ``one_click``: nothing has to be said first, and it can be undone."""

    kind: Kind
    verdict: Verdict
    url: str
    one_click: bool


@dataclass(frozen=True)
class Group:
    """Offers that stand together."""

    name: str
    title: str
    offers: Sequence[Offer]


def address(kind: Kind, environment: Environment) -> str:
    """Where one asks for it."""
    if kind.name == "deploy":
        return reverse("operations:deploy", args=[environment.name])
    return reverse("operations:ask", args=[environment.name, kind.name])


def group_of(kind: Kind) -> str:
    """The group its button stands in: what asks for a typed name stands apart."""
    return "danger" if kind.confirm == Confirm.TYPED else kind.group


def verdict(kind: Kind, environment: Environment, person: Person) -> Verdict:
    """Whether this person can ask for it there now: permission, whether it exists there, whether it has an object."""
    may = accounts.may(person, kind.permission or kind.name, holds.place_of(environment))
    if not may:
        return may
    if environment.kind not in kind.allowed_on:
        return Verdict(False, f"{kind.title} does not exist on {environment.kind}.", ("nobody",))
    if not queries.is_deployed(kind, environment):
        return Verdict(False, "Nothing is deployed here yet: deploy first.")
    missing = kind.nothing_to_choose(environment)
    return Verdict(False, missing) if missing else may


def for_environment(environment: Environment, person: Person) -> list[Group]:
    """Every operation that exists on this kind of environment, in groups; the refused ones with their reason."""
    found: dict[str, list[Offer]] = {name: [] for name, _ in GROUPS}
    for kind in registry.kinds():
        # Deploy is the page's one primary action and stands at its head.
        if environment.kind not in kind.allowed_on or kind.name == "deploy":
            continue
        at_once = kind.confirm == Confirm.UNDO and not any(each.required for each in kind.parameters)
        simple = at_once and environment.kind not in kind.reason_on
        found.setdefault(group_of(kind), []).append(
            Offer(kind, verdict(kind, environment, person), address(kind, environment), simple)
        )
    return [Group(name, title, found[name]) for name, title in GROUPS if found[name]]
