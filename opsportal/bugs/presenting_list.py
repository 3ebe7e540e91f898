"""What a list of tickets offers to choose from."""

from opsportal.accounts.models import Person
from opsportal.bugs.filters import Filters
from opsportal.bugs.models import Ticket


def choices(filters: Filters) -> tuple[list[tuple[str, str]], list[str]]:
    """People (user name, name) and environments. What the address asks for is offered even when nobody has it."""
    rows = Person.objects.filter(is_active=True, roles__isnull=False).distinct().order_by("name", "username")
    people = {username: name or username for username, name in rows.values_list("username", "name")}
    for asked in (filters.engineer, filters.reviewer, filters.reporter):
        if asked:
            people.setdefault(asked, asked)
    named = Ticket.objects.exclude(environment="").order_by("environment")
    environments = set(named.values_list("environment", flat=True).distinct())
    return list(people.items()), sorted(
        environments | ({filters.environment} if filters.environment else set())
    )
