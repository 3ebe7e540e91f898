"""What is said about a commit: statuses, and the check runs of GitHub's own kind."""

from dataclasses import dataclass

from opsportal.adapters.github.client import Client
from opsportal.adapters.github.wire import Fields

_BAD = frozenset({"failure", "timed_out", "cancelled", "action_required", "startup_failure"})
_MOST_DESCRIPTION = 140


@dataclass(frozen=True)
class Status:
    """The newest status of one context: error, failure, pending or success."""

    context: str
    state: str
    description: str
    target_url: str

    @classmethod
    def read(cls, fields: Fields) -> "Status":
        """Read one as the API gives it."""
        description, target = fields.maybe_text("description"), fields.maybe_text("target_url")
        return cls(fields.text("context"), fields.text("state"), description or "", target or "")


@dataclass(frozen=True)
class CheckRun:
    """The newest run of one check; ``conclusion`` is empty until its ``status`` is completed."""

    name: str
    status: str
    conclusion: str
    html_url: str

    @classmethod
    def read(cls, fields: Fields) -> "CheckRun":
        """Read one as the API gives it."""
        conclusion, url = fields.maybe_text("conclusion"), fields.maybe_text("html_url")
        return cls(fields.text("name"), fields.text("status"), conclusion or "", url or "")


@dataclass(frozen=True)
class Checks:
    """All that is said about a commit."""

    statuses: tuple[Status, ...]
    runs: tuple[CheckRun, ...]

    @property
    def state(self) -> str:
        """``failure`` when anything failed, else ``pending`` while anything runs, ``success``, or ``none`` without any."""
        states = {one.state for one in self.statuses}
        if states & {"error", "failure"} or any(one.conclusion in _BAD for one in self.runs):
            return "failure"
        if "pending" in states or any(one.status != "completed" for one in self.runs):
            return "pending"
        return "success" if self.statuses or self.runs else "none"


class CommitChecks(Client):
    """``/repos/OWNER/NAME/commits/SHA/status``, ``/check-runs`` and ``/statuses``."""

    def checks(self, sha: str) -> Checks:
        """Read statuses and check runs of a commit. Raises Unprocessable when there is no such commit."""
        statuses = self._list(self._in_repository("commits", sha, "status"), Status.read, key="statuses")
        runs = self._list(self._in_repository("commits", sha, "check-runs"), CheckRun.read, key="check_runs")
        return Checks(tuple(statuses), tuple(runs))

    def set_status(
        self, sha: str, *, state: str, context: str, description: str, target_url: str = ""
    ) -> Status:
        """Say something about a commit under ``context``; the newest counts, so it may be said again."""
        told = (
            description
            if len(description) <= _MOST_DESCRIPTION
            else description[: _MOST_DESCRIPTION - 1] + "…"
        )
        payload = {"state": state, "context": context, "description": told}
        if target_url:
            payload["target_url"] = target_url
        return self._send("POST", self._in_repository("statuses", sha), payload, Status.read, repeatable=True)
