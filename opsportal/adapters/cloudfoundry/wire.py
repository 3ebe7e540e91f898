"""Reading the platform's JSON: what is its own, beside :mod:`opsportal.kit.answers`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from opsportal.kit import answers
from opsportal.kit.answers import Malformed, storable

__all__ = ["Fields", "Labelled", "Malformed", "Metadata", "Page", "metadata_body", "parse_object", "storable"]


class Fields(answers.Fields):
    """One JSON object of the platform's answer, and where in the answer it stands."""

    __slots__ = ()

    def objects(self, key: str) -> dict[str, Self]:
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
    return Fields(answers.parse(content))
