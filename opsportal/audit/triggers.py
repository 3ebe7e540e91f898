"""What makes the trail append-only for everybody who talks to the database, not only for our models.

SQLite and PostgreSQL: an entry is never updated or deleted (PostgreSQL: nor truncated); the head is never
deleted and moves forward by one. A migration that remakes these tables has to call :func:`install` again.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

_SQLITE_TRIGGERS = {
    "audit_entry_no_update": "BEFORE UPDATE ON audit_entry",
    "audit_entry_no_delete": "BEFORE DELETE ON audit_entry",
    "audit_head_no_delete": "BEFORE DELETE ON audit_head",
    "audit_head_forward": "BEFORE UPDATE ON audit_head WHEN NEW.number <> OLD.number + 1",
}
_POSTGRESQL_TRIGGERS = {
    "audit_entry_no_update": "BEFORE UPDATE ON audit_entry FOR EACH ROW",
    "audit_entry_no_delete": "BEFORE DELETE ON audit_entry FOR EACH ROW",
    "audit_entry_no_truncate": "BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT",
    "audit_head_no_delete": "BEFORE DELETE ON audit_head FOR EACH ROW",
    "audit_head_no_truncate": "BEFORE TRUNCATE ON audit_head FOR EACH STATEMENT",
    "audit_head_forward": "BEFORE UPDATE ON audit_head FOR EACH ROW WHEN (NEW.number <> OLD.number + 1)",
}
_REFUSAL = "the audit trail is append-only"
_POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = '{_REFUSAL}';
END $$
"""


def installation(vendor: str) -> list[str]:
    """The statements that put the triggers up; ``vendor`` as Django names it."""
    if vendor == "sqlite":
        return [
            f"CREATE TRIGGER {name} {event} BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            for name, event in _SQLITE_TRIGGERS.items()
        ]
    return [
        _POSTGRESQL_FUNCTION,
        *(
            f"CREATE TRIGGER {name} {event} EXECUTE FUNCTION audit_refuse()"
            for name, event in _POSTGRESQL_TRIGGERS.items()
        ),
    ]


def removal(vendor: str) -> list[str]:
    """The statements that take the triggers down."""
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {name}" for name in _SQLITE_TRIGGERS]
    return [
        f"DROP TRIGGER IF EXISTS {name} ON {'audit_entry' if 'entry' in name else 'audit_head'}"
        for name in _POSTGRESQL_TRIGGERS
    ]


def install(connection: BaseDatabaseWrapper) -> None:
    """Put the triggers up, anew if they are there. SQLite and PostgreSQL; another database is refused."""
    if connection.vendor not in {"sqlite", "postgresql"}:
        raise NotImplementedError(f"The audit trail cannot be protected on {connection.vendor}.")
    with connection.cursor() as cursor:
        for statement in [*removal(connection.vendor), *installation(connection.vendor)]:
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take the triggers down; only undoing the migration does that."""
    with connection.cursor() as cursor:
        for statement in removal(connection.vendor):
            cursor.execute(statement)


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of triggers that should be in the database and are not, or are switched off; in order."""
    if connection.vendor == "sqlite":
        wanted, query = _SQLITE_TRIGGERS, "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        wanted = _POSTGRESQL_TRIGGERS
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    with connection.cursor() as cursor:
        cursor.execute(query)
        there = {row[0] for row in cursor.fetchall()}
    return sorted(wanted.keys() - there)
