"""Users, clients, passwords and tokens: what UAA keeps and what the API asks of a token (platform API §2)."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from werkzeug.security import check_password_hash, generate_password_hash

from .errors import ApiError, invalid_token
from .signing import BadToken
from .store import Document

if TYPE_CHECKING:
    from .context import Cloud
    from .web import Caller

HASH_METHOD = "scrypt:16384:8:1"
REFRESH_SECONDS = 30 * 24 * 3600
CODE_SECONDS = 300
FAILURES_UNTIL_LOCKED = 5
LOCKED_SECONDS = 300
USER_SCOPES = ("cloud_controller.read", "cloud_controller.write", "openid", "password.write", "uaa.user")
ADMIN_SCOPES = ("cloud_controller.admin", "scim.read", "scim.write")
CLIENTS: dict[str, dict[str, Any]] = {
    "cf": {"grants": ["password", "refresh_token"], "redirect_uris": []},
    "ssh-proxy": {"grants": ["authorization_code"], "redirect_uris": ["http://localhost/"]},
}


class UaaError(ApiError):
    """An error in UAA's form: ``{"error", "error_description"}`` (platform API §2.5)."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, 0, error, description)

    def body(self) -> dict[str, str]:
        """The JSON body."""
        return {"error": self.title, "error_description": self.detail}


def bad_credentials() -> UaaError:
    """401: wrong name, password or code."""
    return UaaError(401, "unauthorized", "Bad credentials")


def issuer(cloud: Cloud) -> str:
    """Who issues the tokens: UAA's token endpoint."""
    return f"{cloud.url}/oauth/token"


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


def scopes_of(user: Document, wanted: str | None) -> list[str]:
    """The scopes a user gets: all they may have, or those of them that were asked for."""
    allowed = [*USER_SCOPES, *user.get("groups", ())]
    if not wanted:
        return allowed
    granted = [one for one in allowed if one in wanted.split()]
    if not granted:
        raise UaaError(400, "invalid_scope", "The requested scopes are not allowed for this user")
    return granted


def user_tokens(
    cloud: Cloud, user: Document, client_id: str, grant: str, scopes: list[str], nonce: str | None = None
) -> dict[str, Any]:
    """The token response for a user: access token, refresh token, and an id token with scope ``openid`` (§2.2)."""
    refresh = secrets.token_urlsafe(24) + "-r"
    cloud.store.create(
        "refresh_token",
        {
            "guid": digest(refresh),
            "user_guid": user["guid"],
            "client_id": client_id,
            "scopes": scopes,
            "expires_at": time.time() + REFRESH_SECONDS,
        },
    )
    answer = access_token(cloud, user_claims(user, client_id, grant, scopes))
    if "openid" in scopes:
        answer["id_token"] = _id_token(cloud, user, client_id, grant, scopes, nonce)
    return answer | {"refresh_token": refresh}


def user_claims(user: Document, client_id: str, grant: str, scopes: list[str]) -> dict[str, Any]:
    """The claims that tell who a user is; the cf CLI needs ``user_id`` and ``origin`` beside ``user_name``."""
    return {
        "sub": user["guid"],
        "user_id": user["guid"],
        "user_name": user["username"],
        "email": user["username"],
        "origin": user["origin"],
        "client_id": client_id,
        "cid": client_id,
        "azp": client_id,
        "grant_type": grant,
        "scope": scopes,
        "auth_time": int(time.time()),
        "rev_sig": digest(user.get("password_hash") or "")[:8],
    }


def access_token(cloud: Cloud, claims: dict[str, Any]) -> dict[str, Any]:
    """Sign an access token with these claims, and the response around it."""
    now, seconds = int(time.time()), cloud.knobs.token_seconds
    full = {
        "jti": uuid.uuid4().hex,
        **claims,
        "iat": now,
        "exp": now + seconds,
        "iss": issuer(cloud),
        "zid": "uaa",
        "aud": sorted({claims["client_id"], *(scope.partition(".")[0] for scope in claims["scope"])}),
    }
    return {
        "access_token": cloud.signer.sign(full, f"{cloud.url}/token_keys"),
        "token_type": "bearer",
        "expires_in": seconds - 1,
        "scope": " ".join(claims["scope"]),
        "jti": full["jti"],
    }


