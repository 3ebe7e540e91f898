"""Issues, comments and labels. GitHub counts pull requests as issues too: ``is_pull`` tells."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from opsportal.adapters.github.client import Client
from opsportal.adapters.github.errors import NotFound, Unprocessable
from opsportal.adapters.github.markers import mark_of, marked
from opsportal.adapters.github.wire import Fields, instant

_PAGES_TO_SEARCH = 20


@dataclass(frozen=True)
class Issue:
    """An issue. ``state_reason`` is completed, not_planned, duplicate, reopened or empty; ``mark`` see ``markers``."""

    number: int
    title: str
    body: str
    state: str
    state_reason: str
    author: str
    labels: tuple[str, ...]
    assignees: tuple[str, ...]
    is_pull: bool
    comments: int
    html_url: str
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    closed_by: str = ""

    @property
    def mark(self) -> str | None:
        """What it belongs to, by the mark in its body."""
        return mark_of(self.body)

    @classmethod
    def read(cls, fields: Fields) -> "Issue":
        """Read one as the API gives it."""
        return cls(
            number=fields.whole("number"),
            title=fields.text("title"),
            body=fields.maybe_text("body") or "",
            state=fields.text("state"),
            state_reason=fields.maybe_text("state_reason") or "",
            author=fields.login("user"),
            labels=fields.each("labels", "name"),
            assignees=fields.each("assignees", "login"),
            is_pull=bool(fields.within("pull_request").maybe_text("url")),
            comments=fields.whole("comments"),
            html_url=fields.text("html_url"),
            created_at=fields.moment("created_at"),
            updated_at=fields.moment("updated_at"),
            closed_at=fields.maybe_moment("closed_at"),
            closed_by=fields.login("closed_by"),
        )


@dataclass(frozen=True)
class Comment:
    """A comment on an issue or pull request, with that one's number."""

    id: int
    number: int
    author: str
    body: str
    html_url: str
    created_at: datetime
    updated_at: datetime
    association: str = ""

    @property
    def mark(self) -> str | None:
        """What it belongs to, by the mark in its body."""
        return mark_of(self.body)

    @classmethod
    def read(cls, fields: Fields) -> "Comment":
        """Read one as the API gives it; a number that is none is 0."""
        number = fields.text("issue_url").rpartition("/")[2]
        return cls(
            fields.whole("id"),
            int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0,
            fields.login("user"),
            fields.maybe_text("body") or "",
            fields.text("html_url"),
            fields.moment("created_at"),
            fields.moment("updated_at"),
            fields.maybe_text("author_association") or "",
        )


@dataclass(frozen=True)
class Label:
    """A label: ``color`` is six hexadecimal digits."""

    name: str
    color: str
    description: str

    @classmethod
    def read(cls, fields: Fields) -> "Label":
        """Read one as the API gives it."""
        return cls(fields.text("name"), fields.text("color"), fields.maybe_text("description") or "")


