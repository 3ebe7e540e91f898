"""Labels and annotations: the rules of platform API §9, merging, and how they are shown."""

import re
from typing import Any

from .errors import ApiError, unprocessable

MAX_LABELS = 50
MAX_ANNOTATIONS = 200
MAX_ANNOTATION = 5000
_MOST = (
    ("labels", MAX_LABELS, 390020, "CF-LabelLimitExceeded"),
    ("annotations", MAX_ANNOTATIONS, 390023, "CF-AnnotationLimitExceeded"),
)
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?\Z")
_PREFIX = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+\Z", re.IGNORECASE)
Metadata = dict[str, dict[str, str]]


def problems(metadata: Any) -> list[str]:
    """What is wrong with a ``metadata`` body, each as the platform words it; empty when it may be kept."""
    if not isinstance(metadata, dict):
        return ["Metadata must be an object"]
    found = [
        f"Metadata has unexpected field(s): '{key}'"
        for key in metadata
        if key not in {"labels", "annotations"}
    ]
    for part, noun in (("labels", "label"), ("annotations", "annotation")):
        values = metadata.get(part, {})
        if not isinstance(values, dict):
            found.append(f"Metadata '{part}' is not an object")
            continue
        for key, value in values.items():
            wrong = key_problem(key, noun) or _value_problem(noun, key, value)
            found += [f"Metadata {wrong}"] if wrong else []
    return found


def key_problem(key: str, noun: str = "label") -> str | None:
    """What is wrong with a label's or annotation's key, or None."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        return f"{noun} key has more than one '/'"
    if slash and (not _PREFIX.match(prefix) or len(prefix) > 253):
        return f"{noun} key error: prefix '{prefix}' must be in valid dns format"
    if prefix.lower() == "cloudfoundry.org":
        return f"{noun} key error: prefix 'cloudfoundry.org' is reserved"
    if not name:
        return f"{noun} key error: key cannot be empty string"
    if len(name) > 63:
        return f"{noun} key error: '{name[:8]}...' is greater than 63 characters"
    if not _NAME.match(name):
        return f"{noun} key error: '{name}' contains invalid characters"
    return None


def label_value_problem(value: str) -> str | None:
    """What is wrong with a label's value, or None. An empty one is fine."""
    if len(value) > 63:
        return f"label value error: '{value[:8]}...' is greater than 63 characters"
    if value and not _NAME.match(value):
        return f"label value error: '{value}' contains invalid characters"
    return None


def _value_problem(noun: str, key: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return f"{noun} value error: '{key}' must be a string"
    if noun == "label":
        return label_value_problem(value)
    if len(value) > MAX_ANNOTATION:
        return f"annotation value error: '{value[:8]}...' is greater than {MAX_ANNOTATION} characters"
    return None


def merged(before: Metadata | None, body: dict[str, Any]) -> Metadata:
    """The metadata after a create or PATCH body: merged per key, null deletes. 422 when a rule is broken.

    ``body`` is the whole request body; one without ``metadata`` changes nothing.
    """
    given = body.get("metadata")
    kept = present(before)
    if given is None:
        return kept
    wrong = problems(given)
    if wrong:
        raise unprocessable(", ".join(wrong))
    for part in ("labels", "annotations"):
        for key, value in given.get(part, {}).items():
            if value is None:
                kept[part].pop(key, None)
            else:
                kept[part][key] = value
    _check_counts(kept)
    return kept


def _check_counts(metadata: Metadata) -> None:
    for part, most, code, title in _MOST:
        count = len(metadata[part])
        if count > most:
            detail = f"Failed to add {count} {part} because it would exceed maximum of {most}"
            raise ApiError(422, code, title, detail)


def present(metadata: Metadata | None) -> Metadata:
    """The metadata as answers show it: both parts, always."""
    given = metadata or {}
    return {"labels": dict(given.get("labels") or {}), "annotations": dict(given.get("annotations") or {})}
