"""The router's access lines: method, path, status, time taken, host; and paths with their ids taken out. Pure."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

_LINE = re.compile(
    r"(?P<host>\S{1,300}) - \[(?P<at>[^\]]{1,60})\] \"(?P<method>[A-Z]{1,16}) (?P<target>\S{1,8000})[^\"]{0,20}\" "
    r"(?P<status>\d{3}|-) (?P<received>\d+|-) (?P<sent>\d+|-)"
)
_QUOTED = re.compile(r"\"([^\"]*)\"")
_NAMED = re.compile(r"(\w{3,40}):(?:\"([^\"]*)\"|(\S+))")
_LONGEST_PATH, _MOST_PARTS = 200, 12

_NUMBER = re.compile(r"\d+")
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d(?:-\d\d)?(?:[T_].*)?")
_HEX = re.compile(r"(?=.*\d)[0-9a-f]{7,}", re.IGNORECASE)
_TOKEN = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w=~-]{20,}")
_HASHED_FILE = re.compile(
    r"(?P<stem>[\w.@-]{0,80}?)[.-](?=[0-9a-f]*\d)[0-9a-f]{6,40}(?P<rest>(?:\.[a-z0-9]{1,8}){1,3})"
)
_KINDS = ((_NUMBER, "{number}"), (_UUID, "{id}"), (_DATE, "{date}"), (_HEX, "{id}"), (_TOKEN, "{id}"))


class Request(NamedTuple):
    """One request as the router saw it. ``took_ms`` is whole milliseconds, ``status`` 0 when there was no answer."""

    method: str
    target: str
    path: str
    status: int
    took_ms: int
    host: str
    fields: dict[str, str]


def read(text: str) -> Request | None:
    """The request of an access line (platform API §11.5, ``RTR``); None when the line is none."""
    found = _LINE.match(text)
    if found is None:
        return None
    rest = text[found.end() :]
    named = {name: quoted or bare for name, quoted, bare in _NAMED.findall(rest)}
    return Request(
        method=found["method"],
        target=found["target"],
        path=template(found["target"]),
        status=int(found["status"]) if found["status"] != "-" else 0,
        took_ms=_milliseconds(named.get("response_time", "")),
        host=found["host"],
        fields=_fields(found, rest, named),
    )


@lru_cache(maxsize=4096)
def template(target: str) -> str:
    """A path by which requests can be summed: without query, numbers and ids as placeholders.

    ``/domain/12/users/3f2b…`` is ``/domain/{number}/users/{id}``. Applying it twice changes nothing more.
    """
    path = re.sub(r"^https?://[^/]*", "", target.partition("?")[0].partition("#")[0])[:2000]
    parts = [_part(unquote(part, errors="replace")) for part in path.split("/")]
    if len(parts) > _MOST_PARTS + 1:
        parts = [*parts[: _MOST_PARTS + 1], "…"]
    kept = "/".join(parts) or "/"
    return kept if len(kept) <= _LONGEST_PATH else f"{kept[: _LONGEST_PATH - 1]}…"


def _part(part: str) -> str:
    part = "".join(
        each if each.isprintable() and each not in "/?#" else "\N{REPLACEMENT CHARACTER}" for each in part
    )
    for kind, placeholder in _KINDS:
        if kind.fullmatch(part):
            return placeholder
    if hashed := _HASHED_FILE.fullmatch(part):
        return f"{hashed['stem']}.{{hash}}{hashed['rest']}"
    return part


def _milliseconds(seconds: str) -> int:
    try:
        return min(max(0, round(float(seconds) * 1000)), 2_000_000_000)
    except (ValueError, OverflowError):
        return 0


def _fields(found: re.Match[str], rest: str, named: dict[str, str]) -> dict[str, str]:
    quoted = _QUOTED.findall(rest.partition(" x_forwarded_for:")[0])
    places = dict(zip(("referrer", "user agent", "client", "instance address"), quoted, strict=False))
    return {
        "host": found["host"],
        "method": found["method"],
        "path": found["target"],
        "status": found["status"],
        "bytes received": found["received"],
        "bytes sent": found["sent"],
        **places,
        **named,
    }
