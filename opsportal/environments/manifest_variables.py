"""``((NAME))`` in a manifest: found and filled in as ``cf push --var`` does, before the platform sees anything."""

import copy
import re
from collections.abc import Iterable, Mapping
from typing import Any

from opsportal.environments.manifest_yaml import ManifestError

# Letters of any script, digits, and - _ / . in the name; a leading ! is allowed and means nothing.
_VARIABLE = re.compile(r"\(\(!?((?:[-/.A-Za-z0-9_]|[^\W\d_])+)\)\)")


class MissingVariables(ManifestError):
    """The manifest asks for variables that have no value. ``names``: which, sorted; ``given``: which have one."""

    def __init__(self, names: Iterable[str], given: Iterable[str] = ()) -> None:
        self.names = tuple(sorted(set(names)))
        known = _listed(sorted(set(given)))
        super().__init__(
            f"there is no value for {_listed(self.names)}.",
            "Write the value into the manifest"
            + (f", or use a variable that is given: {known}." if known else "; no variable is given."),
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"(({name}))" for name in names)


def variables_in(value: Any) -> frozenset[str]:
    """The names of all variables in a value, in keys as well."""
    if isinstance(value, str):
        return frozenset(_VARIABLE.findall(value))
    if isinstance(value, dict):
        return frozenset().union(*(variables_in(key) | variables_in(each) for key, each in value.items()))
    if isinstance(value, list):
        return frozenset().union(*(variables_in(each) for each in value))
    return frozenset()


def fill_in(value: Any, variables: Mapping[str, object]) -> Any:
    """A copy of ``value`` with every variable replaced (the platform API's manifest rules, interpolation).

    A value that is one variable takes the variable's type; within a longer text only texts and whole numbers
    can stand. What is filled in is not looked through again. Raises :class:`MissingVariables` naming all that
    have no value (None is no value), :class:`ManifestError` for one that cannot stand where it is used.
    """
    missing = [name for name in variables_in(value) if _look_up(name, variables) is None]
    if missing:
        raise MissingVariables(missing, (name for name, value in variables.items() if value is not None))
    return _filled(value, variables)


def _filled(value: Any, variables: Mapping[str, object]) -> Any:
    if isinstance(value, dict):
        return {_filled_key(key, variables): _filled(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    if not isinstance(value, str):
        return value
    if whole := _VARIABLE.fullmatch(value):
        return copy.deepcopy(_look_up(whole[1], variables))
    return _VARIABLE.sub(lambda found: _as_text(found[1], variables), value)


def _filled_key(key: str, variables: Mapping[str, object]) -> str:
    return _VARIABLE.sub(lambda found: _as_text(found[1], variables), key)


def _as_text(name: str, variables: Mapping[str, object]) -> str:
    value = _look_up(name, variables)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ManifestError(
            f"(({name})) is used within a longer text, but its value is neither a text nor a whole number.",
            f"Let (({name})) stand alone.",
        )
    return str(value)


def _look_up(name: str, variables: Mapping[str, object]) -> object:
    """The value of ``name`` or, for ``name.part``, of that part of it; None when there is none."""
    first, *parts = name.split(".")
    value: object = variables.get(first)
    for part in parts:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
