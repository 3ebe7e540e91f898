"""Hashes and seals over plain values, by the standard library alone."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """The one way to write these plain values down: equal values give equal bytes, whatever database kept
    them.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def derived_key(secret: str, purpose: str) -> bytes:
    """A key for one purpose, made from the site's secret; keys of two purposes tell nothing of each other."""
    return hmac.new(secret.encode(), f"opsportal:{purpose}".encode(), hashlib.sha256).digest()


def seal(key: bytes, message: bytes) -> str:
    """What only a holder of the key can put under the message: an HMAC-SHA-256 in hexadecimal."""
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def seal_holds(key: bytes, message: bytes, given: str) -> bool:
    """Whether ``given`` is the seal of the message; compared in constant time."""
    return hmac.compare_digest(seal(key, message).encode(), given.encode())
