"""Tickets as issues: made once, then title and state follow each other; body and priority only go out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import F
from django.utils import timezone

from opsportal.adapters import github as hub
from opsportal.bugs import from_github, mirroring
from opsportal.bugs.models import Stage, Ticket
from opsportal.bugs.syncing import comments, wording
from opsportal.bugs.syncing.merging import Base, Ours, Plan, Theirs, plan, without_key

if TYPE_CHECKING:
    from opsportal.bugs.syncing.rounds import Round

log = logging.getLogger(__name__)

#: Tickets told in one round: GitHub wants what writes to be slow.
MOST: Final = 10
#: How far back the first reading goes, and how much older than our clock's an issue of ours may look.
FIRST: Final = timedelta(days=1)
CLOCKS: Final = timedelta(minutes=10)
#: One issue's trouble, which is not the others'.
ITS_OWN: Final = (hub.NotFound, hub.Unprocessable, hub.BadAnswer, hub.Conflict)


def read(this: Round) -> None:
    """What changed on GitHub since the mark comes to the tickets. Raises GitHubError."""
    mark = this.reading.issues_mark
    changed = this.github.issues(since=mark or timezone.now() - FIRST)
    numbers = [each.number for each in changed]
    mirrored = {each.github_issue: each for each in _tickets().filter(github_issue__in=numbers)}
    for issue in sorted(changed, key=lambda each: each.updated_at):
        if issue.number in mirrored:
            _in_step(this, mirrored[issue.number], issue)
            this.renew()
    this.note(issues_mark=max((each.updated_at for each in changed), default=mark))


def send(this: Round) -> None:
    """What changed here since GitHub was told goes there, the longest waiting first. Raises GitHubError."""
    waiting = _tickets().filter(version__gt=F("github_version")).order_by("updated_at", "pk")
    for ticket in list(waiting[:MOST]):
        try:
            _told(this, ticket)
        except ITS_OWN as error:
            log.warning("GitHub does not take %s: %s", ticket.key, error)
            from_github.refused(ticket=ticket.pk, why=str(error))
        this.renew()


def _tickets() -> Any:
    return Ticket.objects.select_related("reporter")


def _told(this: Round, ticket: Ticket) -> None:
    seen = ticket.version
    if ticket.github_issue is None:
        issue = _made(this, ticket)
        this.renew()
        ticket = _tickets().get(pk=ticket.pk)
    else:
        issue = this.github.issue(ticket.github_issue)
    _in_step(this, ticket, issue)
    comments.send(this, ticket, issue.number)
    Ticket.objects.filter(pk=ticket.pk).update(github_version=seen)


def _made(this: Round, ticket: Ticket) -> hub.Issue:
    """The ticket's issue, made once: that it is asked for is written first, and a lost answer is looked for."""
    mark, kept = wording.ticket_mark(ticket), ticket.github_mirrored
    found = None
    if asked := kept.get("asked"):
        since = datetime.fromisoformat(asked) - CLOCKS
        found = this.github.find_issue(mark, since=since, author=this.github.login())
    else:
        Ticket.objects.filter(pk=ticket.pk).update(github_mirrored={"asked": timezone.now().isoformat()})
    if found is not None:
        mirroring.issue_mirrored(ticket=ticket.pk, number=found.number, shown=_shown(found, {}))
        return found
    ours = _ours(ticket)
    made = this.github.create_issue(
        title=wording.title(ticket),
        body=hub.marked(wording.body(ticket), mark),
        labels=[_label(this, ours.priority)],
    )
    as_made = {**ours.kept(), "open": True}
    mirroring.issue_mirrored(ticket=ticket.pk, number=made.number, shown=_shown(made, as_made))
    return made


def _label(this: Round, priority: str) -> str:
    name = wording.label(priority)
    this.github.ensure_label(name, color=wording.COLOURS[priority], description=wording.described(priority))
    return name


def _in_step(this: Round, ticket: Ticket, issue: hub.Issue) -> None:
    """Each side follows what changed on the other; then both are remembered as they are. Raises GitHubError."""
    kept = ticket.github_mirrored
    if _is_stale(issue, kept):
        return
    todo = plan(Base.read(kept), _ours(ticket), Theirs(issue.title, issue.state == "open"), ticket.key)
    ticket = _take(this, ticket, issue, todo)
    theirs = issue.title
    if todo.sends:
        issue = _send(this, ticket, issue, todo)
        if todo.both_titles:
            from_github.both_renamed(ticket=ticket.pk, theirs=theirs)
    elif not (todo.take_title or todo.take_state) and issue.updated_at.isoformat() == kept.get("updated_at"):
        return
    mirroring.issue_mirrored(ticket=ticket.pk, number=issue.number, shown=_shown(issue, _ours(ticket).kept()))


def _is_stale(issue: hub.Issue, kept: Mapping[str, Any]) -> bool:
    """A list may be a little behind of what we were answered ourselves."""
    known = kept.get("updated_at")
    return known is not None and issue.updated_at < datetime.fromisoformat(known)


def _take(this: Round, ticket: Ticket, issue: hub.Issue, todo: Plan) -> Ticket:
    """The ticket as it is after what GitHub changed."""
    if todo.take_title:
        from_github.renamed(ticket=ticket.pk, was=ticket.title, title=without_key(issue.title, ticket.key))
    if todo.take_state and issue.state == "open":
        from_github.reopened(ticket=ticket)
    elif todo.take_state:
        by = this.people.person(issue.closed_by, vouched=True)
        from_github.closed(ticket=ticket, login=issue.closed_by, by=by, as_what=issue.state_reason)
    taken: Ticket = _tickets().get(pk=ticket.pk) if todo.take_title or todo.take_state else ticket
    return taken


def _send(this: Round, ticket: Ticket, issue: hub.Issue, todo: Plan) -> hub.Issue:
    """What of it is to change on GitHub; other people's labels stay."""
    labels = None
    if todo.send_priority:
        others = [each for each in issue.labels if not each.lower().startswith(wording.PRIORITY_LABEL)]
        labels = [*others, _label(this, ticket.priority)]
    state, reason = _state(ticket) if todo.send_state else (None, None)
    return this.github.edit_issue(
        issue.number,
        title=wording.title(ticket) if todo.send_title else None,
        body=hub.marked(wording.body(ticket), wording.ticket_mark(ticket)) if todo.send_body else None,
        state=state,
        state_reason=reason,
        labels=labels,
    )


def _state(ticket: Ticket) -> tuple[str, str]:
    """GitHub's words: done when a fix was merged or reached stable, else not planned."""
    if ticket.is_open:
        return "open", "reopened"
    done = ticket.reached.filter(stage__in=(Stage.MERGED, Stage.ON_STABLE)).exists()
    return "closed", "completed" if done else "not_planned"


def _ours(ticket: Ticket) -> Ours:
    return Ours(ticket.title, ticket.is_open, ticket.priority, wording.fingerprint(wording.body(ticket)))


def _shown(issue: hub.Issue, ours: Mapping[str, object]) -> dict[str, object]:
    """What is remembered: both sides as they are now."""
    return {
        "title": issue.title,
        "state": issue.state,
        "labels": list(issue.labels),
        "updated_at": issue.updated_at.isoformat(),
        "ours": dict(ours),
    }
