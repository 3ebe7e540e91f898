"""Lets the test database be emptied between tests although the audit trail's triggers refuse just that."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def _test_databases_can_be_flushed() -> Iterator[None]:
    """While Django flushes a test database the triggers are down; they are up again before the next test."""
    import django.db.models  # noqa: F401 - the next import cannot stand first
    from django.db.backends.base.operations import BaseDatabaseOperations

    from opsportal.audit import triggers

    flush = BaseDatabaseOperations.execute_sql_flush

    def flush_with_triggers_down(self: BaseDatabaseOperations, sql_list: Any) -> Any:
        connection = self.connection
        protected = "audit_entry" in connection.introspection.table_names()
        if protected:
            triggers.remove(connection)
        try:
            return flush(self, sql_list)
        finally:
            if protected:
                triggers.install(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", flush_with_triggers_down)
        yield
