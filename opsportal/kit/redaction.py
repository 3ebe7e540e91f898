"""Secrets taken out of what is kept, where they can be recognised. Pure, and linear in the length of the text."""

import re

REDACTED = "[redacted]"

#: One of these is in every text that the rules below change; to look for them is quick.
_HINTS = (
    "://", "bearer", "basic", "pass", "pwd", "secret", "token", "key", "credential", "authorization", "session",
    "cookie", "dsn", "database_url", "akia", "asia", "eyj", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "xox",
)  # fmt: skip
_URL = re.compile(
    r"(?<![a-z0-9+.-])(?P<scheme>[a-z][a-z0-9+.-]{0,30}://)[^\s/@\"']{0,300}:[^\s@\"']{1,500}@", re.IGNORECASE
)
_BEARER = re.compile(r"\b(?P<kind>bearer|basic)\s+[a-z0-9._~+/=-]{8,}", re.IGNORECASE)
_WORDS = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|credential|authorization|set-cookie|cookie|session_?(?:id|key)"
    r"|(?:api|access|private|signing|service|secret|encryption)[_-]?key|dsn|database_url"
)
#: ``PASSWORD=x``, ``password: x``, ``"api_key": "x"``, and the same inside a JSON string (with backslashes).
_NAMED = re.compile(
    rf"(?<![\w.-])(?P<key>[\w.-]{{0,40}}?(?:{_WORDS})[\w.-]{{0,20}})(?P<close>\\?[\"'])?(?P<is>\s{{0,3}}[=:]\s{{0,3}})"
    r"(?P<value>\\?\"(?:[^\"\\]|\\[^\"])*\\?\"|'[^']*'|\[redacted\]|[^\s,;&\"'\\)\]}]+)",
    re.IGNORECASE,
)
_SHAPES = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]{0,4000})?|\bgh[pousr]_\w{20,255}\b"
    r"|\bxox[abeprs]-[\w-]{10,}"
)
_PRIVATE_KEY = re.compile(
    r"(?P<begin>-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)(?:(?!-----END )[\s\S])*(?P<end>-----END [A-Z ]{0,30}-----)?"
)


def redact(text: str) -> str:
    """The text without passwords in addresses, bearer tokens, private keys, and values of names that say secret.

    A JSON object stays one. Applying it twice changes nothing more.
    """
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return text
    text = _PRIVATE_KEY.sub(lambda found: f"{found['begin']}{REDACTED}{found['end'] or ''}", text)
    text = _NAMED.sub(_without_value, text)
    text = _URL.sub(rf"\g<scheme>{REDACTED}@", text)
    text = _BEARER.sub(rf"\g<kind> {REDACTED}", text)
    return _SHAPES.sub(REDACTED, text)


def _without_value(found: re.Match[str]) -> str:
    value, close = found["value"], found["close"] or ""
    quote = value[:2] if value.startswith("\\") else value[:1]
    if quote.strip("\\") not in {'"', "'"}:
        quote = close
    if value.lower() in {"null", "none", "true", "false", '""', "''"} or REDACTED in value:
        return found[0]
    if value.lower() in {
        "bearer",
        "basic",
    }:  # "Authorization: Bearer [redacted]": what matters is gone already
        return found[0]
    return f"{found['key']}{close}{found['is']}{quote}{REDACTED}{quote}"
