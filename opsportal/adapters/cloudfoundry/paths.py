"""Paths and queries of the v3 API, built so that a value can never become more than a value."""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

_MOST_GUIDS_IN_A_QUERY = 50
_LABEL_KEY = re.compile(r"(?:[A-Za-z0-9.-]{1,253}/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")


def v3(*parts: str) -> str:
    """Build an API path; a part can neither be empty nor climb. Raises ValueError."""
    if any(part.strip(".") == "" for part in parts):
        raise ValueError("an empty identifier in a platform path")
    return "/v3/" + "/".join(quote(part, safe="") for part in parts)


def filters(**lists: Iterable[str] | None) -> dict[str, str]:
    """Build list filters; None is left out. A comma inside a value is escaped once more (cf-api §10.2)."""
    return {
        name: ",".join(one.replace("%", "%25").replace(",", "%2C") for one in values)
        for name, values in lists.items()
        if values is not None
    }


def labelled(labels: Mapping[str, str | None] | None) -> dict[str, str]:
    """Build a ``label_selector`` that wants every label given; None as value means "has the key" (cf-api §9).

    Raises ValueError for a key or value that cannot be a label and so could change the selector's meaning.
    """
    for key, value in (labels or {}).items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value or ""):
            raise ValueError("not a platform label")
    wanted = [key if value is None else f"{key}={value}" for key, value in (labels or {}).items()]
    return {"label_selector": ",".join(wanted)} if wanted else {}


def in_portions(guids: Iterable[str]) -> Iterator[list[str]]:
    """Cut guids into portions that fit a URL; none for no guids, since an empty filter would mean "all"."""
    everything = list(dict.fromkeys(guids))
    for start in range(0, len(everything), _MOST_GUIDS_IN_A_QUERY):
        yield everything[start : start + _MOST_GUIDS_IN_A_QUERY]
