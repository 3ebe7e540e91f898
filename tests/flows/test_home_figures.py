"""Home with 300 environments and 10,000 operations: few queries, however much there is."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from opsportal.accounts.models import Role
from opsportal.operations.models import Operation, State
from tests.support import estate

pytestmark = [pytest.mark.django_db, pytest.mark.database]

QUERIES = 12


def a_large_estate(environments: int, operations: int) -> Client:
    """A signed-in person before that many rows."""
    ana = estate.person("ana", "Ana Alvarez", Role.ENGINEER)
    estate.repository()
    places = [estate.environment(f"e{n}", owner=ana if n % 3 else None) for n in range(environments)]
    Operation.objects.bulk_create(
        Operation(
            kind="deploy",
            environment=places[n % environments],
            environment_kind="sandbox",
            headline="Deploy main",
            requester="ana",
            state=State.SUCCEEDED if n % 7 else State.FAILED,
        )
        for n in range(operations)
    )
    for place in places[:20]:
        estate.operation(place, ana)
    client = Client()
    client.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_home_needs_as_few_queries_for_300_environments_as_for_three() -> None:
    client = a_large_estate(300, 10_000)
    client.get("/")
    with CaptureQueriesContext(
        connection,
    ) as seen:
        answer = client.get("/")
    assert answer.content.count(b'data-key="row-') == 300
    assert len(seen) <= QUERIES, [each["sql"][:120] for each in seen]
