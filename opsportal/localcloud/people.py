"""Who can sign in: users and clients with their passwords, kept hashed, and locked after too many wrong ones (§2)."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TYPE_CHECKING, Any

from werkzeug.security import check_password_hash, generate_password_hash

from .errors import ApiError
from .store import Document

if TYPE_CHECKING:
    from .context import Cloud

# Moderate: the estate is checked at each start, and its file holds the passwords as they are.
HASH_METHOD = "scrypt:4096:8:1"
FAILURES_UNTIL_LOCKED = 5
LOCKED_SECONDS = 300
CLIENTS: dict[str, dict[str, Any]] = {
    "cf": {"grants": ["password", "refresh_token"], "redirect_uris": []},
    "ssh-proxy": {"grants": ["authorization_code"], "redirect_uris": ["http://localhost/"]},
}


class UaaError(ApiError):
    """An error in UAA's form: ``{"error", "error_description"}`` (platform API §2.5)."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, 0, error, description)

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {"error": self.title, "error_description": self.detail}


def bad_credentials() -> UaaError:
    """401: wrong name, password or code."""
    return UaaError(401, "unauthorized", "Bad credentials")


def hashed(password: str) -> str:
    """A password as it is kept."""
    return generate_password_hash(password, HASH_METHOD)


def digest(secret: str) -> str:
    """What random codes and refresh tokens are kept under."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_user(
    cloud: Cloud, username: str, password: str | None, *, origin: str = "uaa", groups: tuple[str, ...] = ()
) -> Document:
    """A new user who can sign in when there is a password; 409 in UAA's form when the name is taken."""
    with cloud.store.lock:
        if cloud.store.find("user", username=username, origin=origin):
            raise UaaError(409, "scim_resource_already_exists", f"Username already in use: {username}")
        return cloud.store.create(
            "user",
            {
                "username": username,
                "presentation_name": username,
                "origin": origin,
                "password_hash": hashed(password) if password else None,
                "groups": list(groups),
                "metadata": {"labels": {}, "annotations": {}},
            },
        )


def create_client_user(cloud: Cloud, client_id: str) -> Document:
    """A client as a user of the platform, so that it can be given roles: its id is its guid, and it has no name."""
    client: Document = {"username": None, "presentation_name": client_id, "origin": None, "groups": []}
    return cloud.store.create("user", {"guid": client_id, "password_hash": None, "metadata": None, **client})


def delete_user(cloud: Cloud, guid: str) -> None:
    """Forget a user with all roles and tokens."""
    with cloud.store.lock:
        for kind in ("role", "refresh_token", "uaa_code"):
            for one in cloud.store.find(kind, user_guid=guid):
                cloud.store.delete(kind, one["guid"])
        cloud.store.delete("user", guid)


class Lockout:
    """Counts wrong passwords of a user; five in a row lock the account for five minutes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: dict[str, tuple[int, float]] = {}

    def is_locked(self, guid: str) -> bool:
        """Whether the account is locked now."""
        with self._lock:
            count, last = self._failures.get(guid, (0, 0.0))
            if count and time.monotonic() - last > LOCKED_SECONDS:
                del self._failures[guid]
                return False
            return count >= FAILURES_UNTIL_LOCKED

    def note(self, guid: str, good: bool) -> None:
        """Remember how a try went."""
        with self._lock:
            if good:
                self._failures.pop(guid, None)
            else:
                self._failures[guid] = (self._failures.get(guid, (0, 0.0))[0] + 1, time.monotonic())


lockout = Lockout()


def user_by_password(cloud: Cloud, username: str, password: str, origin: str | None = None) -> Document:
    """The user with this name and password; UAA's 401 otherwise."""
    found = [one for one in cloud.store.find("user", username=username) if one.get("password_hash")]
    found = [one for one in found if origin is None or one["origin"] == origin]
    if not found:
        raise bad_credentials()
    user = found[0]
    if lockout.is_locked(user["guid"]):
        detail = "Your account has been locked because of too many failed attempts to login."
        raise UaaError(401, "unauthorized", detail)
    good = check_password_hash(user["password_hash"], password)
    lockout.note(user["guid"], good)
    if not good:
        raise bad_credentials()
    return user


def client(cloud: Cloud, client_id: str, secret: str) -> Document:
    """The client with this id and secret; UAA's 401 otherwise."""
    kept = cloud.store.get("uaa_client", client_id)
    if kept is not None and check_password_hash(kept["secret_hash"], secret):
        return kept
    if client_id in CLIENTS and not secret:
        return known_client(cloud, client_id)
    raise UaaError(401, "invalid_client", "Bad client credentials")


def known_client(cloud: Cloud, client_id: str) -> Document:
    """A client by its id alone; UAA's 401 when there is none."""
    built_in = CLIENTS.get(client_id)
    kept = cloud.store.get("uaa_client", client_id)
    if kept is None and built_in is None:
        raise UaaError(401, "invalid_client", "Bad client credentials")
    return kept or {"guid": client_id, "authorities": [], **(built_in or {})}


def check_grant(client: Document, grant: str) -> None:
    """UAA's 401 unless the client may use this grant."""
    if grant not in client["grants"]:
        raise UaaError(401, "unauthorized_client", f"Unauthorized grant type: {grant}")
