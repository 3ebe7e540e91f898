"""From an HTTP answer to a value, to an error of our tree, or to the time until which nothing may be asked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from opsportal.adapters.github.calls import Answer, facts_of
from opsportal.adapters.github.errors import (
    BadAnswer,
    Conflict,
    FieldError,
    Forbidden,
    GitHubError,
    NotFound,
    NotMergeable,
    RateLimited,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from opsportal.adapters.github.wire import Fields, Malformed, parse_object

T = TypeVar("T")
_BY_STATUS: dict[int, type[GitHubError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: NotMergeable,
    409: Conflict,
    410: NotFound,
}
SECONDARY_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=2)
"""GitHub's windows are an hour; a header that says much more is not believed."""


@contextmanager
def reading(answer: Answer) -> Iterator[None]:
    """While reading this answer's fields: a wrong shape is BadAnswer, with the call and the request id."""
    try:
        yield
    except Malformed as shape:
        raise BadAnswer(str(shape), **facts_of(answer)) from None


def parsed(answer: Answer, read: Callable[[Fields], T]) -> T:
    """Read a good answer's object; raises BadAnswer when it is not JSON or not of the documented shape."""
    with reading(answer):
        return read(parse_object(answer.content))


def limited_until(answer: Answer, now: datetime) -> datetime | None:
    """When a refused call may be tried again; None when it was not refused for a rate limit.

    GitHub answers 403 or 429: with ``Retry-After``, or with nothing remaining and the reset's time, or (a secondary
    limit) with words alone, and then at least a minute is asked for.
    """
    if answer.status not in {403, 429}:
        return None
    wait = answer.number("Retry-After")
    reset = answer.number("X-RateLimit-Reset")
    if wait is not None:
        until = now + timedelta(seconds=min(wait, LONGEST_WAIT.total_seconds()))
    elif answer.number("X-RateLimit-Remaining") == 0 and reset is not None:
        # A second more: the reset is a whole second, and clocks differ.
        until = datetime.fromtimestamp(min(reset, 2**33) + 1, UTC)
    elif answer.status == 429 or "rate limit" in _message(answer).lower():
        until = now + SECONDARY_WAIT
    else:
        return None
    return min(max(until, now + timedelta(seconds=1)), now + LONGEST_WAIT)


def refusal(answer: Answer, now: datetime) -> GitHubError:
    """Make the error of an answer that is not 2xx."""
    facts, said, status = facts_of(answer), _message(answer), answer.status
    if (until := limited_until(answer, now)) is not None:
        return RateLimited(said or "too many requests; GitHub asks to wait", until=until, **facts)
    if status >= 500:
        return Unavailable(said or "GitHub failed without saying why", **facts)
    if status < 400:
        return BadAnswer("a redirect, which is not followed; the repository may have a new name", **facts)
    if status == 404 and not said:
        return Unavailable("404, but not from GitHub's API itself", **facts)
    if status in {400, 413, 422}:
        return Unprocessable(said or "refused without a reason", fields=_field_errors(answer), **facts)
    return _BY_STATUS.get(status, GitHubError)(said or "refused without a reason", **facts)


def _message(answer: Answer) -> str:
    """GitHub's own words, or nothing when the answer is not in its form."""
    try:
        return parse_object(answer.content).maybe_text("message") or ""
    except Malformed:
        return ""


def _field_errors(answer: Answer) -> tuple[FieldError, ...]:
    """Read ``errors``: objects, or (of reviews) plain texts."""
    try:
        listed = parse_object(answer.content).mixed("errors")[:20]
        return tuple(_field_error(one) for one in listed)
    except Malformed:
        return ()


def _field_error(value: object) -> FieldError:
    if isinstance(value, str):
        return FieldError("", "", "custom", value)
    fields = Fields(value)
    texts = [fields.maybe_text(name) or "" for name in ("resource", "field", "code", "message")]
    return FieldError(*texts)
