"""What may stand in a message: one line, bounded, without control characters and without secrets. Pure."""

import re

from opsportal.audit.redaction import REDACTED, clean_text
from opsportal.kit.text import safe_text

LONGEST = 500
_NAMED = re.compile(
    r"(?P<name>\b[\w.-]{0,40}?(?:pass(?:word|wd|phrase|code)|pwd|secret|token|credential|api[_-]?key|private[_-]?key"
    r"|access[_-]?key|database_url|dsn|cookie)[\w.-]{0,20}[\"']?\s{0,3}[=:]\s{0,3})(?P<value>\"[^\"]*\"|'[^']*'|[^\s,;&]+)",
    re.IGNORECASE,
)
_SHAPES = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)?|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}"
    r"|\bxox[abeprs]-[\w-]{10,}|\bxapp-[\w-]{10,}|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*"
)


def safe_value(value: object, limit: int = LONGEST) -> str:
    """A value as one line of safe text; "" for None. Lists are joined with commas."""
    if value is None:
        return ""
    several = isinstance(value, list | tuple | set | frozenset)
    given = ", ".join(map(str, value)) if several else str(value)  # type: ignore[call-overload]
    line = " ".join(given[: 4 * limit].split())
    line = clean_text(_SHAPES.sub(REDACTED, _NAMED.sub(rf"\g<name>{REDACTED}", line)), 4 * limit)
    return safe_text(line, limit)


def safe_path(url: str) -> str:
    """A path inside the portal, as it was given; "/" for anything that could lead elsewhere."""
    inside = url.startswith("/") and not url.startswith(("//", "/\\"))
    return url if inside and url.isprintable() and " " not in url and len(url) <= 1000 else "/"
