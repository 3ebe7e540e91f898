"""Tokens and one-time codes: what UAA gives, and what the API asks of a token (platform API §2)."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import TYPE_CHECKING, Any

from .errors import invalid_token
from .people import UaaError, digest
from .signing import BadToken
from .store import Document

if TYPE_CHECKING:
    from .context import Cloud
    from .web import Caller

REFRESH_SECONDS = 30 * 24 * 3600
CODE_SECONDS = 300
USER_SCOPES = ("cloud_controller.read", "cloud_controller.write", "openid", "password.write", "uaa.user")
GROUPS = {
    "admin": ("cloud_controller.admin", "scim.read", "scim.write"),
    "admin_read_only": ("cloud_controller.admin_read_only",),
    "global_auditor": ("cloud_controller.global_auditor",),
}
"""What the platform-wide roles add to a user's scopes."""


def issuer(cloud: Cloud) -> str:
    """Who issues the tokens: UAA's token endpoint."""
    return f"{cloud.url}/oauth/token"


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
