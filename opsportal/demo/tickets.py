"""The demo's bugs: a few tickets, each at another place of its path, made through the same actions as any other.

Afterwards their moments are moved back: a team's tickets are not all a second old, and clocks need a past.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from opsportal.accounts.models import Person
from opsportal.bugs import actions
from opsportal.bugs.models import Comment, Consent, Event, Reached, Reviewer, Ticket
from opsportal.demo import team

WHY = "Talked about in refinement."
_PORTAL = "opsportal"


@dataclass
class _Story:
    """One ticket and what happened to it, with how many hours ago each thing did."""

    began: datetime
    ticket: Ticket | None = None

    def report(self, by: team.Member, hours: float, **said: Any) -> None:
        usual: dict[str, Any] = {"environment": "stable", "found_by": "team", "user_facing": True}
        self.ticket = actions.report(by=_person(by), **usual | said)
        self._was(hours)
        moment = self._ago(hours)
        Ticket.objects.filter(pk=self.number).update(reported_at=moment)

    def then(self, hours: float, action: Callable[..., object], **said: Any) -> None:
        """An action on the ticket, ``hours`` ago. People are given as members of the team."""
        action(ticket=self.ticket, **{name: _real(value) for name, value in said.items()})
        self._was(hours)

    def told(self, hours: float, *facts: str) -> None:
        """Facts that others tell the ticket."""
        for fact in facts:
            actions.tell(ticket=self.number, fact=fact, at=self._ago(hours), by=_PORTAL, details={})
        self._was(hours)

    @property
    def number(self) -> int:
        assert self.ticket is not None  # noqa: S101  every story begins with a report
        return self.ticket.pk

    def _ago(self, hours: float) -> datetime:
        return self.began - timedelta(hours=hours)

    def _was(self, hours: float) -> None:
        """What is new since the last step happened then."""
        moment, mine = self._ago(hours), {"ticket_id": self.number}
        for model, column in (
            (Event, "at"), (Reached, "at"), (Comment, "at"), (Reviewer, "since"),
            (Consent, "proposed_at"), (Consent, "decided_at"),
        ):  # fmt: skip
            rows = model._default_manager.filter(**mine, **{f"{column}__gte": self.began})
            rows.update(**{column: moment})
        Ticket.objects.filter(pk=self.number).update(updated_at=moment)
        self.ticket = Ticket.objects.get(pk=self.number)


def seed() -> int:
    """Make the demo's tickets, unless there are tickets already. Answers how many."""
    if Ticket.objects.exists():
        return 0
    for tell in (
        _closed,
        _on_staging,
        _declined,
        _in_review,
        _refined,
        _volunteers_wanted,
        _waiting,
        _new,
        _double,
    ):
        tell(_Story(timezone.now()))
    return Ticket.objects.count()


def _waiting(story: _Story) -> None:
    story.report(
        team.THEO, 0.4, title="Sign-in loops on Firefox", priority="critical", found_by="end_user",
        happens="After signing in at the identity provider one is sent back to the sign-in page, again and again.",
        should="One is signed in and sees one's domains.",
        steps="1. Open the home page in Firefox 140.\n2. Sign in.\n3. Watch the address bar.",
        breaks="Nobody who uses Firefox can sign in.", for_whom="About one registrant in six",
        since="This morning's release",
        evidence={
            "headline": "Stable runs v1.205.0; all 2 instances are up.",
            "facts": [["Health", "Healthy, 2 of 2 instances running"], ["Runs", "v1.205.0"]],
            "entries": [],
        },
    )  # fmt: skip
    story.then(
        0.3, actions.comment, by=team.ESME,
        body="Seen on macOS too. Private windows work, so it may be the **session cookie**. @ana, did you change it?",
    )  # fmt: skip


def _volunteers_wanted(story: _Story) -> None:
    story.report(
        team.ANA, 80, title="New domain requests cannot be submitted", priority="critical",
        happens="The last page of the request form answers with an error.",
        should="The request is kept and its number is shown.",
        breaks="No domain can be requested.", for_whom="Every agency that asks for a domain",
        since="Friday evening",
    )  # fmt: skip
    story.then(79, actions.consent, by=team.PRIYA, reason="Requests are what the service is for.")


