"""Reading the platform's JSON with suspicion.

Every answer is read through ``Fields``, which knows where it stands, so that a missing or misshapen field
ends in words such as "resources[3].state is missing" and never in a KeyError. The value itself is never
repeated: it could be a secret.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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
        value = self._values.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise Malformed(f"{self.place(key)} is not true or false")
        return value

    def moment(self, key: str) -> datetime:
        """Read a time that must be there, as an aware UTC datetime (cf-api §10.2)."""
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

    def within(self, key: str) -> "Fields":
        """Step into a nested object; absent or null is an empty one."""
        value = self._values.get(key)
        return Fields({} if value is None else value, self.place(key))

    def maybe_within(self, key: str) -> "Fields | None":
        """Step into a nested object, or None when it is absent or null."""
        return None if self._values.get(key) is None else self.within(key)

    def items(self, key: str) -> list["Fields"]:
        """Read a list of objects that must be there."""
        if self._values.get(key) is None:
            raise Malformed(f"{self.place(key)} is missing")
        return self.maybe_items(key)

    def maybe_items(self, key: str) -> list["Fields"]:
        """Read a list of objects; absent or null is an empty one."""
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise Malformed(f"{self.place(key)} is not a list")
        return [Fields(one, f"{self.place(key)}[{number}]") for number, one in enumerate(value)]

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

    def objects(self, key: str) -> dict[str, "Fields"]:
        """Read an object whose values are objects, by their names."""
        inner = self.within(key)
        return {name: inner.within(name) for name in inner.raw()}

    def hidden_texts(self, key: str) -> dict[str, str]:
        """Like ``texts``, for objects that lists replace by a "hidden" notice: then empty (cf-api §8.6)."""
        return self.texts(key) if isinstance(self._values.get(key), dict) else {}

    def related(self, name: str) -> str | None:
        """Read the guid of a to-one relationship, or None where there is none."""
        return self.within("relationships").within(name).within("data").maybe_text("guid")

    def linked(self, name: str) -> str | None:
        """Read the guid at the end of a link's href, or None where there is no such link."""
        href = self.within("links").within(name).maybe_text("href")
        return href.rstrip("/").rpartition("/")[2] or None if href else None

    def raw(self) -> Mapping[str, Any]:
        """Give the object as it came."""
        return self._values


@dataclass(frozen=True)
class Page:
    """One page of a list: its objects, what was included beside them, and the next page's address."""

    resources: list[Fields]
    included: Fields
    next: str | None

    @classmethod
    def read(cls, fields: Fields) -> "Page":
        """Read a list answer (cf-api §10.1)."""
        following = fields.within("pagination").maybe_within("next")
        return cls(
            fields.items("resources"),
            fields.within("included"),
            following.text("href") if following else None,
        )


@dataclass(frozen=True)
class Metadata:
    """Labels (searchable) and annotations (free text) of a platform object, cf-api §9."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, fields: Fields) -> "Metadata":
        """Read an object's ``metadata``; absent is empty."""
        found = fields.within("metadata")
        return cls(found.texts("labels"), found.texts("annotations"))


class Labelled:
    """A platform object with metadata, its labels and annotations within easy reach."""

    metadata: Metadata

    @property
    def labels(self) -> Mapping[str, str]:
        """The object's labels."""
        return self.metadata.labels

    @property
    def annotations(self) -> Mapping[str, str]:
        """The object's annotations."""
        return self.metadata.annotations


def metadata_body(
    labels: Mapping[str, str | None] | None, annotations: Mapping[str, str | None] | None = None
) -> dict[str, Any]:
    """Build the ``metadata`` part of a request; null deletes a key on PATCH."""
    parts = {"labels": dict(labels or {}), "annotations": dict(annotations or {})}
    return (
        {"metadata": {name: values for name, values in parts.items() if values}}
        if any(parts.values())
        else {}
    )


def parse_object(content: bytes) -> Fields:
    """Parse a body into its outermost object; raises Malformed when it is not JSON or not an object."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise Malformed("the answer is not JSON") from None
    return Fields(value)


def storable(text: str) -> str:
    """Replace what no database takes as text: NUL and lone surrogates."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
