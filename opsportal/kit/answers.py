"""Reading a foreign JSON answer with suspicion.

Every answer is read through ``Fields``, which knows where it stands, so that a missing or misshapen field
ends in words such as "resources[3].state is missing" and never in a KeyError. The value itself is never
repeated: it could be a secret.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self


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

    def place(self, key: str) -> str:
        """Name a field the way a message should: ``resources[3].state``."""
        return f"{self._at}.{key}" if self._at else key

    def text(self, key: str) -> str:
        """Read a text that must be there."""
        value = self.maybe_text(key)
        if value is None:
            raise Malformed(f"{self.place(key)} is missing")
        return value

    def guid(self, key: str = "guid") -> str:
        """Read an identifier that must be there and not be empty."""
        value = self.text(key)
        if not value:
            raise Malformed(f"{self.place(key)} is empty")
        return value

    def maybe_text(self, key: str) -> str | None:
        """Read a text that may be absent or null."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise Malformed(f"{self.place(key)} is not a text")
        return storable(value)

    def whole(self, key: str) -> int:
        """Read a whole number that must be there."""
        value = self.maybe_whole(key)
        if value is None:
            raise Malformed(f"{self.place(key)} is missing")
        return value

    def maybe_whole(self, key: str) -> int | None:
        """Read a whole number that may be absent or null."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise Malformed(f"{self.place(key)} is not a whole number")
        if not -(2**63) <= value < 2**63:  # no database keeps more
            raise Malformed(f"{self.place(key)} is out of range")
        return value

    def maybe_number(self, key: str) -> float | None:
        """Read a number that may be absent or null."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Malformed(f"{self.place(key)} is not a number")
        if not -1e300 < value < 1e300:
            raise Malformed(f"{self.place(key)} is out of range")
        return float(value)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Read a yes or no; absent or null is the default."""
        value = self.maybe_flag(key)
        return default if value is None else value

    def maybe_flag(self, key: str) -> bool | None:
        """Read a yes, a no, or neither yet (null or absent)."""
        value = self._values.get(key)
        if value is not None and not isinstance(value, bool):
            raise Malformed(f"{self.place(key)} is not true or false")
        return value

    def moment(self, key: str) -> datetime:
        """Read a time that must be there, as an aware UTC datetime."""
        value = self.maybe_moment(key)
        if value is None:
            raise Malformed(f"{self.place(key)} is missing")
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
            raise Malformed(f"{self.place(key)} is not a time") from None

    def within(self, key: str) -> Self:
        """Step into a nested object; absent or null is an empty one."""
        value = self._values.get(key)
        return type(self)({} if value is None else value, self.place(key))

    def maybe_within(self, key: str) -> Self | None:
        """Step into a nested object, or None when it is absent or null."""
        return None if self._values.get(key) is None else self.within(key)

    def items(self, key: str) -> list[Self]:
        """Read a list of objects that must be there."""
        if self._values.get(key) is None:
            raise Malformed(f"{self.place(key)} is missing")
        return self.maybe_items(key)

    def maybe_items(self, key: str) -> list[Self]:
        """Read a list of objects; absent or null is an empty one."""
        value = self.mixed(key)
        return [type(self)(one, f"{self.place(key)}[{number}]") for number, one in enumerate(value)]

    def mixed(self, key: str) -> list[Any]:
        """Read a list of anything, as it came; absent or null is an empty one."""
        value = self._values.get(key)
        if value is not None and not isinstance(value, list):
            raise Malformed(f"{self.place(key)} is not a list")
        return value or []

    def names(self, key: str) -> tuple[str, ...]:
        """Read a list of texts; absent or null is an empty one."""
        value = self._values.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise Malformed(f"{self.place(key)} is not a list of texts")
        return tuple(storable(one) for one in value)

    def texts(self, key: str) -> dict[str, str]:
        """Read an object of texts; numbers and flags become their JSON words, null an empty text."""
        inner = self.within(key)
        return {storable(name): inner.as_text(name) for name in inner.raw()}

    def as_text(self, key: str) -> str:
        """Turn a scalar into text the way the platform does in an app's environment."""
        value = self._values.get(key)
        if isinstance(value, dict | list):
            raise Malformed(f"{self.place(key)} is not a text")
        if isinstance(value, str):
            return storable(value)
        return "" if value is None else json.dumps(value)

    def raw(self) -> Mapping[str, Any]:
        """Give the object as it came."""
        return self._values


def parse(content: bytes) -> object:
    """Parse a body; raises Malformed when it is not JSON."""
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError):
        raise Malformed("the answer is not JSON") from None
    return value


def storable(text: str) -> str:
    """Replace what no database takes as text: NUL and lone surrogates."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
