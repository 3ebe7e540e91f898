"""GitHub's errors: a message, the fields that are wrong, and where it is documented."""

from __future__ import annotations

from typing import Any

from ..errors import ApiError

DOCUMENTATION = "https://docs.github.com/rest"


class GitHubError(ApiError):
    """An answer in GitHub's form: ``{"message", "errors"?, "documentation_url", "status"}``."""

    def __init__(self, status: int, message: str, errors: list[dict[str, str] | str] | None = None) -> None:
        super().__init__(status, 0, message, message)
        self.problems = errors or []

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        listed = {"errors": self.problems} if self.problems else {}
        return {
            "message": self.title,
            **listed,
            "documentation_url": DOCUMENTATION,
            "status": str(self.status),
        }


def not_found() -> GitHubError:
    """404: it is not there, or this token may not see it."""
    return GitHubError(404, "Not Found")


def forbidden() -> GitHubError:
    """403: it may be seen, and not be changed."""
    return GitHubError(403, "Resource not accessible by personal access token")


def invalid(resource: str, field: str, code: str = "invalid") -> GitHubError:
    """422 for one field; ``code`` is ``missing``, ``missing_field``, ``invalid`` or ``already_exists``."""
    return GitHubError(422, "Validation Failed", [{"resource": resource, "field": field, "code": code}])


def refused(resource: str, message: str) -> GitHubError:
    """422 with words of its own."""
    return GitHubError(
        422, "Validation Failed", [{"resource": resource, "code": "custom", "message": message}]
    )


def said(message: str) -> GitHubError:
    """422 with words alone, as the endpoints of Git's own objects answer."""
    return GitHubError(422, message)


def too_many(message: str, headers: dict[str, str]) -> GitHubError:
    """403 for a rate limit, the primary or the secondary one; ``headers`` say until when."""
    error = GitHubError(403, message)
    error.headers = headers
    return error
