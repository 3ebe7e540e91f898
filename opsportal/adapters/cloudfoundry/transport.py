"""Sending a request, and its safe repeats: no tokens, no resources, no JSON yet."""

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import requests
from urllib3.exceptions import HTTPError

from opsportal.adapters.cloudfoundry.calls import Answer, Call
from opsportal.adapters.cloudfoundry.errors import BadAnswer, Unavailable, presentable
from opsportal.adapters.cloudfoundry.retry import Failure, RetryPolicy
from opsportal.kit.http import AnswerTooLarge, AnswerTooSlow, Session, read_body
from opsportal.kit.http_failures import describe_failure, nothing_was_sent

log = logging.getLogger(__name__)
_ANSWER_SECONDS = 120.0
_BLOCK = 256 * 1024
_jitter = random.SystemRandom()


@dataclass(frozen=True)
class RateLimit:
    """What an answer said (cf-api §10.5): ``remaining`` is rounded to tenths, ``reset`` is epoch seconds."""

    limit: int
    remaining: int
    reset: int


@dataclass(frozen=True)
class RequestRecord:
    """One attempt, for support: never with a query, a body or a token. ``status`` None: no answer came."""

    method: str
    path: str
    status: int | None
    request_id: str | None
    seconds: float


class Transport:
    """Sends calls, repeats what is safe to repeat, and remembers what the platform said about itself."""

    def __init__(
        self,
        session: Session,
        *,
        retry: RetryPolicy,
        max_answer_bytes: int,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        on_warning: Callable[[str], None] | None = None,
    ) -> None:
        """Take the session to send with and the patience to send with it."""
        self._session = session
        self._retry = retry
        self._max_answer_bytes = max_answer_bytes
        self._sleep = sleep
        self._clock = clock
        self.on_warning = on_warning
        self.rate_limit: RateLimit | None = None
        self.recent_requests: deque[RequestRecord] = deque(maxlen=100)

    def send(self, call: Call, retry: RetryPolicy | None = None) -> Answer:
        """Send until there is an answer that should not be asked for again; any status may come back.

        Raises Unavailable when no answer came, BadAnswer when it was larger than accepted.
        """
        policy = retry or self._retry
        started = self._clock()
        attempt = 0
        while True:
            attempt += 1
            outcome, failure = self._attempt(call)
            pause = None
            if failure is not None:
                pause = policy.pause(
                    failure,
                    repeatable=call.may_repeat,
                    attempt=attempt,
                    elapsed=self._clock() - started,
                    jitter=_jitter.random(),
                )
            if pause is None:
                if isinstance(outcome, Answer):
                    return outcome
                raise outcome
            self._sleep(pause)

    def stream(
        self, call: Call, take: Callable[[bytes, int], object], *, max_bytes: int, seconds: float
    ) -> Answer:
        """Send once and hand a 200's body to ``take(block, total)`` as it comes, ``total`` 0 when not told.

        Any other answer comes back with its body. Raises Unavailable (also after ``seconds``), or BadAnswer beyond
        ``max_bytes``.
        """
        started = self._clock()
        deadline = started + seconds
        answer: Answer | None = None
        try:
            with self._opened(call) as response:
                if response.status_code != 200:
                    content = read_body(
                        response, max_bytes=self._max_answer_bytes, deadline=deadline, clock=self._clock
                    )
                    answer = Answer(call, response.status_code, response.headers, content)
                else:
                    self._hand_on(response, call, take, max_bytes, deadline)
                    answer = Answer(call, 200, response.headers, b"")
        except (requests.RequestException, HTTPError, AnswerTooSlow, AnswerTooLarge) as problem:
            raise Unavailable(describe_failure(problem), method=call.method, path=call.path) from problem
        finally:
            self._remember(call, answer, self._clock() - started)
        return answer

    def _hand_on(
        self,
        response: requests.Response,
        call: Call,
        take: Callable[[bytes, int], object],
        max_bytes: int,
        deadline: float,
    ) -> None:
        """Give a body on, block by block; one that ends before its announced length is no whole answer."""
        length, read = response.headers.get("Content-Length", ""), 0
        total = int(length) if length.isdigit() else 0
        while block := response.raw.read1(_BLOCK, decode_content=True):
            read += len(block)
            if read > max_bytes:
                raise BadAnswer(f"larger than {max_bytes} bytes", method=call.method, path=call.path)
            if self._clock() > deadline:
                raise AnswerTooSlow("the answer took too long to arrive")
            take(block, total)
        if read < total and "Content-Encoding" not in response.headers:
            raise AnswerTooSlow("the answer ended before its end")

    def _opened(self, call: Call) -> requests.Response:
        """Begin the HTTP exchange of a call without a body; the answer's own is unread."""
        return self._session.request(
            call.method,
            call.url,
            params=dict(call.params),
            headers=dict(call.headers),
            auth=call.auth,
            timeout=call.timeout,
            stream=True,
            allow_redirects=False,
        )

    def _attempt(self, call: Call) -> tuple[Answer | Unavailable, Failure | None]:
        """Send once; gives the answer or the error, and the failure when the policy should look at it."""
        started = self._clock()
        answer: Answer | None = None
        try:
            answer = self._exchange(call)
        except AnswerTooLarge as problem:
            raise BadAnswer(
                describe_failure(problem), method=call.method, path=call.path, maybe_done=not call.may_repeat
            ) from problem
        except (requests.RequestException, HTTPError, AnswerTooSlow) as problem:
            sent = not nothing_was_sent(problem)
            error = Unavailable(
                describe_failure(problem),
                method=call.method,
                path=call.path,
                maybe_done=sent and not call.may_repeat,
            )
            error.__cause__ = problem
            return error, Failure(None, sent=sent)
        finally:
            self._remember(call, answer, self._clock() - started)
        failed = answer.status == 429 or answer.status >= 500
        return answer, Failure(answer.status, answer.retry_after) if failed else None

    def _exchange(self, call: Call) -> Answer:
        """Make the HTTP exchange and read the whole answer."""
        with (
            call.body() as body,
            self._session.request(
                call.method,
                call.url,
                params=dict(call.params),
                headers=dict(call.headers),
                data=body,
                auth=call.auth,
                timeout=call.timeout,
                stream=True,
                allow_redirects=False,
            ) as response,
        ):
            content = read_body(
                response,
                max_bytes=self._max_answer_bytes,
                deadline=self._clock() + _ANSWER_SECONDS,
                clock=self._clock,
            )
        return Answer(call, response.status_code, response.headers, content)

    def _remember(self, call: Call, answer: Answer | None, seconds: float) -> None:
        """Keep the record, the rate limit and the warnings of one attempt; bodies are never logged."""
        status = answer.status if answer else None
        request_id = answer.request_id if answer else None
        self.recent_requests.append(RequestRecord(call.method, call.path, status, request_id, seconds))
        log.debug("%s %s: %s in %.3f s, request %s", call.method, call.path, status, seconds, request_id)
        if answer is None:
            return
        self.rate_limit = _rate_limit(answer.headers) or self.rate_limit
        for warning in _warnings(answer.headers.get("X-Cf-Warnings", "")):
            log.info("The platform warns: %s", warning)
            if self.on_warning:
                self.on_warning(warning)


def _rate_limit(headers: Mapping[str, str]) -> RateLimit | None:
    """Read the three rate-limit headers, or None unless all are whole numbers."""
    names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
    values: list[Any] = [headers.get(name, "") for name in names]
    if not all(value.isascii() and value.isdigit() and len(value) < 16 for value in values):
        return None
    return RateLimit(*(int(value) for value in values))


def _warnings(header: str) -> list[str]:
    """Split ``X-Cf-Warnings`` into its texts (cf-api §1.7: commas between, each URL-query-escaped)."""
    texts = (presentable(unquote_plus(part.strip())) for part in header.split(","))
    return [text for text in texts if text]