def _in_review(story: _Story) -> None:
    story.report(
        team.CLEO, 54, title="Invitations to new domain managers are not sent", priority="critical",
        happens="The page says that an invitation was sent, and none arrives.",
        should="The invited person gets an e-mail within a minute.",
        breaks="Nobody can be added to a domain.", for_whom="Agencies whose staff changes",
        since="v1.204.0",
    )  # fmt: skip
    story.then(53, actions.consent, by=team.PRIYA, reason="Two agencies called.")
    story.then(52, actions.assign, by=team.DANA, engineer=team.CLEO, reviewers=[team.ANA, team.ESME])
    story.told(4, "in_review")


def _declined(story: _Story) -> None:
    story.report(
        team.ESME, 126, title="Searching domains in the admin takes half a minute", priority="critical",
        environment="staging", user_facing=False,
        happens="A search for a common word takes 30 seconds.", should="It takes less than two.",
        breaks="Analysts wait.", for_whom="Six analysts", since="The import of last week",
    )  # fmt: skip
    story.then(
        124, actions.decline, by=team.PRIYA, priority="medium",
        reason="Slow, but nothing is lost, and only we are affected.",
    )  # fmt: skip


def _refined(story: _Story) -> None:
    story.report(
        team.THEO, 170, title="The expiration date is shown in the wrong time zone", priority="low",
        environment="staging",
        happens="A domain that expires at midnight Eastern shows the day before.",
        should="The date of the registry's own time zone.",
    )  # fmt: skip
    story.then(
        120, actions.set_priority, by=team.DANA, priority="medium", reason="Registrants renew by this date."
    )
    story.then(120, actions.refine, by=team.DANA)


def _new(story: _Story) -> None:
    story.report(
        team.CLEO, 20, title="The health page says OK while the database is away", priority="high",
        environment="development", user_facing=False,
        happens="/health answers 200 although every page that reads the database fails.",
        should="It says that the database cannot be reached.",
        steps="1. Unbind the database of a sandbox.\n2. Open /health.",
    )  # fmt: skip


def _on_staging(story: _Story) -> None:
    story.report(
        team.ANA, 230, title="Phone numbers with an extension are refused", priority="high", found_by="end_user",
        happens="“202-555-0100 x12” is called no phone number.", should="The extension is kept.",
    )  # fmt: skip
    story.then(200, actions.refine, by=team.DANA)
    story.then(198, actions.assign, by=team.DANA, engineer=team.ANA, reviewers=[team.CLEO, team.ESME])
    story.told(120, "in_review")
    story.told(100, "approved", "merged")
    story.told(70, "tagged", "on_staging")


def _closed(story: _Story) -> None:
    story.report(
        team.ESME, 560, title="The footer's link to the privacy policy leads nowhere", priority="low",
        happens="It answers “page not found”.", should="The policy opens.",
    )  # fmt: skip
    story.then(530, actions.refine, by=team.THEO)
    story.then(520, actions.assign, by=team.DANA, engineer=team.CLEO, reviewers=[team.ANA, team.ESME])
    story.told(480, "in_review")
    story.told(460, "approved", "merged")
    story.told(400, "tagged", "on_staging")
    story.told(232, "on_stable")
    story.then(230, actions.close, by=team.THEO, reason="Seen on stable: the link works.")


def _double(story: _Story) -> None:
    story.report(
        team.ANA, 0.2, title="Login does not work in Firefox", priority="high", found_by="end_user",
        happens="The sign-in page comes back after signing in.", should="One is signed in.",
    )  # fmt: skip
    first = Ticket.objects.get(title="Sign-in loops on Firefox")
    story.then(0.1, actions.close, by=team.THEO, reason="The same bug.", duplicate_of=first)


def _person(member: team.Member) -> Person:
    return Person.objects.get(username=member.username)


def _real(value: Any) -> Any:
    """Members of the team as people; everything else as it is."""
    if isinstance(value, team.Member):
        return _person(value)
    return [_real(each) for each in value] if isinstance(value, list) else value
