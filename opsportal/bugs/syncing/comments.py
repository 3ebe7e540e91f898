"""What is said about a ticket, in both places: each comment once, with who said it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from opsportal.adapters import github as hub
from opsportal.bugs import comments as saying
from opsportal.bugs import mirroring
from opsportal.bugs.models import Comment, Ticket
from opsportal.bugs.syncing import wording
from opsportal.bugs.syncing.pulls import TEAM

if TYPE_CHECKING:
    from opsportal.bugs.syncing.rounds import Round

FIRST: Final = timedelta(days=1)
_OURS: Final = re.compile(r"/comment-([0-9]{1,15})\Z")


def read(this: Round) -> None:
    """What was said or changed on GitHub since the mark comes to the tickets. Raises GitHubError."""
    mark = this.reading.comments_mark
    said = this.github.comments_since(mark or timezone.now() - FIRST)
    issues = Ticket.objects.filter(github_issue__in={each.number for each in said})
    tickets = dict(issues.values_list("github_issue", "pk"))
    for each in sorted(said, key=lambda one: (one.updated_at, one.id)):
        if each.number in tickets and not _is_ours(this, each, tickets[each.number]):
            _take(this, each, tickets[each.number])
            this.renew()
    this.note(comments_mark=max((each.updated_at for each in said), default=mark))


def _take(this: Round, said: hub.Comment, ticket: int) -> None:
    saying.comment_from_github(
        ticket=ticket,
        github_id=said.id,
        login=said.author,
        body=hub.unmarked(said.body),
        at=said.created_at,
        by=this.people.person(said.author, vouched=said.association in TEAM),
    )


def _is_ours(this: Round, said: hub.Comment, ticket: int) -> bool:
    """Whether the portal wrote it. One whose answer was lost is known by its mark, if it is by the portal's login."""
    if Comment.objects.filter(github_id=said.id, from_github=False).exists():
        return True
    found = _OURS.search(said.mark or "")
    if found is None:
        return False
    lost = Comment.objects.filter(pk=int(found[1]), ticket=ticket, github_id=None, from_github=False)
    mine = lost.exclude(github_said="").first()
    if mine is None or this.github.login() not in {"", said.author}:
        return False
    mirroring.comment_mirrored(comment=mine, github_id=said.id)
    return True


def send(this: Round, ticket: Ticket, issue: int) -> None:
    """What was said or changed here goes to the ticket's issue. Raises GitHubError."""
    for said in ticket.comments.filter(from_github=False).order_by("pk"):
        body = wording.comment(said)
        known = wording.fingerprint(body)
        if said.github_said == known and said.github_id is not None:
            continue
        _tell(this, said, issue, hub.marked(body, wording.comment_mark(said, ticket.key)))
        Comment.objects.filter(pk=said.pk).update(github_said=known)
        this.renew()


def _lost(this: Round, issue: int, mark: str | None) -> hub.Comment | None:
    """The comment that carries this mark, written by the portal's login: anybody can copy a mark."""
    mine = {"", this.github.login()}
    return next(
        (
            each
            for each in this.github.comments(issue)
            if each.mark == mark and (mine == {""} or each.author in mine)
        ),
        None,
    )


def _tell(this: Round, said: Comment, issue: int, body: str) -> None:
    """Said once: that it is to be said is written first, and a lost answer is looked for."""
    if said.github_id is not None:
        this.github.edit_comment(said.github_id, body)
        return
    found = _lost(this, issue, hub.mark_of(body)) if said.github_said else None
    Comment.objects.filter(pk=said.pk).update(github_said="asked")
    if found is not None:
        this.github.edit_comment(found.id, body)
    made = found or this.github.create_comment(issue, body)
    mirroring.comment_mirrored(comment=said, github_id=made.id)
