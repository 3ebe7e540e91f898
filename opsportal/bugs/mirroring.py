"""What is kept of a ticket's issue on GitHub. The talking is done by tasks."""

from collections.abc import Mapping

from opsportal.bugs.changing import changing
from opsportal.bugs.models import Comment, Ticket
from opsportal.bugs.path import actor


def issue_mirrored(*, ticket: int, number: int, shown: Mapping[str, object]) -> Ticket:
    """The ticket stands on GitHub as this issue, which last showed ``{title, state, labels, updated_at}``."""
    with changing(ticket, actor("github"), "mirror", free=True) as change:
        first = change.ticket.github_issue != number
        change.nothing = True
        Ticket.objects.filter(pk=change.ticket.pk).update(github_issue=number, github_mirrored=dict(shown))
        change.ticket.github_issue, change.ticket.github_mirrored = number, dict(shown)
        if first:
            change.nothing = False
            change.event("mirrored", {"number": number})
            change.now = change.ticket.updated_at  # nobody changed anything: it stays where it is in lists
            change.details = {"issue": number}
    return change.ticket


def comment_mirrored(*, comment: Comment, github_id: int) -> None:
    """A comment of ours stands on GitHub under this id."""
    Comment.objects.filter(pk=comment.pk).update(github_id=github_id)