def _id_token(
    cloud: Cloud, user: Document, client_id: str, grant: str, scopes: list[str], nonce: str | None
) -> str:
    now = int(time.time())
    claims = user_claims(user, client_id, grant, scopes) | {
        "jti": uuid.uuid4().hex,
        "aud": [client_id],
        "iss": issuer(cloud),
        "iat": now,
        "exp": now + cloud.knobs.token_seconds,
        "zid": "uaa",
        "email_verified": True,
        "amr": ["pwd"],
    }
    return cloud.signer.sign(claims | ({"nonce": nonce} if nonce else {}), f"{cloud.url}/token_keys")


def refresh(cloud: Cloud, token: str, client_id: str) -> tuple[Document, list[str]]:
    """The user and scopes of a refresh token; UAA's 401 when it is unknown, expired or another client's."""
    kept = cloud.store.get("refresh_token", digest(token))
    if kept is None or kept["client_id"] != client_id:
        raise UaaError(401, "invalid_token", "The token expired, was revoked, or the token ID is incorrect.")
    user = cloud.store.get("user", kept["user_guid"])
    if user is None or kept["expires_at"] <= time.time():
        moment = time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(kept["expires_at"]))
        raise UaaError(401, "invalid_token", f"Invalid refresh token (expired): expired at {moment}")
    return user, kept["scopes"]


def new_code(cloud: Cloud, purpose: str, user_guid: str, code: str | None = None, **kept: Any) -> str:
    """A code that :func:`spend_code` takes once, within five minutes."""
    made = code or secrets.token_urlsafe(24)
    document = {"guid": digest(made), "purpose": purpose, "user_guid": user_guid, **kept}
    cloud.store.create("uaa_code", document | {"expires_at": time.time() + CODE_SECONDS})
    return made


def spend_code(cloud: Cloud, purpose: str, code: str) -> Document | None:
    """What a code was made with, and the code is gone; None when it is unknown, spent or too old."""
    with cloud.store.lock:
        kept = cloud.store.get("uaa_code", digest(code))
        if kept is None or kept["purpose"] != purpose:
            return None
        cloud.store.delete("uaa_code", kept["guid"])
    return kept if kept["expires_at"] > time.time() else None


def new_passcode(cloud: Cloud, user: Document) -> str:
    """A one-time passcode for ``cf login --sso-passcode``."""
    return new_code(cloud, "passcode", user["guid"], secrets.token_urlsafe(24)[:32])


def caller(cloud: Cloud, header: str) -> Caller | None:
    """Who an ``Authorization`` header speaks for; None when there is none, 401 when its token is no good (§2.3)."""
    from .web import Caller  # noqa: PLC0415 - it imports what needs this module

    if not header:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise invalid_token()
    try:
        claims = cloud.signer.read(token.strip())
    except BadToken as error:
        raise invalid_token() from error
    if not _acceptable(cloud, claims):
        raise invalid_token()
    client_id = str(claims.get("client_id", ""))
    return Caller(
        guid=str(claims.get("user_id") or client_id),
        name=str(claims.get("user_name") or client_id),
        origin=str(claims.get("origin") or ""),
        scopes=frozenset(claims.get("scope") or ()),
        client_id=client_id,
        claims=claims,
    )


def _acceptable(cloud: Cloud, claims: dict[str, Any]) -> bool:
    expires = claims.get("exp")
    return (
        isinstance(expires, int)
        and expires > time.time()
        and claims.get("iss") == issuer(cloud)
        and "cloud_controller" in claims.get("aud", ())
        and not str(claims.get("jti", "-r")).endswith("-r")
    )
