"""Sending a request, its safe repeats, and keeping to GitHub's limits."""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from opsportal.adapters.github.answers import limited_until
from opsportal.adapters.github.calls import Answer, Call
from opsportal.adapters.github.errors import BadAnswer, RateLimited, Unavailable
from opsportal.kit.http import AnswerTooLarge, AnswerTooSlow, Session, read_body
from opsportal.kit.http_failures import describe_failure, nothing_was_sent

log = logging.getLogger(__name__)
_ANSWER_SECONDS = 120.0
_REPEATABLE = frozenset({500, 502, 503, 504})
_jitter = random.SystemRandom()


@dataclass(frozen=True)
class Patience:
    """How often a call that may be repeated is sent, the first time counted, and the pauses between (seconds)."""

    attempts: int = 3
    first: float = 0.5
    cap: float = 4.0

    def pause(self, attempt: int) -> float:
        """Seconds to wait after the given attempt, spread over half a step."""
        step = min(self.cap, self.first * 2.0 ** (attempt - 1))
        return step / 2 + step * _jitter.random() / 2


@dataclass(frozen=True)
class RateLimit:
    """What an answer said: requests in the window, those left, and when it begins anew."""

    limit: int
    remaining: int
    reset: datetime


@dataclass(frozen=True)
class RequestRecord:
    """One attempt, for support: never with a query, a body or a token. ``status`` None: no answer came."""

    method: str
    path: str
    status: int | None
    request_id: str | None
    seconds: float


class Transport:
    """Sends calls, and remembers until when GitHub asked to be left alone."""

    def __init__(
        self,
        session: Session,
        *,
        patience: Patience,
        max_answer_bytes: int,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the session to send with and the patience to send with it."""
        self._session = session
        self._patience = patience
        self._max_answer_bytes = max_answer_bytes
        self._sleep = sleep
        self.now = now
        self._lock = threading.Lock()
        self._quiet_until: datetime | None = None
        self.rate_limit: RateLimit | None = None
        self.recent_requests: deque[RequestRecord] = deque(maxlen=100)

    def send(self, call: Call, auth: AuthBase) -> Answer:
        """Send until there is an answer that should not be asked for again; any status may come back.

        Raises RateLimited without sending while a limit holds, Unavailable when no answer came, BadAnswer when it was
        larger than accepted.
        """
        attempt = 0
        while True:
            attempt += 1
            self._keep_quiet(call)
            outcome = self._attempt(call, auth)
            if isinstance(outcome, Answer):
                if (until := limited_until(outcome, self.now())) is not None:
                    with self._lock:
                        self._quiet_until = until
                    return outcome
                again = outcome.status in _REPEATABLE and call.may_repeat
            else:
                again = not outcome.maybe_done
            if not again or attempt >= self._patience.attempts:
                if isinstance(outcome, Answer):
                    return outcome
                raise outcome
            self._sleep(self._patience.pause(attempt))

    def _keep_quiet(self, call: Call) -> None:
        """GitHub bans those who go on asking while they are limited."""
        until = self._quiet_until
        if until is None:
            return
        if self.now() < until:
            raise RateLimited(
                "not sent: GitHub asked to wait", until=until, method=call.method, path=call.path
            )
        with self._lock:
            if self._quiet_until == until:
                self._quiet_until = None

    def _attempt(self, call: Call, auth: AuthBase) -> Answer | Unavailable:
        started = time.monotonic()
        answer: Answer | None = None
        try:
            answer = self._exchange(call, auth)
        except AnswerTooLarge as problem:
            raise BadAnswer(
                describe_failure(problem), method=call.method, path=call.path, maybe_done=not call.may_repeat
            ) from problem
        except (requests.RequestException, HTTPError, AnswerTooSlow) as problem:
            maybe_done = not call.may_repeat and not nothing_was_sent(problem)
            error = Unavailable(
                describe_failure(problem), method=call.method, path=call.path, maybe_done=maybe_done
            )
            error.__cause__ = problem
            return error
        finally:
            self._remember(call, answer, time.monotonic() - started)
        return answer

    def _exchange(self, call: Call, auth: AuthBase) -> Answer:
        """Make the HTTP exchange and read the whole answer."""
        with self._session.request(
            call.method,
            call.url,
            params=dict(call.params),
            headers=dict(call.headers),
            data=call.body,
            auth=auth,
            stream=True,
            allow_redirects=False,
        ) as response:
            deadline = time.monotonic() + _ANSWER_SECONDS
            content = read_body(response, max_bytes=self._max_answer_bytes, deadline=deadline)
        return Answer(call, response.status_code, response.headers, content)

    def _remember(self, call: Call, answer: Answer | None, seconds: float) -> None:
        """Keep the record and the rate limit of one attempt; bodies are never logged."""
        status = answer.status if answer else None
        request_id = answer.request_id if answer else None
        self.recent_requests.append(RequestRecord(call.method, call.path, status, request_id, seconds))
        log.debug("%s %s: %s in %.3f s, request %s", call.method, call.path, status, seconds, request_id)
        if answer is not None:
            self.rate_limit = _rate_limit(answer) or self.rate_limit


def _rate_limit(answer: Answer) -> RateLimit | None:
    """Read the three rate-limit headers, or None unless all are whole numbers."""
    limit, left, reset = (answer.number(f"X-RateLimit-{name}") for name in ("Limit", "Remaining", "Reset"))
    if limit is None or left is None or reset is None:
        return None
    return RateLimit(limit, left, datetime.fromtimestamp(min(reset, 2**33), UTC))
