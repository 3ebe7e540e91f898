"""Pull requests as GitHub shows them, tied to the tickets that their branch or title names."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from opsportal.bugs import path, rules, standing, telling
from opsportal.bugs.changing import Change, changing
from opsportal.bugs.models import PullRequest, Stage, Ticket
from opsportal.kit.text import safe_text

_APPROVED = "approved"


def pull_request_seen(
    *,
    number: int,
    title: str,
    url: str,
    branch: str,
    head: str,
    author: str,
    state: str,
    draft: bool,
    reviews: Sequence[Mapping[str, str]],
    opened_at: datetime,
    merged_at: datetime | None = None,
) -> list[Ticket]:
    """What GitHub shows now; the tickets that it is tied to. Seeing the same again changes nothing.

    ``state``: open, closed or merged; ``reviews``: the newest per reviewer, ``{login, state, at}``. Open and no draft:
    in review, and both reviewers are told once. Approved when both reviewers have (by their user names); merged when
    no other pull request of the ticket is open. A pull request that no longer names a ticket is untied.
    """
    shown: dict[str, Any] = {
        "title": safe_text(title, 300), "url": url if url.startswith(("https://", "http://")) and len(url) <= 500 else "",
        "branch": safe_text(branch, 300), "head": head[:40], "author": safe_text(author, 150), "state": state,
        "draft": draft, "reviews": [_review(each) for each in reviews], "opened_at": opened_at,
        "merged_at": merged_at,
    }  # fmt: skip
    if state not in {"open", "closed", "merged"}:
        raise ValueError(f"A pull request is open, closed or merged, not {state[:30]}.")
    named = set(rules.keys_in((branch, title), settings.TICKET_PREFIX))
    tied = set(PullRequest.objects.filter(number=number).values_list("ticket_id", flat=True))
    known = Ticket.objects.filter(pk__in=named | tied).order_by("pk").values_list("pk", flat=True)
    found = []
    for each in known:
        with changing(each, path.actor("github"), "pull_request", free=True) as change:
            _see(change, number, shown if each in named else None)
        if each in named:
            found.append(change.ticket)
    return found


def tell_reviewers(change: Change) -> None:
    """Whoever reviews it and has not been told yet: a pull request waits, if one does."""
    pull = change.ticket.pull_requests.filter(state="open", draft=False).first()
    if pull is None:
        return
    untold = change.ticket.reviewers.filter(told_at=None).select_related("person")
    people = [each.person for each in untold]
    change.ticket.reviewers.filter(told_at=None).update(told_at=change.now)
    ticket = change.ticket
    if people:
        change.tell(lambda: telling.review_waits(ticket, pull, people))


def _review(given: Mapping[str, str]) -> dict[str, str]:
    return {
        "login": safe_text(str(given.get("login", "")), 150),
        "state": str(given.get("state", "")).lower()[:30],
        "at": str(given.get("at", ""))[:40],
    }


def _see(change: Change, number: int, shown: Mapping[str, Any] | None) -> None:
    kept = change.ticket.pull_requests.filter(number=number).first()
    if shown is None:
        change.ticket.pull_requests.filter(number=number).delete()
        change.event("pull_request", {"number": number, "state": "untied"})
        differ = {"state": "untied"}
    else:
        before = {name: getattr(kept, name) for name in shown} if kept else {}
        differ = {name: value for name, value in shown.items() if before.get(name) != value or not kept}
        PullRequest.objects.update_or_create(
            ticket=change.ticket, number=number, defaults={**shown, "seen_at": timezone.now()}
        )
        if "state" in differ or "draft" in differ:
            at = (
                shown["merged_at"] if shown["state"] == "merged" else shown["opened_at"] if not kept else None
            )
            words = "draft" if shown["draft"] and shown["state"] == "open" else shown["state"]
            change.event(
                "pull_request",
                {"number": number, "state": words, "title": shown["title"], "url": shown["url"]},
                at=at,
            )
        for review in shown["reviews"] if "reviews" in differ else ():
            if review not in before.get("reviews", []):
                change.event("review", {"number": number, "login": review["login"], "state": review["state"]})
    moved = _move(change)
    change.nothing = not differ and not moved
    change.details = {"pull_request": number, "changed": sorted(differ), **moved}


def _move(change: Change) -> dict[str, list[str]]:
    """In review, approved, merged: what the ticket's pull requests say now. What was moved, if anything."""
    pulls = list(change.ticket.pull_requests.all())
    waiting = [each for each in pulls if each.state == "open" and not each.draft]
    merged = [each for each in pulls if each.state == "merged" and _counts(change.ticket, each)]
    reached, left = [], []
    shown = waiting or merged
    if shown and change.reach(Stage.IN_REVIEW, at=_not_before_reopening(change.ticket, shown[0].opened_at)):
        reached.append(Stage.IN_REVIEW.value)
    tell_reviewers(change)
    if shown and _both_approved(change.ticket, shown):
        reached += [Stage.APPROVED.value] if change.reach(Stage.APPROVED) else []
    elif waiting or not merged:
        left += change.leave(Stage.APPROVED)
    if merged and not any(each.state == "open" for each in pulls):
        last = max(merged, key=lambda each: each.merged_at or each.opened_at)
        if change.reach(Stage.MERGED, at=last.merged_at, details={"number": last.number, "head": last.head}):
            reached.append(Stage.MERGED.value)
    if not waiting and not merged:
        left += change.leave(Stage.IN_REVIEW)
    return {name: stages for name, stages in (("reached", reached), ("left", left)) if stages}


def _reopened_at(ticket: Ticket) -> datetime | None:
    return ticket.events.filter(kind="reopened").order_by("-at").values_list("at", flat=True).first()


def _counts(ticket: Ticket, pull: PullRequest) -> bool:
    """A pull request merged before the ticket was reopened was an earlier fix."""
    reopened = _reopened_at(ticket)
    return reopened is None or (pull.merged_at is not None and pull.merged_at >= reopened)


def _not_before_reopening(ticket: Ticket, at: datetime) -> datetime:
    reopened = _reopened_at(ticket)
    return max(at, reopened) if reopened else at


def _both_approved(ticket: Ticket, waiting: Sequence[PullRequest]) -> bool:
    """Whether the ticket's two reviewers have approved each pull request that waits."""
    wanted = {each.person.username for each in standing.facts(ticket).reviewers}
    return len(wanted) == rules.REVIEWERS and all(wanted <= approvers(pull) for pull in waiting)


def approvers(pull: PullRequest) -> set[str]:
    """Who approves it as it is now: GitHub logins in small letters."""
    return {each["login"].lower() for each in pull.reviews if each.get("state") == _APPROVED}
