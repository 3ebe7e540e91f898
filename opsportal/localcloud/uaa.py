"""UAA: sign-in prompts, tokens, one-time codes, OpenID discovery (platform API §2). Its users: :mod:`.uaa_users`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from . import people, tokens, uaa_pages, uaa_users  # noqa: F401 - the pages declare endpoints too
from .people import UaaError, check_grant
from .signing import KEY_ID
from .store import Document
from .web import Answer, ApiRequest, route

VERSION = "77.20.0"


@route("GET", "/login", auth="none")
def login(request: ApiRequest) -> Answer:
    """What to ask a person who signs in."""
    where = f"{request.base_url}/passcode"
    return {
        "app": {"version": VERSION},
        "commit_id": "local",
        "timestamp": "2026-01-01T00:00:00+0000",
        "zone_name": "uaa",
        "entityID": request.raw.host,
        "links": {
            "uaa": request.base_url,
            "login": request.base_url,
            "passwd": "/forgot_password",
            "register": "/create_account",
        },
        "prompts": {
            "username": ["text", "Email"],
            "password": ["password", "Password"],
            "passcode": ["password", f"Temporary Authentication Code ( Get one at {where} )"],
        },
    }


@route("GET", "/info", auth="none")
def info(request: ApiRequest) -> Answer:
    """The same facts under UAA's other name."""
    return login(request)


@route("POST", "/oauth/token", auth="none")
def token(request: ApiRequest) -> Answer:
    """Give a token for a password, a passcode, a client's secret, a refresh token or an authorization code (§2.2)."""
    form = {key: values[-1] for key, values in request.raw.form.lists()}
    grants = {
        "password": _password_grant,
        "client_credentials": _client_grant,
        "refresh_token": _refresh_grant,
        "authorization_code": _code_grant,
    }
    grant = grants.get(form.get("grant_type", ""))
    if grant is None:
        raise UaaError(400, "invalid_request", "Missing or unsupported grant type")
    return grant(request, form, _client(request, form)), 200, {"Cache-Control": "no-store"}


def _client(request: ApiRequest, form: dict[str, str]) -> Document:
    """The client that asks, from HTTP Basic or the form."""
    scheme, _, encoded = request.raw.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise UaaError(401, "invalid_client", "Bad client credentials") from error
        return people.client(request.context, name, secret)
    if "client_id" not in form:
        raise UaaError(401, "unauthorized", "An Authentication object was not found in the SecurityContext")
    return people.client(request.context, form["client_id"], form.get("client_secret", ""))


def _password_grant(request: ApiRequest, form: dict[str, str], client: Document) -> dict[str, object]:
    check_grant(client, "password")
    cloud = request.context
    if "passcode" in form:
        kept = tokens.spend_code(cloud, "passcode", form["passcode"])
        user = cloud.store.get("user", kept["user_guid"]) if kept else None
        if user is None:
            raise people.bad_credentials()
    else:
        name, password = form.get("username", ""), form.get("password", "")
        user = people.user_by_password(cloud, name, password, _origin_hint(request, form))
    return tokens.user_tokens(
        cloud, user, client["guid"], "password", tokens.scopes_of(user, form.get("scope"))
    )


def _origin_hint(request: ApiRequest, form: dict[str, str]) -> str | None:
    hint = request.params.get("login_hint") or form.get("login_hint")
    if not hint:
        return None
    try:
        return str(json.loads(hint)["origin"])
    except (ValueError, KeyError, TypeError) as error:
        raise UaaError(400, "invalid_request", "login_hint must be JSON with an origin") from error


def _client_grant(request: ApiRequest, form: dict[str, str], client: Document) -> dict[str, object]:
    check_grant(client, "client_credentials")
    authorities = [one for one in client["authorities"] if one in form.get("scope", one).split()]
    name = client["guid"]
    claims = {
        "sub": name,
        "client_id": name,
        "cid": name,
        "azp": name,
        "grant_type": "client_credentials",
        "scope": authorities,
        "authorities": authorities,
    }
    return tokens.access_token(request.context, claims)


def _refresh_grant(request: ApiRequest, form: dict[str, str], client: Document) -> dict[str, object]:
    check_grant(client, "refresh_token")
    given = form.get("refresh_token", "")
    user, scopes = tokens.refresh(request.context, given, client["guid"])
    answer = tokens.access_token(
        request.context, tokens.user_claims(user, client["guid"], "refresh_token", scopes)
    )
    return answer | {"refresh_token": given}


def _code_grant(request: ApiRequest, form: dict[str, str], client: Document) -> dict[str, object]:
    check_grant(client, "authorization_code")
    kept = tokens.spend_code(request.context, "authorize", form.get("code", ""))
    user = request.context.store.get("user", kept["user_guid"]) if kept else None
    if kept is None or user is None or kept["client_id"] != client["guid"]:
        raise UaaError(400, "invalid_grant", "Invalid authorization code")
    if kept["redirect_uri"] and form.get("redirect_uri") != kept["redirect_uri"]:
        raise UaaError(400, "invalid_grant", "Redirect URI mismatch.")
    if kept["challenge"] and not _proves(form.get("code_verifier", ""), kept):
        raise UaaError(400, "invalid_grant", "Invalid code verifier")
    return tokens.user_tokens(
        request.context, user, client["guid"], "authorization_code", kept["scopes"], kept["nonce"]
    )


def _proves(verifier: str, kept: Document) -> bool:
    if kept["challenge_method"] == "plain":
        return bool(verifier == kept["challenge"])
    proof = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return bool(proof == kept["challenge"])


@route("DELETE", "/oauth/token/revoke/<jti>", auth="none")
def revoke(request: ApiRequest, jti: str) -> Answer:
    """Nothing to do: no token of ours claims to be revocable."""
    return {}


@route("GET", "/token_keys", auth="none")
def token_keys(request: ApiRequest) -> Answer:
    """Which key signs; its value stays in the data directory, for with it tokens can be made."""
    return {"keys": [{"kty": "MAC", "alg": "HS256", "use": "sig", "kid": KEY_ID}]}


@route("GET", "/.well-known/openid-configuration", auth="none")
def discovery(request: ApiRequest) -> Answer:
    """The OpenID provider's description (§2.7)."""
    base = request.base_url
    return {
        "issuer": tokens.issuer(request.context),
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "userinfo_endpoint": f"{base}/userinfo",
        "jwks_uri": f"{base}/token_keys",
        "end_session_endpoint": f"{base}/logout.do",
        "scopes_supported": ["openid", "profile", "email", "phone", "roles", "user_attributes"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["HS256"],
        "code_challenge_methods_supported": ["S256", "plain"],
    }


@route("GET", "/userinfo", auth="none")
def user_info(request: ApiRequest) -> Answer:
    """Who the token's user is; needs scope ``openid``."""
    caller = uaa_users.bearer(request, "openid")
    return {
        "sub": caller.guid,
        "user_id": caller.guid,
        "user_name": caller.name,
        "name": caller.name,
        "given_name": caller.name,
        "family_name": "",
        "email": caller.name,
        "email_verified": True,
        "phone_number": None,
        "previous_logon_time": None,
    }
