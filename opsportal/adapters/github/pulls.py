"""Pull requests: what they are, their reviews, opening and merging."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from opsportal.adapters.github.answers import parsed
from opsportal.adapters.github.client import Client
from opsportal.adapters.github.errors import BadAnswer, Unprocessable
from opsportal.adapters.github.wire import Fields

DECIDING = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})


@dataclass(frozen=True)
class PullRequest:
    """A pull request; ``head`` and ``base`` are branches.

    ``mergeable`` is None in lists, and while GitHub has not found out yet (``mergeable_state`` "unknown": ask again in
    a few seconds). ``head_repository`` is empty when the fork is gone. ``author`` is empty when the account is gone.
    """

    number: int
    title: str
    body: str
    state: str
    draft: bool
    author: str
    head: str
    head_sha: str
    head_repository: str
    base: str
    base_sha: str
    requested_reviewers: tuple[str, ...]
    labels: tuple[str, ...]
    html_url: str
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    merged_at: datetime | None
    merge_commit_sha: str | None
    mergeable: bool | None
    mergeable_state: str
    merged_by: str

    @property
    def merged(self) -> bool:
        """Whether it was merged (and not just closed)."""
        return self.merged_at is not None

    @classmethod
    def read(cls, fields: Fields) -> "PullRequest":
        """Read one as lists and single answers give it."""
        head, base = fields.within("head"), fields.within("base")
        return cls(
            number=fields.whole("number"),
            title=fields.text("title"),
            body=fields.maybe_text("body") or "",
            state=fields.text("state"),
            draft=fields.flag("draft"),
            author=fields.login("user"),
            head=head.text("ref"),
            head_sha=head.text("sha"),
            head_repository=head.within("repo").maybe_text("full_name") or "",
            base=base.text("ref"),
            base_sha=base.text("sha"),
            requested_reviewers=fields.each("requested_reviewers", "login"),
            labels=fields.each("labels", "name"),
            html_url=fields.text("html_url"),
            created_at=fields.moment("created_at"),
            updated_at=fields.moment("updated_at"),
            closed_at=fields.maybe_moment("closed_at"),
            merged_at=fields.maybe_moment("merged_at"),
            merge_commit_sha=fields.maybe_text("merge_commit_sha"),
            mergeable=fields.maybe_flag("mergeable"),
            mergeable_state=fields.maybe_text("mergeable_state") or "",
            merged_by=fields.login("merged_by"),
        )


@dataclass(frozen=True)
class Review:
    """A review: APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED or PENDING; of the commit that the reviewer saw.

    ``association``: OWNER, MEMBER, COLLABORATOR, CONTRIBUTOR, NONE …: what the reviewer is to the repository.
    """

    id: int
    author: str
    state: str
    body: str
    commit_sha: str
    submitted_at: datetime | None
    html_url: str
    association: str = ""

    @classmethod
    def read(cls, fields: Fields) -> "Review":
        """Read one as the API gives it."""
        return cls(
            fields.whole("id"),
            fields.login("user"),
            fields.text("state"),
            fields.maybe_text("body") or "",
            fields.maybe_text("commit_id") or "",
            fields.maybe_moment("submitted_at"),
            fields.maybe_text("html_url") or "",
            fields.maybe_text("author_association") or "",
        )


def latest_reviews(reviews: Iterable[Review]) -> Mapping[str, Review]:
    """What each reviewer says now, by login: the last review that decides; a later comment takes nothing back."""
    return {one.author: one for one in reviews if one.state in DECIDING and one.author}


class Pulls(Client):
    """``/repos/OWNER/NAME/pulls``."""

    def pulls(
        self, *, state: str = "all", since: datetime | None = None, base: str = "", head: str = ""
    ) -> list[PullRequest]:
        """List pull requests, the one that changed last first; with ``since``, those that changed then or later.

        ``state``: open, closed or all. ``head``: a branch of this repository. Asked again when nothing has changed it
        costs nothing of the rate limit. Raises GitHubError.
        """
        params = {"state": state, "sort": "updated", "direction": "desc"}
        if base:
            params["base"] = base
        if head:
            params["head"] = f"{self.repository.partition('/')[0]}:{head}"
        enough = (lambda one: one.updated_at < since) if since is not None else None
        return self._list(self._in_repository("pulls"), PullRequest.read, params, enough=enough)

    def pull(self, number: int) -> PullRequest:
        """Read one, with whether it can be merged. Raises NotFound."""
        return self._get(self._in_repository("pulls", number), PullRequest.read)

    def create_pull(
        self, *, head: str, base: str, title: str, body: str = "", draft: bool = False
    ) -> PullRequest:
        """Open one. Raises Unprocessable when there is one already, or nothing to merge; see ``ensure_pull``."""
        payload = {"head": head, "base": base, "title": title, "body": body, "draft": draft}
        return self._send("POST", self._in_repository("pulls"), payload, PullRequest.read)

    def ensure_pull(self, *, head: str, base: str, title: str, body: str = "") -> PullRequest:
        """The open pull request of these two branches, opened if there is none: GitHub allows one at a time."""
        for one in self.pulls(state="open", head=head, base=base):
            if one.head == head and one.base == base:
                return one
        try:
            return self.create_pull(head=head, base=base, title=title, body=body)
        except Unprocessable:
            for one in self.pulls(state="open", head=head, base=base):
                if one.head == head and one.base == base:
                    return one
            raise

    def edit_pull(
        self,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        state: str | None = None,
    ) -> PullRequest:
        """Change what is given; saying the same twice does nothing more."""
        told = {"title": title, "body": body, "state": state}
        payload = {name: value for name, value in told.items() if value is not None}
        path = self._in_repository("pulls", number)
        return self._send("PATCH", path, payload, PullRequest.read, repeatable=True)

    def reviews(self, number: int) -> list[Review]:
        """All reviews, oldest first; ``latest_reviews`` tells what holds."""
        return self._list(self._in_repository("pulls", number, "reviews"), Review.read)

    def request_reviewers(self, number: int, logins: Iterable[str]) -> PullRequest:
        """Ask people for reviews. Raises Unprocessable for the author, and for who has no access."""
        path = self._in_repository("pulls", number, "requested_reviewers")
        return self._send("POST", path, {"reviewers": list(logins)}, PullRequest.read, repeatable=True)

    def merge_pull(
        self,
        number: int,
        *,
        head_sha: str,
        title: str | None = None,
        message: str | None = None,
        method: str = "merge",
    ) -> str:
        """Merge exactly ``head_sha``; the id of the merge commit.

        Raises NotMergeable (405: conflicts, a draft, a protection that is not met: ``detail`` says which), Conflict (409:
        the head is another one by now). A lost answer (``maybe_done``) is asked after with ``pull``: it is merged or not.
        """
        payload = {"sha": head_sha, "merge_method": method}
        if title is not None:
            payload["commit_title"] = title
        if message is not None:
            payload["commit_message"] = message
        answer = self._request(
            "PUT", self._in_repository("pulls", number, "merge"), payload=payload, repeatable=False
        )
        merged, sha = parsed(answer, lambda fields: (fields.flag("merged"), fields.text("sha")))
        if not merged:
            raise BadAnswer(
                "a merge that merged nothing", method="PUT", path=answer.call.path, maybe_done=True
            )
        return sha
