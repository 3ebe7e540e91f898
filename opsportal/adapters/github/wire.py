"""Reading GitHub's JSON: what is its own, beside :mod:`opsportal.kit.answers`."""

from datetime import UTC, datetime

from opsportal.kit import answers
from opsportal.kit.answers import Malformed, parse, storable

__all__ = ["Fields", "Malformed", "instant", "parse_list", "parse_object", "storable"]


class Fields(answers.Fields):
    """One JSON object of GitHub's answer, and where in the answer it stands."""

    __slots__ = ()

    def each(self, key: str, inside: str) -> tuple[str, ...]:
        """Read one text of each object in a list: ``each("labels", "name")``."""
        return tuple(one.text(inside) for one in self.maybe_items(key))

    def login(self, key: str) -> str:
        """Read whose it is; who is gone is an empty text."""
        return self.within(key).maybe_text("login") or ""


def parse_object(content: bytes) -> Fields:
    """Parse a body that is an object."""
    return Fields(parse(content))


def parse_list(content: bytes, key: str = "") -> list[Fields]:
    """Parse a body that is a list of objects, or an object that has the list under ``key``."""
    value = parse(content)
    if key:
        return Fields(value).maybe_items(key)
    if not isinstance(value, list):
        raise Malformed("the answer is not a list")
    return [Fields(one, f"[{number}]") for number, one in enumerate(value)]


def instant(moment: datetime) -> str:
    """Write a time as GitHub's ``since`` wants it; raises ValueError for one without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
