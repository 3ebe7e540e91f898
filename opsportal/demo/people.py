"""The team that can sign in to the demo."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password

from opsportal.accounts import actions
from opsportal.accounts.models import Person
from opsportal.accounts.queries import SERVICE
from opsportal.demo import team
from opsportal.environments.actions import set_owner
from opsportal.environments.models import Environment

WHY = "made for the demo"


def seed(password: str) -> int:
    """Make the people who are missing, each with this password and their roles. Answers how many.

    Who is there already is left alone: whoever changed a role in the demo meant it. Raises ValidationError for a
    password that nobody may have.
    """
    validate_password(password)
    known = set(Person.objects.values_list("username", flat=True))
    missing = [member for member in team.PEOPLE if member.username not in known]
    for member in missing:
        actions.create_person(
            username=member.username,
            name=member.name,
            email=member.email,
            roles=member.roles,
            by=SERVICE,
            reason=WHY,
        )
    # One password, so one hash: hashing is made to be slow, and seven of them would double the first start.
    if missing:
        names = [member.username for member in missing]
        Person.objects.filter(username__in=names).update(password=make_password(password))
    return len(missing)


def hand_over_sandboxes() -> int:
    """Give each sandbox named after a person, and owned by nobody, to that person. Answers how many."""
    owned = {member.sandbox: member.username for member in team.PEOPLE if member.sandbox}
    free = Environment.objects.filter(name__in=owned, owner=None)
    people = Person.objects.in_bulk(owned.values(), field_name="username")
    for environment in free:
        owner = people.get(owned[environment.name])
        set_owner(environment=environment, owner=owner, by=SERVICE.username)
    return len(free)
