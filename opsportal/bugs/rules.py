"""The rules of bug tickets (product.md, Bug tickets), pure: neither Django nor the clock.

Each answers with what forbids, in words; an empty answer means that nothing does.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

# --- priority -----------------------------------------------------------------------------------------------

CRITICAL: Final = "critical"
HIGH: Final = "high"
MEDIUM: Final = "medium"
LOW: Final = "low"
PRIORITIES: Final = (CRITICAL, HIGH, MEDIUM, LOW)

#: product.md's table: what each means. A priority of fixing, not a severity.
MEANINGS: Final[Mapping[str, str]] = {
    CRITICAL: "Needs a fix as soon as possible; the only one that may leave the release cycle.",
    HIGH: "Goes into the current sprint.",
    MEDIUM: "Goes into a coming sprint.",
    LOW: "May wait until after the next launch.",
}

#: What a bug is treated as while Critical is only proposed.
UNTIL_CONSENT: Final = HIGH


def priority_refusal(current: str, wanted: str, *, is_product_owner: bool, reason: str) -> str:
    """Why a priority may not be set so; empty when it may. ``current`` is empty for a new ticket.

    Only a product owner sets Critical, and only a product owner takes back what one consented to.
    """
    if wanted not in PRIORITIES:
        return f"There is no priority “{wanted}”. There are: {', '.join(PRIORITIES)}."
    if wanted == current:
        return f"It is {wanted} already."
    if wanted == CRITICAL and not is_product_owner:
        return "Only a product owner sets Critical; you may propose it."
    if current == CRITICAL and not is_product_owner:
        return "A product owner consented to Critical; only a product owner takes it back."
    if current and not reason.strip():
        return "Say why the priority changes; it is kept with the ticket."
    return ""


# --- the path -----------------------------------------------------------------------------------------------

REPORTED: Final = "reported"
TRIAGED: Final = "triaged"
REFINED: Final = "refined"
ASSIGNED: Final = "assigned"
IN_REVIEW: Final = "in_review"
APPROVED: Final = "approved"
MERGED: Final = "merged"
TAGGED: Final = "tagged"
ON_STAGING: Final = "on_staging"
ON_STABLE: Final = "on_stable"
CLOSED: Final = "closed"

#: The stages in the order of a fix on the train. A hotfix reaches stable before it is merged, so the furthest one
#: counts and not the last one told.
PATH: Final = (
    REPORTED, TRIAGED, REFINED, ASSIGNED, IN_REVIEW, APPROVED, MERGED, TAGGED, ON_STAGING, ON_STABLE, CLOSED,
)  # fmt: skip
#: What the release work and the hotfix work tell a ticket; the others follow from the ticket itself.
TOLD: Final = (MERGED, TAGGED, ON_STAGING, ON_STABLE)


def stage(reached: Collection[str]) -> str:
    """Where on its path a ticket is, from the stages that hold: the furthest. A new ticket is reported."""
    return max((one for one in reached if one in PATH), key=PATH.index, default=REPORTED)


# --- assignment ---------------------------------------------------------------------------------------------

ENGINEERS: Final = frozenset({"engineer", "engineering_lead"})
DESIGNER: Final = "designer"
REVIEWERS: Final = 2


@dataclass(frozen=True)
class Candidate:
    """A person as the rules of assignment see one."""

    username: str
    name: str
    roles: frozenset[str]
    active: bool = True


def engineer_refusal(engineer: Candidate) -> str:
    """Why this person cannot be the engineer of a ticket."""
    if not engineer.active:
        return f"The account of {engineer.name} is switched off."
    if not engineer.roles & ENGINEERS:
        return f"{engineer.name} is not an engineer."
    return ""


def reviewer_refusal(
    reviewer: Candidate, *, engineer: Candidate | None, others: Sequence[Candidate], user_facing: bool
) -> str:
    """Why this person cannot review beside ``others``.

    Two reviewers, neither of them the engineer; one may be a designer when the bug is user-facing (product.md).
    """
    if not reviewer.active:
        return f"The account of {reviewer.name} is switched off."
    if engineer is not None and reviewer.username == engineer.username:
        return f"{reviewer.name} is the engineer: nobody reviews their own fix."
    if reviewer.username in {each.username for each in others}:
        return f"{reviewer.name} reviews it already."
    if reviewer.roles & ENGINEERS:
        return ""
    if DESIGNER not in reviewer.roles:
        return f"{reviewer.name} is neither an engineer nor a designer."
    if not user_facing:
        return f"{reviewer.name} is a designer, and a designer reviews only what users see; this bug is not user-facing."
    if any(not each.roles & ENGINEERS for each in others):
        return f"{reviewer.name} is a designer, and so is the other reviewer: one of the two is an engineer."
    return ""


def assignment_refusals(
    engineer: Candidate, reviewers: Sequence[Candidate], *, user_facing: bool
) -> Mapping[str, str]:
    """``{"engineer": why, "reviewers": why}`` for a whole assignment; empty when it is allowed."""
    found: dict[str, str] = {}
    if refusal := engineer_refusal(engineer):
        found["engineer"] = refusal
    if len(reviewers) != REVIEWERS:
        found["reviewers"] = f"A fix has {REVIEWERS} reviewers; {len(reviewers)} given."
        return found
    for number, each in enumerate(reviewers):
        others = reviewers[:number]
        if refusal := reviewer_refusal(each, engineer=engineer, others=others, user_facing=user_facing):
            found["reviewers"] = refusal
            break
    return found


# --- clocks -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WorkingHours:
    """When the team works: weekdays (0 is Monday), from and until, in a time zone; days off are dates."""

    days: frozenset[int]
    begin: time
    end: time
    zone: str
    off: frozenset[date] = frozenset()

    def on(self, day: date) -> tuple[datetime, datetime] | None:
        """From when until when the team works that day; None when it does not."""
        if day.weekday() not in self.days or day in self.off:
            return None
        zone = ZoneInfo(self.zone)
        begin = datetime.combine(day, self.begin, zone).astimezone(UTC)
        return begin, datetime.combine(day, self.end, zone).astimezone(UTC)


#: No sum over more days than this is worth the time.
_FURTHEST = 3700


def working_time(since: datetime, until: datetime, hours: WorkingHours) -> timedelta:
    """How much working time lies between two moments; zero when ``until`` is the earlier."""
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    total = timedelta()
    zone = ZoneInfo(hours.zone)
    day, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    for _ in range(_FURTHEST):
        if day > last:
            break
        if span := hours.on(day):
            total += max(timedelta(), min(span[1], until) - max(span[0], since))
        day += timedelta(days=1)
    return total


def due_after(since: datetime, allowed: timedelta, hours: WorkingHours) -> datetime | None:
    """The moment at which ``allowed`` working time has gone by; None when the team never works that long."""
    left, day = allowed, since.astimezone(ZoneInfo(hours.zone)).date()
    for _ in range(_FURTHEST):
        if span := hours.on(day):
            begin = max(span[0], since.astimezone(UTC))
            available = max(timedelta(), span[1] - begin)
            if available >= left:
                return begin + left
            left -= available
        day += timedelta(days=1)
    return None


# --- naming -------------------------------------------------------------------------------------------------


def keys_in(texts: Iterable[str], prefix: str) -> list[int]:
    """The numbers of the tickets that a branch, a title or a message names ("bug-12-login", "BUG-12: …"), in order.

    A key stands by itself: in ``debug-12`` and ``BUG-12a`` none does.
    """
    found: list[int] = []
    wanted = prefix.lower() + "-"
    for text in texts:
        low = text.lower()
        at = low.find(wanted)
        while at >= 0:
            digits = _digits(low, at + len(wanted))
            end = at + len(wanted) + len(digits)
            alone = (at == 0 or not low[at - 1].isalnum()) and (end == len(low) or not low[end].isalnum())
            if digits and alone and len(digits) <= 9 and int(digits) and int(digits) not in found:
                found.append(int(digits))
            at = low.find(wanted, at + 1)
    return found


def _digits(text: str, at: int) -> str:
    end = at
    while end < len(text) and text[end] in "0123456789":
        end += 1
    return text[at:end]
