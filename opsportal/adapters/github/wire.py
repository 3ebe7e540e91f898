"""Reading GitHub's JSON with suspicion: a missing or misshapen field is named, and its value never repeated."""

import json
from datetime import UTC, datetime
from typing import Any


class Malformed(Exception):
    """An answer does not have the documented shape; the text names the place, never the value."""


class Fields:
    """One JSON object of an answer, and where in the answer it stands."""

    __slots__ = ("_at", "_values")

    def __init__(self, value: object, at: str = "") -> None:
        """Take a parsed JSON value; raises Malformed unless it is an object."""
        if not isinstance(value, dict):
            raise Malformed(f"{at or 'the answer'} is not an object")
        self._values: dict[str, Any] = value
        self._at = at

    def _place(self, key: str) -> str:
        return f"{self._at}.{key}" if self._at else key

    def _missing(self, key: str) -> Malformed:
        return Malformed(f"{self._place(key)} is missing")

    def text(self, key: str) -> str:
        """Read a text that must be there."""
        value = self.maybe_text(key)
        if value is None:
            raise self._missing(key)
        return value

    def maybe_text(self, key: str) -> str | None:
        """Read a text that may be absent or null."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise Malformed(f"{self._place(key)} is not a text")
        return storable(value)

    def whole(self, key: str) -> int:
        """Read a whole number that must be there."""
        value = self._values.get(key)
        if value is None:
            raise self._missing(key)
        if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
            raise Malformed(f"{self._place(key)} is not a whole number")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Read a yes or no; absent or null is the default."""
        value = self.maybe_flag(key)
        return default if value is None else value

    def maybe_flag(self, key: str) -> bool | None:
        """Read a yes, a no, or neither yet (null or absent)."""
        value = self._values.get(key)
        if value is not None and not isinstance(value, bool):
            raise Malformed(f"{self._place(key)} is not true or false")
        return value

    def moment(self, key: str) -> datetime:
        """Read a time that must be there, as an aware UTC datetime."""
        value = self.maybe_moment(key)
        if value is None:
            raise self._missing(key)
        return value

    def maybe_moment(self, key: str) -> datetime | None:
        """Read a time that may be absent or null."""
        value = self.maybe_text(key)
        if value is None:
            return None
        try:
            parsed = datetime.fromisoformat(value)
            return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Malformed(f"{self._place(key)} is not a time") from None

    def within(self, key: str) -> "Fields":
        """Step into a nested object; absent or null is an empty one."""
        value = self._values.get(key)
        return Fields({} if value is None else value, self._place(key))

    def items(self, key: str) -> list["Fields"]:
        """Read a list of objects; absent or null is an empty one."""
        return [Fields(one, f"{self._place(key)}[{number}]") for number, one in enumerate(self._listed(key))]

    def names(self, key: str, inside: str) -> tuple[str, ...]:
        """Read one text of each object in a list: ``names("labels", "name")``."""
        return tuple(one.text(inside) for one in self.items(key))

    def _listed(self, key: str) -> list[Any]:
        value = self._values.get(key)
        if value is not None and not isinstance(value, list):
            raise Malformed(f"{self._place(key)} is not a list")
        return value or []

    def mixed(self, key: str) -> list[Any]:
        """Read a list of anything, as it came."""
        return self._listed(key)

    def login(self, key: str) -> str:
        """Read whose it is; who is gone is an empty text."""
        return self.within(key).maybe_text("login") or ""


def parse(content: bytes) -> object:
    """Parse a body; raises Malformed when it is not JSON."""
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError):
        raise Malformed("the answer is not JSON") from None
    return value


def parse_object(content: bytes) -> Fields:
    """Parse a body that is an object."""
    return Fields(parse(content))


def parse_list(content: bytes, key: str = "") -> list[Fields]:
    """Parse a body that is a list of objects, or an object that has the list under ``key``."""
    value = parse(content)
    if key:
        return Fields(value).items(key)
    if not isinstance(value, list):
        raise Malformed("the answer is not a list")
    return [Fields(one, f"[{number}]") for number, one in enumerate(value)]


def storable(text: str) -> str:
    """Replace what no database takes as text: NUL and lone surrogates."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def instant(moment: datetime) -> str:
    """Write a time as GitHub's ``since`` wants it; raises ValueError for one without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
