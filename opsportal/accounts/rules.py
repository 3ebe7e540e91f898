"""May this person do this here; if not, why, and who can. The one place that answers (product.md, Always).

Pure: neither Django nor the clock. What a role may do where is data in :mod:`opsportal.accounts.grants`.
"""

from dataclasses import dataclass

from opsportal.accounts.grants import (
    ADMIN,
    DEVELOPMENT,
    GENERAL_GRANTS,
    GRANTS,
    LEAD_OR_ADMIN,
    NEVER,
    ORDER,
    OWNER,
    PORTAL,
    PORTAL_ONLY,
    ROLES,
    SANDBOX,
    STABLE,
    STAGING,
    WHO,
    WORDS,
    Grant,
    Permission,
)

__all__ = [
    "Actor",
    "Permission",
    "Place",
    "Refused",
    "Verdict",
    "cancelling",
    "keeps_an_admin",
    "may",
    "retrying",
]


@dataclass(frozen=True)
class Actor:
    """Who asks. ``is_service``: the portal itself (its schedule, its CD service), which holds no role."""

    username: str
    name: str
    roles: frozenset[str]
    active: bool
    is_service: bool = False


@dataclass(frozen=True)
class Place:
    """Where: an environment's name, its kind and, if it has one, its owner's username."""

    environment: str
    kind: str
    owner: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The answer. A refusal says why and who can; ``people`` names some of those, where names are known."""

    allowed: bool
    reason: str = ""
    who_can: tuple[str, ...] = ()
    people: str = ""

    def __bool__(self) -> bool:
        return self.allowed

    @property
    def sentence(self) -> str:
        """Reason and people as one text, for a page or a shell."""
        return f"{self.reason} Who can: {self.people}." if self.people else self.reason


class Refused(Exception):
    """An action or page was refused. The pages answer 403 with the verdict's reason and who can."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.sentence)
        self.verdict = verdict


_CANCEL, _RETRY = "cancel:", "retry:"
_FOLLOW_UP_WORDS = {_CANCEL: "cancel an operation that is to ", _RETRY: "retry an operation that is to "}
_HOW_THE_PORTAL_DOES = {
    DEVELOPMENT: "on every push to main: merge your change to main",
    STAGING: "when a release is tagged; cutting releases is not part of the portal yet",
    STABLE: "when a release is tagged; cutting releases is not part of the portal yet",
}


def cancelling(kind: str) -> str:
    """The permission to cancel an operation of this kind."""
    return _CANCEL + kind


def retrying(kind: str) -> str:
    """The permission to retry an operation of this kind from the step that failed."""
    return _RETRY + kind


def may(actor: Actor, permission: str, place: Place | None = None) -> Verdict:
    """Whether ``actor`` has ``permission`` at ``place``. Whatever is not known to be granted is refused.

    An operation's kind is the name of its permission. :func:`cancelling` and :func:`retrying` belong to
    whoever may run that kind there; where only the portal may, an engineering lead or an admin do it for it.
    """
    grant = granted_to(permission, place)
    if grant is None:
        return Verdict(False, _unknown(permission, place), ("nobody",))
    if grant == NEVER:
        return Verdict(False, _never(permission, place), ("nobody",))
    if not actor.active:
        reason = f"The account of {actor.name or actor.username} is switched off; an admin can switch it on."
        return Verdict(False, reason, who_in_words(grant))
    if _holds(actor, grant, place):
        return Verdict(True)
    return Verdict(False, _why_not(actor, permission, place, grant), who_in_words(grant))


def granted_to(permission: str, place: Place | None = None) -> Grant | None:
    """Who holds a permission there; :data:`NEVER` when it is forbidden, None when it is not known at all."""
    follow_up, kind = _split(permission)
    if not follow_up and permission in GENERAL_GRANTS:
        return GENERAL_GRANTS[permission]
    if place is None:
        return None
    grant = GRANTS.get(kind, {}).get(place.kind)
    return LEAD_OR_ADMIN if follow_up and grant == PORTAL_ONLY else grant


def who_in_words(grant: Grant) -> tuple[str, ...]:
    """Those of a grant as words for people, most likely helper first; never empty."""
    if not grant:
        return ("nobody",)
    named = tuple(ROLES.get(each, "its owner") for each in ORDER if each in grant)
    return named or ("the portal",)


def keeps_an_admin(active_admins: frozenset[str], leaving: str) -> Verdict:
    """Whether ``leaving`` may stop being an active admin. The last one may not: who would manage people?"""
    if active_admins - {leaving}:
        return Verdict(True)
    reason = f"{leaving} is the last active admin. Make somebody else an admin first."
    return Verdict(False, reason, (ROLES[ADMIN],))


def _split(permission: str) -> tuple[str, str]:
    for prefix in (_CANCEL, _RETRY):
        if permission.startswith(prefix):
            return prefix, permission.removeprefix(prefix)
    return "", permission


def _holds(actor: Actor, grant: Grant, place: Place | None) -> bool:
    if actor.is_service:
        return PORTAL in grant
    roles = actor.roles & ROLES.keys()
    owns = place is not None and place.owner is not None and place.owner == actor.username
    return bool(roles) and (bool(roles & grant) or (OWNER in grant and owns))


def _why_not(actor: Actor, permission: str, place: Place | None, grant: Grant) -> str:
    if not actor.is_service and not actor.roles & ROLES.keys():
        return f"{actor.name or actor.username} has no role in the portal yet. An admin can give one."
    if grant == PORTAL_ONLY and place is not None:
        return f"Only the portal may {_what(permission, place)}, {_HOW_THE_PORTAL_DOES[place.kind]}."
    return f"Only {_either(grant)} may {_what(permission, place)}."


def _never(permission: str, place: Place | None) -> str:
    if place is not None and place.kind == STABLE and _split(permission)[1] == Permission.RESET_DATABASE:
        return "The database of stable is never reset, by anyone, by any path."
    where = place.kind if place else "any environment"
    return f"Nobody may {_what(permission, place)}: it is never done on {where}."


def _unknown(permission: str, place: Place | None) -> str:
    if _split(permission)[1] not in GRANTS:
        return f"The portal knows no permission “{permission}”, so nobody has it."
    if place is None:
        return f"To {_what(permission, place)} needs an environment to be named."
    return f"“{place.kind}” is no kind of environment the portal knows, so nobody may change it."


def _what(permission: str, place: Place | None) -> str:
    follow_up, kind = _split(permission)
    return _FOLLOW_UP_WORDS.get(follow_up, "") + WORDS[kind].format(where=_where(place))


def _where(place: Place | None) -> str:
    if place is None:
        return "an environment"
    return f"the sandbox {place.environment}" if place.kind == SANDBOX else place.environment


def _either(grant: Grant) -> str:
    words = [WHO[each] for each in ORDER if each in grant]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
