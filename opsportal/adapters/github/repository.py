"""The whole client: every theme of the API that the portal uses, for one repository."""

from dataclasses import dataclass

from opsportal.adapters.github.checks import CommitChecks
from opsportal.adapters.github.errors import Forbidden
from opsportal.adapters.github.issues import Issues
from opsportal.adapters.github.pulls import Pulls
from opsportal.adapters.github.refs import Refs
from opsportal.adapters.github.wire import Fields


@dataclass(frozen=True)
class Repository:
    """The repository, and whether the token may change it."""

    full_name: str
    default_branch: str
    html_url: str
    may_push: bool

    @classmethod
    def read(cls, fields: Fields) -> "Repository":
        """Read it as the API gives it."""
        return cls(
            fields.text("full_name"),
            fields.text("default_branch"),
            fields.text("html_url"),
            fields.within("permissions").flag("push"),
        )


class GitHub(Pulls, Issues, CommitChecks, Refs):
    """One repository of a GitHub, as one token sees it. The constructor is Client's."""

    def describe(self) -> Repository:
        """Read the repository: the question "does it work, and what may we". Raises GitHubError."""
        return self._get(self._in_repository(), Repository.read)

    def login(self) -> str:
        """Whose token it is; empty for a GitHub App's, which is nobody's. Raises Unauthenticated."""
        try:
            return self._get("/user", lambda fields: fields.text("login"))
        except Forbidden:
            return ""
