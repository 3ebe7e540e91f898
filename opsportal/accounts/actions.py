"""What is done to people and roles. Keyword-only, ``by=`` who, one transaction, one audit entry each.

Each raises :class:`~opsportal.accounts.rules.Refused` when ``by`` may not, or when it would leave nobody to
manage people, and Django's ``ValidationError`` when what was given is not usable.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from opsportal.accounts import lockouts
from opsportal.accounts.models import Person, PersonRole, Role, check_time_zone
from opsportal.accounts.queries import By, active_admins, actor_for, require
from opsportal.accounts.rules import Permission, Refused, Verdict, keeps_an_admin
from opsportal.audit import actions as audit

_DETAILS = ("name", "email", "github_login", "time_zone")


def create_person(
    *,
    username: str,
    name: str,
    by: By,
    password: str | None = None,
    email: str = "",
    github_login: str = "",
    time_zone: str = "",
    roles: Iterable[str] = (),
    reason: str = "",
) -> Person:
    """Make a person and grant the roles. Without a password they cannot sign in with one."""
    require(by, Permission.MANAGE_PEOPLE)
    person = Person(
        username=username.strip().lower(), name=name.strip(), email=email, github_login=github_login.strip(),
        time_zone=time_zone,
    )  # fmt: skip
    _set_checked_password(person, password)
    with transaction.atomic():
        person.full_clean()
        person.save()
        _record(by, "create", person, reason, {"name": person.name})
        for role in roles:
            grant_role(person=person, role=role, by=by, reason=reason)
    return person


def grant_role(*, person: Person, role: str, by: By, reason: str = "") -> PersonRole:
    """Give a person a role. Giving one they hold already changes nothing and is not recorded again."""
    require(by, Permission.MANAGE_PEOPLE)
    if role not in Role.values:
        raise ValidationError(f"“{role}” is no role. Roles are: {', '.join(Role.values)}.")
    granter = by if isinstance(by, Person) else None
    with transaction.atomic():
        held, new = PersonRole.objects.get_or_create(
            person=person, role=role, defaults={"granted_by": granter}
        )
        if new:
            _record(by, "grant_role", person, reason, {"role": role})
    person.forget_roles()
    return held


def revoke_role(*, person: Person, role: str, by: By, reason: str = "") -> None:
    """Take a role away. Taking away one they do not hold changes nothing. The last active admin stays one."""
    require(by, Permission.MANAGE_PEOPLE)
    with transaction.atomic():
        if role == Role.ADMIN:
            _keep_an_admin(person)
        removed, _ = PersonRole.objects.filter(person=person, role=role).delete()
        if removed:
            _record(by, "revoke_role", person, reason, {"role": role})
    person.forget_roles()


def deactivate(*, person: Person, by: By, reason: str = "") -> None:
    """Switch an account off: it can do nothing from its next request on. The last active admin cannot be."""
    require(by, Permission.MANAGE_PEOPLE)
    with transaction.atomic():
        _keep_an_admin(person)
        if Person.objects.filter(pk=person.pk, is_active=True).update(is_active=False):
            _record(by, "deactivate", person, reason)
    person.is_active = False


def activate(*, person: Person, by: By, reason: str = "") -> None:
    """Switch an account on again, with the roles it had."""
    require(by, Permission.MANAGE_PEOPLE)
    with transaction.atomic():
        if Person.objects.filter(pk=person.pk, is_active=False).update(is_active=True):
            _record(by, "activate", person, reason)
    person.is_active = True


def unlock(*, person: Person, by: By, reason: str = "") -> None:
    """Let a person sign in at once who gave a wrong password too often. For one who is not locked out: nothing."""
    require(by, Permission.MANAGE_PEOPLE)
    with transaction.atomic():
        if addresses := lockouts.lift(person):
            _record(by, "unlock", person, reason, {"addresses": addresses})


def set_password(*, person: Person, password: str, by: By, reason: str = "") -> None:
    """Give a person a new password; whoever is signed in with the old one is signed out."""
    require(by, Permission.MANAGE_PEOPLE)
    _set_checked_password(person, password)
    with transaction.atomic():
        person.save(update_fields=["password"])
        _record(by, "set_password", person, reason)


def change_own_password(*, password: str, by: Person) -> None:
    """Give oneself another password; whoever is signed in with the old one elsewhere is signed out."""
    _set_checked_password(by, password)
    with transaction.atomic():
        by.save(update_fields=["password"])
        _record(by, "change_password", by, "")


def change_own_time_zone(*, time_zone: str, by: Person) -> None:
    """Read times in another zone from now on; empty for the team's. Raises ValidationError for what is none."""
    check_time_zone(time_zone)
    if time_zone == by.time_zone:
        return
    changed = {"time_zone": [by.time_zone, time_zone]}
    with transaction.atomic():
        by.time_zone = time_zone
        by.save(update_fields=["time_zone"])
        _record(by, "change_details", by, "", changed)


def change_own_github_login(*, github_login: str, by: Person) -> None:
    """Say who one is on GitHub; empty for the user name. Raises ValidationError for what is no login, or another's."""
    before, github_login = by.github_login, github_login.strip()
    if github_login == before:
        return
    with transaction.atomic():
        by.github_login = github_login
        try:
            by.full_clean()
        except ValidationError:
            by.github_login = before
            raise
        by.save(update_fields=["github_login"])
        _record(by, "change_details", by, "", {"github_login": [before, github_login]})


def change_details(*, person: Person, by: By, reason: str = "", **details: str) -> None:
    """Change display name, e-mail address, GitHub login or time zone (the names of ``_DETAILS``)."""
    require(by, Permission.MANAGE_PEOPLE)
    unknown = details.keys() - set(_DETAILS)
    if unknown:
        raise TypeError(f"No detail of a person: {', '.join(sorted(unknown))}")
    with transaction.atomic():
        kept = Person.objects.select_for_update(no_key=True).get(pk=person.pk)
        changed = {
            name: [getattr(kept, name), value]
            for name, value in details.items()
            if getattr(kept, name) != value
        }
        for name, value in details.items():
            setattr(kept, name, value)
            setattr(person, name, value)
        if changed:
            kept.full_clean()
            kept.save(update_fields=list(changed))
            _record(by, "change_details", person, reason, changed)


def _set_checked_password(person: Person, password: str | None) -> None:
    if password is not None:
        validate_password(password, person)
    person.set_password(password)


def _keep_an_admin(leaving: Person) -> None:
    """Lock the active admins, roles and people both, so that two admins cannot remove each other at once."""
    admins = active_admins(lock=True)
    verdict = keeps_an_admin(admins, leaving.username) if leaving.username in admins else Verdict(True)
    if not verdict.allowed:
        raise Refused(verdict)


def _record(
    by: By, action: str, person: Person, reason: str, details: Mapping[str, Any] | None = None
) -> None:
    actor = actor_for(by)
    audit.record(
        actor=actor.username,
        actor_kind="service" if actor.is_service else "person",
        action=f"person.{action}",
        target=person.username,
        target_kind="person",
        reason=reason,
        details=details,
    )
