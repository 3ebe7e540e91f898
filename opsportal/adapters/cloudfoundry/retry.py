"""When to ask again, and after how long: pure, so that it can be read and tested as a table."""

from dataclasses import dataclass

REPEATABLE_STATUS = frozenset({500, 502, 503, 504})


@dataclass(frozen=True)
class Failure:
    """One failed attempt. ``status`` is None when no answer came; ``sent`` is False when nothing went out."""

    status: int | None
    retry_after: float | None = None
    sent: bool = True


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long one call may be repeated.

    ``attempts`` counts the first one; ``budget`` bounds the seconds from the first attempt to the end of the
    last pause; ``first`` doubles up to ``cap``. A longer wait is the caller's: it gets RateLimited or
    Unavailable.
    """

    attempts: int = 5
    budget: float = 30.0
    first: float = 0.25
    cap: float = 8.0

    def pause(
        self, failure: Failure, *, repeatable: bool, attempt: int, elapsed: float, jitter: float
    ) -> float | None:
        """Give the seconds to wait before asking again, or None to give up.

        429 is repeated whatever was asked, since nothing was done; so is a connection that was never made.
        All else only if the request may be repeated (cf-api §10.6). ``jitter`` is between 0 and 1 and
        spreads callers over half a step.
        """
        if attempt >= self.attempts or not self._worth_it(failure, repeatable):
            return None
        step = min(self.cap, self.first * 2 ** (attempt - 1))
        wait = (failure.retry_after or step / 2) + step * jitter / 2
        return wait if elapsed + wait <= self.budget else None

    @staticmethod
    def _worth_it(failure: Failure, repeatable: bool) -> bool:
        """Tell whether the same request can be sent again without doing anything twice."""
        if failure.status == 429:
            return True
        if failure.status is None:
            return repeatable or not failure.sent
        return repeatable and failure.status in REPEATABLE_STATUS
