"""UAA's browser pages: authorize a client, get a one-time passcode, sign out (platform API §2.6). No session is kept."""

from __future__ import annotations

import html
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from werkzeug.wrappers import Response

from . import people, tokens
from .errors import ApiError
from .people import UaaError, check_grant
from .store import Document
from .web import Answer, ApiRequest, route


@route("GET", "/oauth/authorize", auth="none")
def authorize(request: ApiRequest) -> Answer:
    """A code for a client: at once with a bearer token (``cf ssh-code``), otherwise after signing in (§2.6)."""
    try:
        caller = tokens.caller(request.context, request.raw.headers.get("Authorization", ""))
    except ApiError as error:
        raise UaaError(401, "invalid_token", "The token expired or is not valid") from error
    if caller is None:
        _redirect_uri(request)
        return _page(_sign_in_form(""))
    if "uaa.user" not in caller.scopes:
        raise UaaError(403, "insufficient_scope", "Insufficient scope for this resource")
    user = request.context.store.get("user", caller.guid)
    if user is None:
        raise UaaError(401, "invalid_token", "The token's user does not exist")
    return _send_code(request, user)


@route("POST", "/oauth/authorize", auth="none")
def authorize_signed_in(request: ApiRequest) -> Answer:
    """The sign-in form's answer: on to the client with a code."""
    _redirect_uri(request)
    user, refusal = _signed_in(request)
    return refusal if user is None else _send_code(request, user)


def _send_code(request: ApiRequest, user: Document) -> Response:
    params = request.params
    if params.get("response_type") != "code":
        raise UaaError(400, "unsupported_response_type", "Only response_type=code is supported")
    target = _redirect_uri(request)
    code = tokens.new_code(
        request.context,
        "authorize",
        user["guid"],
        client_id=params["client_id"],
        redirect_uri=params.get("redirect_uri", ""),
        scopes=tokens.scopes_of(user, params.get("scope")),
        nonce=params.get("nonce"),
        challenge=params.get("code_challenge", ""),
        challenge_method=params.get("code_challenge_method", "plain"),
    )
    parts = urlsplit(target)
    query = [
        *parse_qsl(parts.query),
        ("code", code),
        *((("state", params["state"]),) if "state" in params else ()),
    ]
    return Response(status=302, headers={"Location": urlunsplit(parts._replace(query=urlencode(query)))})


def _redirect_uri(request: ApiRequest) -> str:
    """Where to send the code: one of the client's own addresses, or UAA's 400."""
    client = people.known_client(request.context, request.params.get("client_id", ""))
    check_grant(client, "authorization_code")
    allowed = client["redirect_uris"]
    wanted = request.params.get("redirect_uri") or (allowed[0] if allowed else "")
    if wanted not in allowed:
        raise UaaError(
            400, "invalid_request", "Invalid redirect. It is not one of the client's own addresses."
        )
    return str(wanted)


@route("GET", "/passcode", auth="none")
def passcode_page(request: ApiRequest) -> Answer:
    """The page for ``cf login --sso``: sign in to get a one-time code."""
    return _page(_sign_in_form(""))


@route("POST", "/passcode", auth="none")
def passcode_signed_in(request: ApiRequest) -> Answer:
    """Show the one-time code, good for five minutes."""
    user, refusal = _signed_in(request)
    if user is None:
        return refusal
    code = tokens.new_passcode(request.context, user)
    return _page(
        f"<h1>Temporary Authentication Code</h1><p><code>{code}</code></p><p>Good once, for 5 minutes.</p>"
    )


def _signed_in(request: ApiRequest) -> tuple[Document | None, Response]:
    form = request.raw.form
    try:
        user = people.user_by_password(request.context, form.get("username", ""), form.get("password", ""))
    except UaaError as error:
        return None, _page(_sign_in_form(error.detail), error.status)
    return user, Response()


def _sign_in_form(problem: str) -> str:
    note = f'<p role="alert">{html.escape(problem)}</p>' if problem else ""
    return (
        f'<h1>Sign in to the local cloud</h1>{note}<form method="post">'
        '<p><label>Email <input name="username" autocomplete="username" required></label></p>'
        '<p><label>Password <input name="password" type="password" autocomplete="current-password" required>'
        "</label></p><p><button>Sign in</button></p></form>"
    )


def _page(content: str, status: int = 200) -> Response:
    text = f'<!doctype html><html lang="en"><title>Local cloud</title><main>{content}</main></html>'
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
    }
    return Response(text, status=status, headers=headers)


@route("GET", "/logout.do", auth="none")
def log_out(request: ApiRequest) -> Answer:
    """Back to the client's own address where it gave one; nobody stays signed in here."""
    wanted = request.params.get("redirect", "")
    kept = request.context.store.get("uaa_client", request.params.get("client_id")) or {}
    target = wanted if wanted in kept.get("redirect_uris", ()) else f"{request.base_url}/login"
    return Response(status=302, headers={"Location": target})
