"""Tokens from UAA: asked for ahead of time, by one caller at a time, never written anywhere."""

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from urllib.parse import urlencode

from requests.auth import AuthBase

from opsportal.adapters.cloudfoundry.calls import Answer, Call, basic, facts_of
from opsportal.adapters.cloudfoundry.errors import (
    BadAnswer,
    CloudFoundryError,
    Problem,
    RateLimited,
    Unauthenticated,
    Unavailable,
    presentable,
)
from opsportal.adapters.cloudfoundry.retry import RetryPolicy
from opsportal.adapters.cloudfoundry.transport import Transport
from opsportal.adapters.cloudfoundry.wire import Fields, Malformed, parse_object
from opsportal.kit.http import NoAuth

_AHEAD = 60.0
_REST_AFTER_REFUSAL = 120.0
_REST_AFTER_FAILURE = 5.0
_ONCE = RetryPolicy(attempts=1)


@dataclass(frozen=True)
class Credentials:
    """Who the portal is on the platform.

    With a username: the password grant, through the public ``cf`` client unless another is named. Without:
    client credentials, sent in the form (cf-api §2.2).
    """

    username: str = ""
    password: str = field(default="", repr=False)
    client_id: str = "cf"
    client_secret: str = field(default="", repr=False)

    def grant(self) -> tuple[dict[str, str], AuthBase]:
        """Give the form of the token request and how the client names itself."""
        if self.username:
            form = {"grant_type": "password", "username": self.username, "password": self.password}
            return form, basic(self.client_id, self.client_secret)
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        return form, NoAuth()


@dataclass(frozen=True)
class _Token:
    """A token and, on the caller's clock, when to replace it and when it ends."""

    text: str = field(repr=False)
    renew_at: float
    ends_at: float


class Tokens:
    """The one place that holds a token; safe to share between threads."""

    def __init__(
        self,
        credentials: Credentials,
        transport: Transport,
        token_url: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take whom to be and where to ask; nothing is asked before the first ``current()``."""
        self._credentials = credentials
        self._transport = transport
        self._token_url = token_url
        self._clock = clock
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._refused_until = 0.0
        self._refusal: tuple[str, tuple[Problem, ...], int | None] | None = None

    def current(self) -> str:
        """Give a token that is good for a while yet.

        Near its end one caller fetches the next while the others go on with this one; if UAA is away just
        then, this one serves until it really ends. Raises Unauthenticated, Unavailable, RateLimited,
        BadAnswer.
        """
        token, now = self._token, self._clock()
        if token and now < token.renew_at:
            return token.text
        if token and now < token.ends_at:
            return self._renewed_ahead(token)
        with self._lock:
            if self._token is None or self._token is token:
                self._token = self._ask()
            return self._token.text

    def replace(self, refused: str) -> str:
        """Give another token than the one that the platform just refused."""
        with self._lock:
            if self._token is None or self._token.text == refused:
                self._token = self._ask()
            return self._token.text

    def _renewed_ahead(self, token: _Token) -> str:
        """Replace a token that still works, unless someone else is at it or UAA does not answer."""
        if not self._lock.acquire(blocking=False):
            return token.text
        try:
            if self._token is token:
                self._token = self._ask(_ONCE)
        except (Unavailable, RateLimited):
            self._token = _Token(token.text, self._clock() + _REST_AFTER_FAILURE, token.ends_at)
        finally:
            self._lock.release()
        return self._token.text if self._token else token.text

    def _ask(self, retry: RetryPolicy | None = None) -> _Token:
        """Ask UAA; a refusal is remembered for two minutes, so that no crowd of calls locks the account."""
        if self._refusal and self._clock() < self._refused_until:
            detail, problems, status = self._refusal
            raise Unauthenticated(
                detail, problems=problems, status=status, method="POST", path="/oauth/token"
            )
        form, auth = self._credentials.grant()
        body = urlencode(form).encode()
        call = Call(
            "POST",
            self._token_url(),
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            body=lambda: nullcontext(body),
            auth=auth,
            repeatable=True,
        )
        asked_at = self._clock()
        answer = self._transport.send(call, retry)
        if answer.status != 200:
            raise self._refused(answer)
        self._refusal = None
        return _read_token(answer, asked_at)

    def _refused(self, answer: Answer) -> CloudFoundryError:
        """Turn UAA's error form (cf-api §2.5) into ours, without the secrets it might repeat."""
        facts = facts_of(answer)
        if answer.status == 429:
            return RateLimited("UAA asks to wait before a sign-in", retry_after=answer.retry_after, **facts)
        if answer.status >= 500:
            return Unavailable("UAA could not give a token", **facts)
        try:
            said = parse_object(answer.content)
            problem = Problem(None, said.text("error"), self._without_secrets(said))
        except Malformed as shape:
            return BadAnswer(f"UAA refused in an unknown form: {shape}", **facts)
        detail = f"the platform refused the portal's credentials: {problem.detail}"
        self._refusal = (detail, (problem,), answer.status)
        self._refused_until = self._clock() + _REST_AFTER_REFUSAL
        facts["problems"] = (problem,)
        return Unauthenticated(detail, **facts)

    def _without_secrets(self, said: Fields) -> str:
        """Read the description, cutting out our own password and secret should it repeat them."""
        text = said.maybe_text("error_description") or ""
        for secret in filter(None, (self._credentials.password, self._credentials.client_secret)):
            text = text.replace(secret, "[secret]")
        return presentable(text)


def _read_token(answer: Answer, asked_at: float) -> _Token:
    """Read a token answer; it is replaced a minute before its end, or after nine tenths of a short life."""
    try:
        said = parse_object(answer.content)
        text, kind = said.guid("access_token"), said.text("token_type")
        life = said.maybe_number("expires_in") or 300.0
    except Malformed as shape:
        raise BadAnswer(str(shape), **facts_of(answer)) from None
    if kind.lower() != "bearer" or not text.isascii() or not text.isprintable() or " " in text:
        raise BadAnswer("the token is not a bearer token", **facts_of(answer))
    life = min(max(life, 0.0), 86_400.0)
    return _Token(text, asked_at + life - min(_AHEAD, life / 10), asked_at + life)
