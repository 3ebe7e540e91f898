"""Checks of request bodies in the platform's words: unknown keys, wrong types, missing relationships
(422).
"""

from __future__ import annotations

import re
from typing import Any

from . import metadata
from .errors import quoted, unprocessable

_GUID_KEYS = {"guid"}


def known_fields(body: dict[str, Any], *names: str) -> None:
    """422 "Unknown field(s): 'x'" for any key but these."""
    unknown = [key for key in body if key not in names]
    if unknown:
        raise unprocessable(f"Unknown field(s): {quoted(unknown)}")


def human(name: str) -> str:
    """``space_guid`` → "Space guid", as the platform's texts name a field."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


class Body:
    """A request body being checked; problems are collected and raised together by :meth:`check`.

    Each getter returns the value, or its default when the key is absent or wrong: use the values only after
    ``check``.
    """

    def __init__(self, values: dict[str, Any], *known: str) -> None:
        self.values = values
        self.problems: list[str] = []
        unknown = [key for key in values if key not in known]
        if unknown:
            self.problems.append(f"Unknown field(s): {quoted(unknown)}")

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def check(self) -> None:
        """422 with all problems, joined by a comma; metadata included."""
        if "metadata" in self.values:
            self.problems += metadata.problems(self.values["metadata"])
        if self.problems:
            raise unprocessable(", ".join(self.problems))

    def string(
        self,
        key: str,
        default: str | None = None,
        *,
        required: bool = False,
        longest: int = 255,
        null: bool = False,
    ) -> str:
        """A text of 1 to ``longest`` characters; ``required`` also refuses an absent one."""
        value = self.values.get(key)
        if key not in self.values:
            if required:
                self.problems.append(f"{human(key)} can't be blank")
        elif value is None and null:
            pass
        elif not isinstance(value, str):
            self.problems.append(f"{human(key)} must be a string")
        elif required and not value.strip():
            self.problems.append(f"{human(key)} can't be blank")
        elif len(value) > longest:
            self.problems.append(f"{human(key)} is too long (maximum is {longest} characters)")
        else:
            return value
        return default if default is not None else ""

    def boolean(self, key: str, default: bool = False) -> bool:
        """true or false."""
        value = self.values.get(key, default)
        if isinstance(value, bool):
            return value
        self.problems.append(f"{human(key)} must be a boolean")
        return default

    def integer(self, key: str, default: int | None = None, *, least: int = 0) -> int | None:
        """A whole number of at least ``least``, or None where the key is absent or null."""
        value = self.values.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            self.problems.append(f"{human(key)} must be an integer")
        elif value < least:
            self.problems.append(f"{human(key)} must be greater than or equal to {least}")
        else:
            return value
        return default

    def object(self, key: str, default: dict[str, Any] | None = None) -> dict[str, Any]:
        """A JSON object, or ``{}`` where the key is absent or null."""
        value = self.values.get(key)
        if isinstance(value, dict):
            return value
        if value is not None:
            self.problems.append(f"{human(key)} must be an object")
        return default or {}

    def strings(self, key: str) -> list[str]:
        """A list of texts."""
        value = self.values.get(key)
        if value is None:
            return []
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return value
        self.problems.append(f"{human(key)} must be an array of strings")
        return []

    def choice(self, key: str, options: tuple[str, ...], default: str = "") -> str:
        """One of a few words."""
        value = self.values.get(key, default)
        if isinstance(value, str) and value in options:
            return value
        self.problems.append(f"{human(key)} must be one of {quoted(options)}")
        return default

    def relationship(self, name: str, *, required: bool = True) -> str:
        """The guid of a to-one relationship; empty when it is absent and not required."""
        relationships = self.values.get("relationships")
        if not isinstance(relationships, dict):
            if required or relationships is not None:
                self._once("Relationships 'relationships' is not an object")
            return ""
        given = relationships.get(name)
        if given is None and not required:
            return ""
        guid = one_guid(given)
        if guid is None:
            blank = f"{human(name)} can't be blank, " if given is None else ""
            self.problems.append(
                f"Relationships {blank}{human(name)} must be structured like this: "
                f'"{name}: {{"data": {{"guid": "valid-guid"}}}}"'
            )
        return guid or ""

    def relationships_known(self, *names: str) -> None:
        """Refuse relationships but these."""
        given = self.values.get("relationships")
        unknown = [key for key in given if key not in names] if isinstance(given, dict) else []
        if unknown:
            self.problems.append(f"Relationships Unknown field(s): {quoted(unknown)}")

    def _once(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def one_guid(value: Any) -> str | None:
    """The guid in ``{"data": {"guid": …}}``, or None when it is anything else."""
    data = value.get("data") if isinstance(value, dict) and set(value) == {"data"} else None
    guid = data.get("guid") if isinstance(data, dict) and set(data) == _GUID_KEYS else None
    return guid if isinstance(guid, str) and 0 < len(guid) <= 200 else None


def many_guids(value: Any) -> list[str] | None:
    """The guids in ``{"data": [{"guid": …}, …]}``, or None when it is anything else."""
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, list):
        return None
    guids = [one_guid({"data": one}) for one in data]
    return [guid for guid in guids if guid] if all(guids) else None


def to_many(body: dict[str, Any]) -> list[str]:
    """The guids of a to-many relationship body; 422 when it is not one."""
    known_fields(body, "data")
    guids = many_guids(body)
    if guids is None:
        raise unprocessable('Data must be structured like this: "data: [{"guid": "valid-guid"}]"')
    return guids


def is_url(text: str) -> bool:
    """Whether a text is an absolute http(s) or syslog address."""
    return re.match(r"(https?|syslog|syslog-tls)://\S+\Z", text) is not None