class Issues(Client):
    """``/repos/OWNER/NAME/issues`` and ``/labels``."""

    def issues(
        self,
        *,
        since: datetime | None = None,
        state: str = "all",
        labels: Iterable[str] = (),
        creator: str = "",
    ) -> list[Issue]:
        """List issues (pull requests left out), the one that changed last first; ``since``: changed then or later.

        Asked with the same ``since`` again, an answer that has not changed costs nothing of the rate limit: move
        ``since`` on only when something came.
        """
        return [one for one in self._issues(since, state, labels, creator) if not one.is_pull]

    def _issues(
        self, since: datetime | None, state: str, labels: Iterable[str], creator: str, most_pages: int = 100
    ) -> list[Issue]:
        params = {"state": state, "sort": "updated", "direction": "desc"}
        if since is not None:
            params["since"] = instant(since)
        if named := ",".join(labels):
            params["labels"] = named
        if creator:
            params["creator"] = creator
        return self._list(self._in_repository("issues"), Issue.read, params, most_pages=most_pages)

    def issue(self, number: int) -> Issue:
        """Read one. Raises NotFound."""
        return self._get(self._in_repository("issues", number), Issue.read)

    def create_issue(self, *, title: str, body: str = "", labels: Iterable[str] = ()) -> Issue:
        """Open one; labels that do not exist are made. May not be sent twice: see ``ensure_issue``."""
        payload = {"title": title, "body": body, "labels": list(labels)}
        return self._send("POST", self._in_repository("issues"), payload, Issue.read)

    def find_issue(self, mark: str, *, since: datetime | None = None, author: str = "") -> Issue | None:
        """The oldest issue that carries this mark, among those changed since (at most 2,000); ``author``: by them."""
        found = self._issues(since, "all", (), author, _PAGES_TO_SEARCH)
        ours = [one for one in found if one.mark == mark and not one.is_pull]
        return min(ours, key=lambda one: one.number, default=None)

    def ensure_issue(
        self, mark: str, *, title: str, body: str, labels: Iterable[str] = (), since: datetime | None = None
    ) -> Issue:
        """The issue that carries this mark, opened if there is none (looked for among those changed ``since``)."""
        found = self.find_issue(mark, since=since)
        return found or self.create_issue(title=title, body=marked(body, mark), labels=labels)

    def edit_issue(
        self,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        state: str | None = None,
        state_reason: str | None = None,
        labels: Iterable[str] | None = None,
    ) -> Issue:
        """Change what is given (``labels`` replaces all of them); saying the same twice does nothing more."""
        told = {
            "title": title,
            "body": body,
            "state": state,
            "state_reason": state_reason,
            "labels": None if labels is None else list(labels),
        }
        payload = {name: value for name, value in told.items() if value is not None}
        path = self._in_repository("issues", number)
        return self._send("PATCH", path, payload, Issue.read, repeatable=True)

    def comments(self, number: int) -> list[Comment]:
        """The comments of one issue or pull request, oldest first."""
        return self._list(self._in_repository("issues", number, "comments"), Comment.read)

    def comments_since(self, since: datetime | None) -> list[Comment]:
        """The comments of all issues and pull requests, the one that changed last first; ``since`` as of ``issues``."""
        params = {"sort": "updated", "direction": "desc"}
        if since is not None:
            params["since"] = instant(since)
        return self._list(self._in_repository("issues", "comments"), Comment.read, params)

    def create_comment(self, number: int, body: str) -> Comment:
        """Say something. May not be sent twice: see ``ensure_comment``."""
        return self._send(
            "POST", self._in_repository("issues", number, "comments"), {"body": body}, Comment.read
        )

    def find_comment(self, number: int, mark: str) -> Comment | None:
        """The oldest comment of one issue that carries this mark."""
        return next((one for one in self.comments(number) if one.mark == mark), None)

    def ensure_comment(self, number: int, mark: str, body: str) -> Comment:
        """The comment that carries this mark, written if there is none."""
        return self.find_comment(number, mark) or self.create_comment(number, marked(body, mark))

    def edit_comment(self, comment_id: int, body: str) -> Comment:
        """Change what was said."""
        path = self._in_repository("issues", "comments", comment_id)
        return self._send("PATCH", path, {"body": body}, Comment.read, repeatable=True)

    def ensure_label(self, name: str, *, color: str, description: str = "") -> Label:
        """The label of this name, made if there is none; its colour stays as somebody set it."""
        path = f"{self._in_repository('labels')}/{quote(name, safe='')}"
        try:
            return self._get(path, Label.read)
        except NotFound:
            pass
        payload = {"name": name, "color": color, "description": description}
        try:
            return self._send("POST", self._in_repository("labels"), payload, Label.read)
        except Unprocessable as refused:
            if not any(one.code == "already_exists" for one in refused.fields):
                raise
            return self._get(path, Label.read)
