"""The rules asked about real people: who is asking, and the names of those who can."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from opsportal.accounts import rules
from opsportal.accounts.grants import ADMIN, OWNER
from opsportal.accounts.models import Person, PersonRole
from opsportal.accounts.rules import Actor, Place, Refused, Verdict

__all__ = [
    "SERVICE",
    "By",
    "OnGitHub",
    "Person",
    "active_admins",
    "actor_for",
    "in_words",
    "may",
    "names_of_admins",
    "on_github",
    "person_named",
    "require",
]

#: The portal itself: its schedule, its CD service. It signs nowhere in and holds no role.
SERVICE: Final = Actor(
    username="opsportal", name="The portal", roles=frozenset(), active=True, is_service=True
)

#: Who acts: a person, or the portal itself.
By = Person | Actor

_NAMES_SHOWN = 2


def actor_for(by: By) -> Actor:
    """What the rules need to know of a person. One query per person object, then none."""
    if isinstance(by, Actor):
        return by
    return Actor(username=by.username, name=by.name, roles=by.role_names, active=by.is_active)


def may(by: By, permission: str, place: Place | None = None) -> Verdict:
    """The rules' answer; a refusal also names active people who can ("Ana Alvarez, Cleo Chu and 3 more").

    The first refusal costs one query; its answer is kept with the person object, so that a page full of
    refusals costs no more.
    """
    verdict = rules.may(actor_for(by), permission, place)
    return verdict if verdict.allowed else replace(verdict, people=_people_who_can(by, permission, place))


def require(by: By, permission: str, place: Place | None = None) -> None:
    """Raise :class:`Refused` unless ``by`` may. Every action begins with it."""
    verdict = may(by, permission, place)
    if not verdict.allowed:
        raise Refused(verdict)


def person_named(username: str) -> Person | None:
    """The person with that user name, in whatever case it was typed; None when there is none."""
    return Person.objects.filter(username=username.strip().lower()).first()


@dataclass(frozen=True)
class OnGitHub:
    """Whose login is whose. ``said``: logins that people (or admins) gave; ``guessed``: by user name. Small letters."""

    said: Mapping[str, Person]
    guessed: Mapping[str, Person]

    def person(self, login: str, *, vouched: bool) -> Person | None:
        """Who it is. ``vouched``: GitHub says that the login belongs to the team, so the same user name is enough."""
        low = login.lower()
        return self.said.get(low) or (self.guessed.get(low) if vouched else None)

    def name(self, login: str, *, vouched: bool) -> str:
        """Their user name; of a stranger the login, in a form that is nobody's user name."""
        person = self.person(login, vouched=vouched)
        if person is not None:
            return person.username
        known = {each.username for each in (*self.said.values(), *self.guessed.values())}
        return f"github:{login}" if login.lower() in known else login


def on_github() -> OnGitHub:
    """Everybody, by GitHub login. One query."""
    people = list(Person.objects.all())
    return OnGitHub(
        {each.github_login.lower(): each for each in people if each.github_login},
        {each.username: each for each in people if not each.github_login},
    )


def active_admins(*, lock: bool = False) -> frozenset[str]:
    """User names of those who can manage people now; ``lock``: so they stay until the transaction ends."""
    held = (
        PersonRole.objects.filter(role=ADMIN, person__is_active=True).select_related("person").order_by("pk")
    )
    if lock:
        held = held.select_for_update(no_key=True)  # rows that refer to these people may still be written
    return frozenset(row.person.username for row in held)


def names_of_admins() -> str:
    """Who can help with people and signing in: "Ana", "Ana and Cleo", "Ana, Cleo and 3 more"."""
    held = PersonRole.objects.filter(role=ADMIN, person__is_active=True).order_by("person__name")
    names = held.values_list("person__name", "person__username")
    return in_words([name or username for name, username in names])


def _people_who_can(by: By, permission: str, place: Place | None) -> str:
    grant = rules.granted_to(permission, place) or frozenset()
    holders = _role_holders(by)
    named: set[tuple[str, str]] = set()
    for role in grant:
        named |= holders.get(role, set())
    if OWNER in grant and place is not None and place.owner is not None:
        everybody = set().union(*holders.values())
        named |= {each for each in everybody if each[1] == place.owner}
    return in_words([name for name, _ in sorted(named)])


def _role_holders(by: By) -> Mapping[str, set[tuple[str, str]]]:
    """Role → (name, username) of each active holder; read once per person object, so once per request."""
    kept: Mapping[str, set[tuple[str, str]]] | None = getattr(by, "_role_holders", None)
    if kept is not None:
        return kept
    holders: dict[str, set[tuple[str, str]]] = defaultdict(set)
    active = PersonRole.objects.filter(person__is_active=True).order_by()
    for role, name, username in active.values_list("role", "person__name", "person__username"):
        holders[role].add((name or username, username))
    if isinstance(by, Person):
        by.__dict__["_role_holders"] = holders
    return holders


def in_words(names: list[str]) -> str:
    """A few names in full, the rest counted: "Ana", "Ana and Cleo", "Ana, Cleo and 3 more"; empty for
    none.
    """
    shown, more = names[:_NAMES_SHOWN], len(names) - _NAMES_SHOWN
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join(shown)
