"""Pull requests and their reviews, read and told to the tickets that they name."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import timezone

from opsportal.accounts.queries import OnGitHub
from opsportal.adapters import github as hub
from opsportal.bugs import pull_requests, rules
from opsportal.bugs.models import PullRequest

if TYPE_CHECKING:
    from opsportal.bugs.syncing.rounds import Round

log = logging.getLogger(__name__)

#: How far back the first reading goes, beside everything that is open.
FIRST: Final = timedelta(days=7)
#: How often every open pull request is read, whatever GitHub says has changed: a ticket may be younger than it,
#: a person may have said only now who they are there.
WHOLE: Final = timedelta(minutes=10)
#: What a reviewer is to the repository for their user name to be enough to know them by.
TEAM: Final = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
#: One pull request's trouble, which is not the others'.
ITS_OWN: Final = (hub.NotFound, hub.Unprocessable, hub.BadAnswer)


def read(this: Round) -> None:
    """What changed since the mark; from time to time all that is open. Raises GitHubError."""
    now, reading = timezone.now(), this.reading
    whole = reading.whole_at is None or now - reading.whole_at >= WHOLE
    changed = this.github.pulls(since=reading.pulls_mark or now - FIRST)
    listed = {each.number: each for each in (this.github.pulls(state="open") if whole else ())}
    listed |= {each.number: each for each in changed}
    trouble: hub.GitHubError | None = None
    for pull in sorted(listed.values(), key=lambda each: each.updated_at):
        try:
            _see(this, pull)
        except ITS_OWN as error:
            trouble = error
        this.renew()
    newest = max((each.updated_at for each in changed), default=reading.pulls_mark)
    this.note(pulls_mark=newest, **({"whole_at": now} if whole else {}))
    if trouble is not None:
        raise trouble


def _see(this: Round, pull: hub.PullRequest) -> None:
    named = rules.keys_in((pull.head, pull.title), settings.TICKET_PREFIX)
    if not named and not PullRequest.objects.filter(number=pull.number).exists():
        return
    if not _is_the_teams(this, pull):
        log.info("pull request %s names a ticket, but is a stranger's", pull.number)
        return
    latest = hub.latest_reviews(this.github.reviews(pull.number))
    pull_requests.pull_request_seen(
        number=pull.number,
        title=pull.title,
        url=pull.html_url,
        branch=pull.head,
        head=pull.head_sha,
        author=pull.author,
        state="merged" if pull.merged else pull.state,
        draft=pull.draft,
        reviews=[_review(each, this.people) for each in latest.values()],
        opened_at=pull.created_at,
        merged_at=pull.merged_at,
    )


def _is_the_teams(this: Round, pull: hub.PullRequest) -> bool:
    """From a branch of the repository, or by somebody we know: anybody may open one from a fork, and name a ticket."""
    same = pull.head_repository.lower() == this.github.repository.lower()
    tied = PullRequest.objects.filter(number=pull.number).exists()
    return same or tied or pull.author.lower() in this.people.said


def _review(review: hub.Review, people: OnGitHub) -> dict[str, str]:
    """As tickets know it: by user name where it is a known person's."""
    return {
        "login": people.name(review.author, vouched=review.association in TEAM),
        "state": review.state.lower(),
        "at": review.submitted_at.isoformat() if review.submitted_at else "",
    }
