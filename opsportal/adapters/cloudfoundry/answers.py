"""From an HTTP answer to a value or to an error of our tree."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import unquote, urljoin, urlsplit

from opsportal.adapters.cloudfoundry.calls import Answer, facts_of
from opsportal.adapters.cloudfoundry.errors import (
    BadAnswer,
    CloudFoundryError,
    Conflict,
    NotAuthorized,
    NotFound,
    Problem,
    RateLimited,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from opsportal.adapters.cloudfoundry.wire import Fields, Malformed, parse_object

T = TypeVar("T")

_BY_STATUS: dict[int, type[CloudFoundryError]] = {
    400: Unprocessable,
    401: Unauthenticated,
    403: NotAuthorized,
    404: NotFound,
    409: Conflict,
    413: Unprocessable,
    422: Unprocessable,
}
_STATUS_WORDS = {
    401: "the platform does not accept the token",
    413: "larger than the platform accepts",
    429: "too many requests; the platform asks to wait",
}


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


def refusal(answer: Answer, *, foreign_404: bool = True) -> CloudFoundryError:
    """Make the error of an answer that is not 2xx (cf-api §10.6).

    A 404 that is not in the platform's form comes from a router before it and says nothing about the object
    asked for: with ``foreign_404`` it is Unavailable, never NotFound. Log Cache has no such form.
    """
    facts = facts_of(answer)
    problems = _problems(answer)
    facts["problems"] = problems
    status = answer.status
    said = "; ".join(one.detail for one in problems if one.detail) or _STATUS_WORDS.get(status, "")
    if status == 429:
        return RateLimited(said, retry_after=answer.retry_after, **facts)
    if status >= 500:
        return Unavailable(said or "the platform failed without saying why", **facts)
    if status < 400:
        return BadAnswer("an answer that was not expected here; redirects are not followed", **facts)
    if status == 404 and not problems and foreign_404:
        return Unavailable("404, but not from the platform's API itself", **facts)
    return _BY_STATUS.get(status, CloudFoundryError)(said or "refused without a reason", **facts)


def _problems(answer: Answer) -> tuple[Problem, ...]:
    """Read the platform's list of errors, whatever the content type (429 says text/plain); else none."""
    try:
        listed = parse_object(answer.content).maybe_items("errors")
        return tuple(Problem.read(one) for one in listed[:20])
    except Malformed:
        return ()


def job_guid(answer: Answer, is_trusted: Callable[[str], bool]) -> str:
    """Read from ``Location`` which job a 202 started (cf-api §4.9); raises BadAnswer for a foreign one."""
    url = urljoin(answer.call.url, answer.headers.get("Location", ""))
    before, _, guid = urlsplit(url).path.rstrip("/").rpartition("/")
    if not is_trusted(url) or not before.endswith("/v3/jobs") or not unquote(guid).strip("."):
        raise BadAnswer("the answer names no job to follow", **facts_of(answer))
    return unquote(guid)
