"""GitHub's REST API for one repository, thin and typed: pull requests, reviews, issues, refs, statuses, merges.

``GitHub`` is the client; its methods use the API's own terms and give frozen dataclasses. Whatever can go wrong is a
``GitHubError``. What must not be made twice is looked for first: ``ensure_…``, and ``marked`` bodies.
"""

from opsportal.adapters.github.checks import CheckRun, Checks, Status
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
from opsportal.adapters.github.issues import Comment, Issue, Label
from opsportal.adapters.github.markers import mark_of, marked, unmarked
from opsportal.adapters.github.pulls import PullRequest, Review, latest_reviews
from opsportal.adapters.github.refs import Commit, Comparison, Ref
from opsportal.adapters.github.repository import GitHub, Repository
from opsportal.adapters.github.transport import Patience, RateLimit, RequestRecord

__all__ = [
    "BadAnswer",
    "CheckRun",
    "Checks",
    "Comment",
    "Commit",
    "Comparison",
    "Conflict",
    "FieldError",
    "Forbidden",
    "GitHub",
    "GitHubError",
    "Issue",
    "Label",
    "NotFound",
    "NotMergeable",
    "Patience",
    "PullRequest",
    "RateLimit",
    "RateLimited",
    "Ref",
    "Repository",
    "RequestRecord",
    "Review",
    "Status",
    "Unauthenticated",
    "Unavailable",
    "Unprocessable",
    "latest_reviews",
    "mark_of",
    "marked",
    "unmarked",
]
