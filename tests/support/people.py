"""A small cast with fixed roles, and the places they work on."""

from opsportal.accounts.models import Person, PersonRole
from opsportal.environments.models import Environment
from opsportal.environments.rules import kind_of

CAST = {
    "ana": ("Ana Alvarez", ["engineer"]),
    "cleo": ("Cleo Chu", ["engineer"]),
    "lee": ("Lee Lindqvist", ["engineering_lead"]),
    "pam": ("Pam Price", ["product_owner"]),
    "dee": ("Dee Dahl", ["designer"]),
    "ada": ("Ada Adeyemi", ["admin"]),
    "stranger": ("Sam Stranger", []),
}


def person(username: str) -> Person:
    """One of the cast."""
    name, roles = CAST[username]
    made, fresh = Person.objects.get_or_create(username=username, defaults={"name": name})
    if fresh:
        made.set_password("correct-horse-battery")
        made.save()
        PersonRole.objects.bulk_create(PersonRole(person=made, role=role) for role in roles)
    return made


def environment(name: str, owner: str = "") -> Environment:
    """An environment of the name's kind, known to the repository."""
    made, _ = Environment.objects.get_or_create(
        name=name,
        defaults={
            "kind": kind_of(name),
            "app_name": f"getgov-{name}",
            "space_name": name,
            "owner": person(owner) if owner else None,
        },
    )
    return made
