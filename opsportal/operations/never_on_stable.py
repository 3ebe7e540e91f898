"""The step's own refusal, one of four places that each alone keep stable's data safe (architecture.md). Pure.

It believes neither our row alone nor the platform alone: either calling it stable is enough to refuse, and the two not
fitting together is too.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Named:
    """An environment as one side names it."""

    app: str
    space: str


@dataclass(frozen=True)
class Place:
    """What is about to lose data: our row (name, kind, names it should have), and what the platform says is there.

    ``stable``: the names stable's app and space have by the settings' patterns.
    """

    name: str
    kind: str
    expected: Named
    found: Named
    stable: Named


def refusal(place: Place) -> tuple[str, str] | None:
    """(error id, what) when nothing may be destroyed there; None when the place is what it should be, and not stable."""
    if place.kind == "stable" or place.name == "stable":
        return "guard:stable", f"{place.name} is the portal's stable environment."
    if place.stable.app in {place.found.app, place.expected.app}:
        return "guard:stable", f"Its app is “{place.found.app}”."
    if place.stable.space in {place.found.space, place.expected.space}:
        return "guard:stable", f"Its space is “{place.found.space}”."
    if place.found != place.expected:
        said = f"the app “{place.found.app}” in the space “{place.found.space}”"
        wanted = f"“{place.expected.app}” in “{place.expected.space}”"
        return "guard:mismatch", f"{place.name} should be {wanted}, but the platform has {said}."
    return None
