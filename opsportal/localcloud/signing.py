"""The key that tokens are signed with, kept in the data directory, and compact JSON web tokens made with
it.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Any

KEY_ID = "local-cloud-key"


class BadToken(Exception):
    """A token that is malformed or was not signed with our key."""


def secret_file(path: Path) -> str:
    """The secret kept in a file only its owner may read; made at first use."""
    if not path.exists():
        made = path.with_suffix(".new")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        made.replace(path)
    return path.read_text().strip()


MOST_READ = 1000  # tokens whose claims are remembered


class Signer:
    """Signs and reads HS256 tokens with the key in ``path``."""

    def __init__(self, path: Path) -> None:
        self._key = secret_file(path).encode()
        self._read: dict[str, dict[str, Any]] = {}

    def sign(self, claims: dict[str, Any], jku: str) -> str:
        """A token with these claims; ``jku`` is where its key is described."""
        header = {"alg": "HS256", "jku": jku, "kid": KEY_ID, "typ": "JWT"}
        signed = f"{_encoded(header)}.{_encoded(claims)}"
        return f"{signed}.{self._signature(signed)}"

    def read(self, token: str) -> dict[str, Any]:
        """The claims of a token; :class:`BadToken` unless it is ours.

        Times and audience are the caller's to check. The claims are shared between calls: nobody may change them.
        """
        known = self._read.get(token)
        if known is not None:
            return known
        claims = self._checked(token)
        if len(self._read) >= MOST_READ:
            self._read = {}
        self._read[token] = claims
        return claims

    def _checked(self, token: str) -> dict[str, Any]:
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._signature(signed).encode(), signature.encode("utf-8", "replace")):
            raise BadToken("signature")
        header, _, payload = signed.partition(".")
        if _decoded(header).get("alg") != "HS256":
            raise BadToken("algorithm")
        return _decoded(payload)

    def _signature(self, signed: str) -> str:
        return _base64(hmac.new(self._key, signed.encode("utf-8", "replace"), hashlib.sha256).digest())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _encoded(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _decoded(part: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError as error:
        raise BadToken("not readable") from error
    if not isinstance(value, dict):
        raise BadToken("not an object")
    return value
