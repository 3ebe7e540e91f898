"""EVERY message that the portal sends, written once: plain functions from values to words. Pure.

An event's function takes :class:`.values.Values` and says a title and lines. A value that was not given leaves its line out:
words never fail. Whoever tells gives values as plain text; they are made safe here (no secrets, one line, bounded),
and escaped where they are written (:mod:`.render`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from opsportal.notifications.values import Values

#: Subjects that a person chooses ways for.
CRITICAL: Final = "critical"
WORK: Final = "work"
DEPLOYS: Final = "deploys"
OWN: Final = "own"
HOLDS: Final = "holds"
SECRETS: Final = "secrets"

SUBJECTS: Final[Mapping[str, str]] = {
    CRITICAL: "Critical bugs and consent",
    WORK: "Tickets: assigned, review, mentions, volunteers",
    DEPLOYS: "Deploys, promotions and roll backs",
    OWN: "Your sandbox deploys, when they are done",
    HOLDS: "Holds",
    SECRETS: "Secrets that are overdue",
}

#: Groups with a channel of their own; one that has none is told in the first one's.
DEV: Final = "dev"
GROUPS: Final[Mapping[str, str]] = {
    DEV: "Developers",
    "product": "Product owners and product team",
    "admins": "Admins",
}


@dataclass(frozen=True)
class Said:
    """A title, and lines of text below it."""

    title: str
    lines: tuple[str, ...] = ()


def said(title: str, lines: Iterable[str] = ()) -> Said:
    """The words, without lines that are empty."""
    return Said(" ".join(title.split()), tuple(line for line in lines if line))


@dataclass(frozen=True)
class Event:
    """One thing that is told. ``seen``: in a thread it is shown in the channel too; ``urgent``: no digest takes it in."""

    name: str
    about: str
    subject: str
    button: str
    words: Callable[[Values], Said]
    example: Mapping[str, object] = field(default_factory=dict)
    seen: bool = False
    urgent: bool = False


_TICKET: Final[Mapping[str, object]] = {"ticket": "BUG-12", "title": "Nobody can submit a domain request"}
_DEPLOY: Final[Mapping[str, object]] = {
    "environment": "staging",
    "what": "Deploy staging-233 (1a2b3c4d)",
    "who": "The portal",
}


def critical_created(v: Values) -> Said:
    """Somebody reported what they hold to be Critical. ticket, title, who, what, whom, since, environment, proposed.

    ``proposed``: not empty while it waits for a product owner's word.
    """
    return said(
        f"{'Critical proposed' if v['proposed'] else 'Critical'}: {v.ticket()}",
        (
            v.line("What breaks", "what"),
            v.line("For whom", "whom"),
            v.line("Since", "since"),
            v.line("Environment", "environment"),
            v.line("Reported by", "who"),
        ),
    )


def consent_asked(v: Values) -> Said:
    """A product owner is asked. ticket, title, who, why, what, whom, since."""
    return said(
        f"Your consent is asked: is {v.ticket()} Critical?",
        (
            v.line("What breaks", "what"),
            v.line("For whom", "whom"),
            v.line("Since", "since"),
            v.line("Why Critical", "why"),
            v.line("Proposed by", "who"),
        ),
    )


def consent_given(v: Values) -> Said:
    """A product owner consented. ticket, title, who, reason."""
    return said(
        f"{v.ticket()} is Critical: {v['who'] or 'a product owner'} consented", (v.line("Why", "reason"),)
    )


def consent_declined(v: Values) -> Said:
    """A product owner declined. ticket, title, who, reason, priority."""
    return said(
        f"{v.ticket()} is not Critical: {v['who'] or 'a product owner'} declined",
        (v.line("Why", "reason"), v.line("Priority now", "priority")),
    )


def assigned(v: Values) -> Said:
    """An engineer and reviewers were named. ticket, title, engineer, reviewers, who."""
    return said(
        f"Assigned: {v.ticket()}",
        (v.line("Engineer", "engineer"), v.line("Reviewers", "reviewers"), v.line("Assigned by", "who")),
    )


def review_waits(v: Values) -> Said:
    """A pull request is open. ticket, title, engineer, pull_request."""
    return said(
        f"Your review is waited for: {v.ticket()}",
        (v.line("Pull request", "pull_request"), v.line("Engineer", "engineer")),
    )


def ticket_mentioned(v: Values) -> Said:
    """Somebody was named in a comment. ticket, title, who, text."""
    return said(f"{v['who'] or 'Somebody'} mentions you: {v.ticket()}", (v["text"],))


def lead_late(v: Values) -> Said:
    """A Critical was not assigned within the time set. ticket, title, since, waited."""
    return said(
        f"Volunteers wanted: {v.ticket()}",
        (
            f"Nobody was assigned within {v['waited']}." if v["waited"] else "Nobody was assigned in time.",
            "Engineers can take it, or one of its reviews, with one click. The product team may assign now.",
        ),
    )


def deploy_started(v: Values) -> Said:
    """A deploy, promotion or roll back began. environment, what, who, reason."""
    return said(
        f"{v['environment']}: {v['what']} has started", (v.line("By", "who"), v.line("Reason", "reason"))
    )


def deploy_succeeded(v: Values) -> Said:
    """It is done. environment, what, who, took, commit."""
    return said(
        f"{v['environment']}: {v['what']} is done",
        (v.line("Took", "took"), v.line("Commit", "commit"), v.line("By", "who")),
    )


def deploy_failed(v: Values) -> Said:
    """It failed or stands still. environment, what, who, step, problem, remedy."""
    return said(
        f"{v['environment']}: {v['what']} {v['ended'] or 'failed'}",
        (
            v.line("Step", "step"),
            v["problem"],
            v.line("What next", "remedy"),
            v.line("By", "who"),
        ),
    )


def held(v: Values) -> Said:
    """An environment is held. environment, who, reason, until."""
    return said(
        f"{v['environment']} is held", (v["reason"], v.line("Held by", "who"), v.line("Until", "until"))
    )


def released_from_hold(v: Values) -> Said:
    """A hold was released. environment, who, reason."""
    return said(
        f"{v['environment']} is no longer held", (v.line("Released by", "who"), v.line("Why", "reason"))
    )


def secrets_overdue(v: Values) -> Said:
    """Credentials are older than they may be. what, since."""
    return said("Secrets are overdue", (v.line("To be rotated", "what"), v.line("Since", "since")))


def test_message(v: Values) -> Said:
    """Somebody tries whether messages arrive. who."""
    return said("A test from the portal", (v.line("Sent by", "who"), "If you can read this, it works."))


def digest(v: Values) -> Said:
    """Many messages at once become one. count, and titles: a list of text."""
    titles = v.titles()
    more = v.number("count") - len(titles)
    return said(
        f"{v['count']} more messages",
        [*(f"• {each}" for each in titles), f"and {more} more" if more > 0 else ""],
    )


def _event(
    name: str,
    about: str,
    subject: str,
    words: Callable[[Values], Said],
    example: Mapping[str, object],
    *,
    button: str = "Open the ticket",
    seen: bool = False,
    urgent: bool = False,
) -> Event:
    return Event(name, about, subject, button, words, example, seen, urgent)


_WHAT: Final[Mapping[str, object]] = {
    **_TICKET,
    "what": "The last step of a domain request answers 500",
    "whom": "everybody who requests a domain",
    "since": "today, 09:14",
}
_HELD: Final[Mapping[str, object]] = {"environment": "stable", "who": "Lee Lindqvist"}

#: Every event there is, by name. What :func:`opsportal.notifications.actions.tell` is called with is one of these.
EVENTS: Final[Mapping[str, Event]] = {
    each.name: each
    for each in (
        _event("critical_created", "A Critical bug is reported", CRITICAL, critical_created,
               {**_WHAT, "who": "Ana Alvarez", "environment": "stable"}, seen=True, urgent=True),
        _event("consent_asked", "A product owner's consent is asked", CRITICAL, consent_asked,
               {**_WHAT, "who": "Ana Alvarez"}, button="Decide", seen=True, urgent=True),
        _event("consent_given", "A product owner consents", CRITICAL, consent_given,
               {**_TICKET, "who": "Pam Price"}, seen=True),
        _event("consent_declined", "A product owner declines", CRITICAL, consent_declined,
               {**_TICKET, "who": "Pam Price", "reason": "There is a way around it", "priority": "High"}, seen=True),
        _event("assigned", "A ticket is assigned", WORK, assigned,
               {**_TICKET, "engineer": "Ana Alvarez", "reviewers": ["Cleo Chu", "Dee Dahl"], "who": "Lee Lindqvist"}),
        _event("review_waits", "A pull request waits for its reviewers", WORK, review_waits,
               {**_TICKET, "engineer": "Ana Alvarez", "pull_request": "#482"}, button="Review"),
        _event("ticket_mentioned", "Somebody mentions a person", WORK, ticket_mentioned,
               {**_TICKET, "who": "Cleo Chu", "text": "Could you look at the second screenshot?"}),
        _event("lead_late", "Volunteers are wanted", WORK, lead_late,
               {**_TICKET, "waited": "2 hours"}, button="I take it", seen=True),
        _event("deploy_started", "A deploy starts", DEPLOYS, deploy_started, _DEPLOY, button="Follow it"),
        _event("deploy_succeeded", "A deploy is done", DEPLOYS, deploy_succeeded,
               {**_DEPLOY, "took": "4 min 12 s", "commit": "1a2b3c4d"}, button="See it"),
        _event("deploy_failed", "A deploy fails", DEPLOYS, deploy_failed,
               {**_DEPLOY, "step": "Migrate", "problem": "The migration ended with status 1.",
                "remedy": "Read its output, then deploy a fix. The previous version serves on."},
               button="See what happened", seen=True),
        _event("own_deploy_succeeded", "One's own sandbox deploy is done", OWN, deploy_succeeded,
               {**_DEPLOY, "environment": "ab", "took": "1 min 3 s"}, button="See it"),
        _event("held", "An environment is held", HOLDS, held,
               {**_HELD, "reason": "Elections tonight", "until": "tomorrow, 08:00"}, button="See the environment"),
        _event("released_from_hold", "A hold is released", HOLDS, released_from_hold, _HELD,
               button="See the environment", seen=True),
        _event("secrets_overdue", "Secrets are overdue", SECRETS, secrets_overdue,
               {"what": ["ab: service account key"], "since": "3 days"}, button="See which"),
        _event("test_message", "A test", WORK, test_message, {"who": "Ada Adeyemi"}, button="Open the portal",
               urgent=True),
        _event("digest", "Many messages at once", WORK, digest,
               {"count": 14, "titles": ["staging: Deploy staging-233 is done", "ab is held"]}, button="Open the portal"),
    )
}  # fmt: skip


def words_of(event: str, values: Mapping[str, object]) -> Said:
    """The words of an event. KeyError for a name that is none of :data:`EVENTS`."""
    return EVENTS[event].words(Values(values))
