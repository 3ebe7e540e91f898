"""What happened to a ticket, in order: changes, comments and pull requests in one line of time, in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from opsportal.bugs.models import Attachment, Comment, Event, Priority, PullRequest, Stage, Ticket


@dataclass(frozen=True)
class Item:
    """One thing that happened. ``words`` follow the name of who did it ("consented to Critical"); ``why``: their reason.

    A comment, a pull request or an attachment comes with it where it is one.
    """

    at: datetime
    kind: str
    actor: str
    actor_name: str
    words: str
    why: str = ""
    details: Mapping[str, Any] | None = None
    comment: Comment | None = None
    pull_request: PullRequest | None = None
    attachment: Attachment | None = None


def timeline(ticket: Ticket) -> list[Item]:
    """Everything that happened to it, the oldest first. Four queries."""
    pulls = {each.number: each for each in ticket.pull_requests.all()}
    files = {each.pk: each for each in ticket.attachments.defer("data").select_related("by")}
    found = [_of_event(each, pulls, files) for each in ticket.events.all()]
    found += [
        Item(
            each.at, "comment", each.author.username if each.author else "github", each.author_name,
            "commented on GitHub" if each.from_github else "commented", comment=each,
        )
        for each in ticket.comments.select_related("author")
    ]  # fmt: skip
    return sorted(found, key=lambda each: each.at)


def _of_event(event: Event, pulls: Mapping[int, PullRequest], files: Mapping[int, Attachment]) -> Item:
    details = event.details
    said = _WORDS.get(event.kind)
    who = details.get("login") if event.kind == "review" else event.actor_name
    return Item(
        event.at, event.kind, event.actor, str(who or event.actor),
        said(details) if said else event.kind.replace("_", " "), str(details.get("reason") or ""), details,
        pull_request=pulls.get(details.get("number", 0)) if event.kind in {"pull_request", "review"} else None,
        attachment=files.get(details.get("attachment", 0)),
    )  # fmt: skip


_FIELDS: Final = {
    "happens": "what happens", "should": "what should happen", "found_by": "who found it",
    "user_facing": "whether users see it",
}  # fmt: skip


def _priority(name: object) -> str:
    return Priority(name).label if name in Priority.values else str(name)


def _stage(name: object) -> str:
    return str(Stage(name).label).lower() if name in Stage.values else str(name)


def _edited(details: Mapping[str, Any]) -> str:
    names = [_FIELDS.get(name, name) for name in details.get("fields", {})]
    return f"changed {', '.join(names)}"


def _people(details: Mapping[str, Any]) -> str:
    reviewers = " and ".join(details.get("reviewers", [])) or "nobody yet"
    return f"{details.get('engineer') or 'nobody yet'}, reviewed by {reviewers}"


def _closed(details: Mapping[str, Any]) -> str:
    original = details.get("duplicate_of")
    return f"closed it as a duplicate of {original}" if original else "closed it"


def _pull(details: Mapping[str, Any]) -> str:
    words = {"draft": "open, as a draft", "untied": "it no longer names this ticket"}
    state = str(details.get("state"))
    return f"shows pull request #{details.get('number')}: {words.get(state, state)}"


def _review(details: Mapping[str, Any]) -> str:
    words = {
        "approved": "approved",
        "changes_requested": "asked for changes on",
        "dismissed": "no longer judges",
    }
    did = words.get(str(details.get("state")), "commented on")
    return f"{did} pull request #{details.get('number')}"


_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "reported": lambda d: f"reported it as {_priority(d.get('priority'))}",
    "edited": _edited,
    "priority": lambda d: f"changed the priority from {_priority(d.get('from'))} to {_priority(d.get('to'))}",
    "critical_proposed": lambda d: "proposed Critical",
    "consented": lambda d: "set Critical" if d.get("unasked") else "consented to Critical",
    "declined": lambda d: f"declined Critical: it is {_priority(d.get('priority'))}",
    "withdrawn": lambda d: "took the proposal of Critical back",
    "refined": lambda d: "refined it",
    "assigned": lambda d: f"assigned {_people(d)}",
    "taken": lambda d: "took it",
    "review_taken": lambda d: "took its review",
    "lead_late": lambda d: "asked for volunteers: nobody was assigned in time",
    "attached": lambda d: f"attached {d.get('name')}",
    "closed": _closed,
    "reopened": lambda d: "opened it again",
    "told": lambda d: f"says it is {_stage(d.get('fact'))}",
    "untold": lambda d: f"says it is no longer {_stage(d.get('fact'))}",
    "pull_request": _pull,
    "review": _review,
    "title_kept": lambda d: (
        f"shows another title, changed at the same time (“{d.get('theirs')}”): ours stays"
    ),
    "mirror_refused": lambda d: "could not be told of it",
    "mirrored": lambda d: f"shows it as issue #{d.get('number')}",
}
