"""Who is told what of a ticket: the one module of bugs that calls notifications. Words live there, people here."""

from collections.abc import Iterable, Mapping

from opsportal.accounts.grants import ENGINEER, ENGINEERING_LEAD, PRODUCT_OWNER, PRODUCT_TEAM
from opsportal.accounts.queries import By, Person
from opsportal.bugs.models import Comment, Consent, PullRequest, Ticket
from opsportal.kit import wording
from opsportal.notifications.actions import tell

DEV, PRODUCT = "dev", "product"


def _holding(*roles: str) -> list[Person]:
    return list(Person.objects.filter(is_active=True, roles__role__in=roles).distinct())


def path_of(ticket: Ticket) -> str:
    """Where a ticket is in the portal."""
    return f"/tickets/{ticket.pk}"


def _tell(
    event: str,
    ticket: Ticket,
    fact: object,
    *,
    to: Iterable[Person] = (),
    groups: Iterable[str] = (),
    url: str = "",
    values: Mapping[str, object],
) -> None:
    tell(
        event,
        topic=f"ticket:{ticket.key}",
        key=f"{ticket.key}:{fact}",
        values={"ticket": ticket.key, "title": ticket.title, **values},
        url=url or path_of(ticket),
        to=to,
        groups=groups,
    )


def _proposal(consent: Consent) -> dict[str, object]:
    return {
        "who": str(consent.proposed_by),
        "what": consent.breaks,
        "whom": consent.for_whom,
        "since": consent.since,
    }


def critical_created(ticket: Ticket, consent: Consent) -> None:
    """product.md: the developers' channel is told at once; the lead too, who has to assign."""
    _tell(
        "critical_created", ticket, consent.pk, to=_holding(ENGINEERING_LEAD), groups=(DEV,),
        values={
            "environment": ticket.environment,
            "proposed": "" if consent.decision else "yes",
            **_proposal(consent),
        },
    )  # fmt: skip


def consent_asked(ticket: Ticket, consent: Consent) -> None:
    """Every product owner is asked; the first word counts."""
    _tell(
        "consent_asked",
        ticket,
        consent.pk,
        to=_holding(PRODUCT_OWNER),
        groups=(PRODUCT,),
        values=_proposal(consent),
    )


def decided(ticket: Ticket, consent: Consent) -> None:
    """Who proposed, who reported, the developers, and where product owners were asked; on a consent the lead too."""
    to = [consent.proposed_by, ticket.reporter]
    given = consent.decision == Consent.Decision.CONSENTED
    if given:
        to += _holding(ENGINEERING_LEAD)
    _tell(
        "consent_given" if given else "consent_declined", ticket, consent.pk, to=to,
        groups=(DEV, PRODUCT),
        values={
            "who": str(consent.decided_by), "reason": consent.reason, "priority": ticket.get_priority_display(),
        },
    )  # fmt: skip


def assigned(ticket: Ticket, people: Iterable[Person], by: By) -> None:
    """Those who are new to it, and who reported it."""
    told = [each for each in (*people, ticket.reporter) if each.username != by.username]
    _tell(
        "assigned", ticket, ticket.version, to=told,
        groups=(DEV,) if ticket.priority == "critical" else (),
        values={
            "who": by.name or by.username, "engineer": str(ticket.engineer or "nobody yet"),
            "reviewers": [str(each.person) for each in ticket.reviewers.select_related("person")],
        },
    )  # fmt: skip


def review_waits(ticket: Ticket, pull: PullRequest, reviewers: Iterable[Person]) -> None:
    """product.md: when the pull request is open the reviewers are told that it waits for them."""
    for person in reviewers:
        _tell(
            "review_waits", ticket, f"{pull.number}:{person.username}:{pull.pk}", to=[person],
            values={"engineer": str(ticket.engineer or pull.author), "pull_request": f"#{pull.number}"},
        )  # fmt: skip


def mentioned(comment: Comment, people: Iterable[Person]) -> None:
    """Whoever a comment names."""
    _tell(
        "ticket_mentioned", comment.ticket, comment.pk, to=people, values={"who": comment.author_name, "text": comment.body},
        url=f"{path_of(comment.ticket)}#comment-{comment.pk}",
    )  # fmt: skip


def lead_late(ticket: Ticket, consent: Consent, waited: float) -> None:
    """Volunteers are wanted: engineers may take it, the product team may assign. ``waited``: seconds of working time."""
    _tell(
        "lead_late", ticket, consent.pk, to=_holding(ENGINEER, ENGINEERING_LEAD, PRODUCT_TEAM, PRODUCT_OWNER),
        groups=(DEV, PRODUCT), values={"waited": wording.duration(waited)},
    )  # fmt: skip
