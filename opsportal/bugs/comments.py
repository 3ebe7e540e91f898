"""What is said about a ticket: Markdown that is shown harmlessly, mentions that are told."""

import re
from datetime import datetime
from typing import Final

from opsportal.accounts.queries import By, Person
from opsportal.accounts.rules import Refused, Verdict
from opsportal.bugs import path, standing, telling, texts
from opsportal.bugs.changing import Change, changing
from opsportal.bugs.errors import BadTicket
from opsportal.bugs.models import Comment, Ticket
from opsportal.kit.text import safe_text

_MENTION: Final = re.compile(r"(?<![\w@./`-])@([a-z0-9][a-z0-9._-]*)", re.IGNORECASE)
_MOST_MENTIONED: Final = 20


def comment(*, ticket: Ticket, by: Person, body: str) -> Comment:
    """Say something. Whoever ``@username`` names is told. Raises Refused or BadTicket."""
    with changing(ticket, by, "comment") as change:
        made = Comment.objects.create(
            ticket=change.ticket, author=by, author_name=str(by)[:150], at=change.now,
            body=texts.one("body", body, texts.COMMENT_FIELD),
        )  # fmt: skip
        change.details = {"comment": made.pk}
        _tell_mentioned(change, made, set())
    return made


def edit_comment(*, comment: Comment, by: Person, body: str) -> Comment:
    """Say it differently; only one's own. Whom it named before is not told again. Raises Refused or BadTicket."""
    with changing(comment.ticket_id, by, "edit_comment") as change:
        kept = Comment.objects.get(pk=comment.pk, ticket=change.ticket)
        if not (verdict := may_edit(by, kept)):
            raise Refused(verdict)
        before = kept.body
        kept.body = texts.one("body", body, texts.COMMENT_FIELD)
        change.nothing = kept.body == before
        if not change.nothing:
            kept.edited_at = change.now
            kept.save(update_fields=["body", "edited_at"])
            change.details = {"comment": kept.pk, "before": before[:1_000]}
            _tell_mentioned(change, kept, names_in(before))
    return kept


def may_edit(person: By, comment: Comment) -> Verdict:
    """Whether they may say it differently: only who said it."""
    verdict = standing.permitted(person, "edit_comment")
    if verdict and comment.from_github:
        return Verdict(False, "It was said on GitHub: it is changed there.")
    if not verdict or (comment.author is not None and comment.author.username == person.username):
        return verdict
    return Verdict(False, f"Only {comment.author_name} may change what they said.", (comment.author_name,))


def comment_from_github(
    *, ticket: int, github_id: int, login: str, body: str, at: datetime, by: Person | None = None
) -> Comment:
    """What was said on the mirrored issue; again or changed there, it is the same comment here.

    ``by``: whose login it is, where that is known. It counts as theirs when they may comment.
    """
    said = _made_fit(body)
    author = by if by is not None and standing.permitted(by, "comment") else None
    with changing(ticket, author or path.actor("github"), "comment", free=True) as change:
        kept = Comment.objects.filter(github_id=github_id).first()
        if kept is not None:
            change.nothing = kept.body == said or not kept.from_github
            if not change.nothing:
                kept.body, kept.edited_at = said, change.now
                kept.save(update_fields=["body", "edited_at"])
        else:
            kept = Comment.objects.create(
                ticket=change.ticket, author=author, author_name=safe_text(str(author or login), 150), body=said, at=at,
                github_id=github_id, from_github=True,
            )  # fmt: skip
            _tell_mentioned(change, kept, set())
        change.details = {"comment": kept.pk, "login": safe_text(login, 150)}
    return kept


def names_in(body: str) -> set[str]:
    """User names that a text mentions, in small letters, without the full stop of a sentence."""
    return {name.rstrip("._-").lower() for name in _MENTION.findall(body)}


def _tell_mentioned(change: Change, said: Comment, told: set[str]) -> None:
    names = names_in(said.body) - told - {change.by.username}
    people = (
        list(Person.objects.filter(username__in=names, is_active=True)[:_MOST_MENTIONED]) if names else []
    )
    if people:
        said.ticket = change.ticket
        change.tell(lambda: telling.mentioned(said, people))


def _made_fit(body: str) -> str:
    """Somebody else's text as it can be kept: nobody is there to be asked for a better one."""
    try:
        return texts.one("body", body[: texts.PROSE], texts.COMMENT_FIELD)
    except BadTicket:
        return "\n".join(safe_text(line) for line in body[: texts.PROSE].splitlines()) or "(empty)"
