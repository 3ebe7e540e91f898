"""Whether a command has a database to work on: asked first, so that nobody meets a traceback or an empty file."""

from pathlib import Path

from django.core.management.base import CommandError
from django.db import OperationalError, connection

from opsportal.audit.models import Head

NOT_READY = 2


def require_tables() -> None:
    """Raises CommandError (exit status 2) when the database is not there, does not answer or has no tables.

    An SQLite file that does not exist is not made by asking.
    """
    if connection.vendor == "sqlite" and not connection.is_in_memory_db():  # type: ignore[attr-defined]
        file = Path(str(connection.settings_dict["NAME"]))
        if not file.exists():
            raise CommandError(f"There is no database yet ({file}). {_REMEDY}", returncode=NOT_READY)
    try:
        tables = connection.introspection.table_names()
    except OperationalError:
        raise CommandError(
            "The database does not answer. Start it, or check DATABASE_URL.", returncode=NOT_READY
        ) from None
    if Head._meta.db_table not in tables:
        raise CommandError(f"The database has no tables yet. {_REMEDY}", returncode=NOT_READY)


_REMEDY = "Start bin/demo, or make them with: manage.py migrate"
