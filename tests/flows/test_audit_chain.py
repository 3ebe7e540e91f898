"""The audit trail: nobody can edit it, and a gap or an edit shows (product.md, Always)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsportal.audit import origin, triggers
from opsportal.audit.actions import record
from opsportal.audit.models import AppendOnly, Entry, Head
from opsportal.audit.queries import verify

pytestmark = [pytest.mark.database, pytest.mark.django_db]

Tamper = Callable[..., None]


@pytest.fixture
def five_entries() -> list[Entry]:
    """Ana deploys five times."""
    return [record(actor="ana", action="deploy", target=f"sandbox {number}") for number in range(1, 6)]


@pytest.fixture
def tamper() -> Tamper:
    """Somebody with the database's own rights takes the triggers down, changes rows, and puts them up again."""

    def change(*statements: str) -> None:
        triggers.remove(connection)
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        triggers.install(connection)

    return change


# --- what is found --------------------------------------------------------------------------------


def test_an_untouched_trail_is_whole(five_entries: list[Entry]) -> None:
    found = verify()

    assert (found.ok, found.entries, found.first_problem) == (True, 5, None)
    assert (found.number, found.hash) == (5, five_entries[-1].hash)


def test_an_empty_trail_is_whole() -> None:
    assert verify().ok


@pytest.mark.parametrize(
    ("statements", "number", "kind"),
    [
        (["UPDATE audit_entry SET actor = 'bo' WHERE number = 3"], 3, "edit"),
        (["UPDATE audit_entry SET at = '2026-01-01 00:00:00+00:00' WHERE number = 2"], 2, "edit"),
        (["UPDATE audit_entry SET details = '{\"a\": 1}' WHERE number = 5"], 5, "edit"),
        (["DELETE FROM audit_entry WHERE number = 3"], 3, "gap"),
        (["DELETE FROM audit_entry WHERE number = 1"], 1, "gap"),
        (["DELETE FROM audit_entry WHERE number = 5"], 5, "truncation"),
        (["DELETE FROM audit_entry"], 1, "truncation"),
        (
            [
                "UPDATE audit_entry SET number = 99 WHERE number = 2",
                "UPDATE audit_entry SET number = 2 WHERE number = 3",
                "UPDATE audit_entry SET number = 3 WHERE number = 99",
            ],
            2,
            "reorder",
        ),
        (
            [
                "DELETE FROM audit_entry WHERE number = 5",
                "UPDATE audit_head SET number = 4, hash = (SELECT hash FROM audit_entry WHERE number = 4)",
            ],
            4,
            "seal",
        ),
        (["UPDATE audit_head SET number = 4"], 5, "surplus"),
        (["UPDATE audit_head SET hash = 'x'"], 5, "head"),
        (["DELETE FROM audit_head"], 1, "surplus"),
    ],
)
def test_tampering_is_found_with_its_number_and_kind(
    five_entries: list[Entry], tamper: Tamper, statements: list[str], number: int, kind: str
) -> None:
    tamper(*statements)

    problem = verify().first_problem

    assert problem is not None
    assert (problem.number, problem.kind) == (number, kind)


def test_a_trail_written_anew_with_right_hashes_lacks_the_seal(
    five_entries: list[Entry], tamper: Tamper
) -> None:
    forged = five_entries[-1]
    forged.actor = "bo"
    digest = forged.computed_hash()

    tamper(
        f"UPDATE audit_entry SET actor = 'bo', hash = '{digest}' WHERE number = 5",
        f"UPDATE audit_head SET hash = '{digest}'",
    )

    assert verify().first_problem.kind == "seal"


def test_entries_written_later_do_not_cover_up_a_broken_seal(
    five_entries: list[Entry], tamper: Tamper
) -> None:
    tamper(
        "DELETE FROM audit_entry WHERE number = 5",
        "UPDATE audit_head SET number = 4, hash = (SELECT hash FROM audit_entry WHERE number = 4)",
    )
    record(actor="bo", action="deploy")
    record(actor="bo", action="deploy")

    problem = verify().first_problem

    assert (problem.number, problem.kind) == (4, "seal")


def test_an_older_copy_of_the_whole_trail_is_found_by_an_anchor_kept_elsewhere(
    five_entries: list[Entry],
) -> None:
    assert verify(anchor=(5, five_entries[4].hash)).ok
    assert verify(anchor=(6, "hash of an entry that is gone")).first_problem.kind == "anchor"


def test_triggers_taken_down_are_found(five_entries: list[Entry]) -> None:
    with connection.cursor() as cursor:
        on = " ON audit_entry" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER audit_entry_no_update{on}")

    problem = verify().first_problem

    assert problem.kind == "unprotected"
    assert "audit_entry_no_update" in problem.words


def test_the_seal_holds_over_a_change_of_the_secret_that_keeps_the_old_one(
    five_entries: list[Entry], settings
) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next secret"
    assert verify().ok

    record(actor="ana", action="deploy")
    settings.SECRET_KEY_FALLBACKS = []

    assert verify().ok


def test_verifying_streams_in_a_handful_of_queries(
    five_entries: list[Entry], django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(5):
        verify()


# --- what is refused ------------------------------------------------------------------------------

REFUSED = [
    "UPDATE audit_entry SET actor = 'bo'",
    "DELETE FROM audit_entry WHERE number = 5",
    "DELETE FROM audit_head",
    "UPDATE audit_head SET number = 3",
    "UPDATE audit_head SET hash = 'x'",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_the_database_itself_refuses_to_change_the_trail(five_entries: list[Entry], statement: str) -> None:
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert verify().ok


@pytest.mark.parametrize("table", ["audit_entry", "audit_head"])
def test_postgresql_refuses_to_empty_the_trail_at_once(five_entries: list[Entry], table: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"TRUNCATE {table}")


def test_the_models_refuse_to_change_the_trail(five_entries: list[Entry]) -> None:
    for change in (
        five_entries[0].save,
        five_entries[0].delete,
        Entry.objects.all().delete,
        lambda: Entry.objects.update(actor="bo"),
        Head.objects.get().delete,
    ):
        with pytest.raises(AppendOnly):
            change()


# --- what is written ------------------------------------------------------------------------------


def test_an_entry_says_who_what_whence_why_and_with_what_result() -> None:
    with origin.told("203.0.113.7"):
        written = record(
            actor="ana",
            action="deploy",
            target="ab",
            target_kind="sandbox",
            reason="to see it",
            result="asked",
        )

    kept = Entry.objects.get(number=written.number)
    assert (kept.actor, kept.action, kept.target, kept.reason) == ("ana", "deploy", "ab", "to see it")
    assert (kept.origin, kept.result) == ("203.0.113.7", "asked")


def test_an_action_that_is_rolled_back_leaves_no_entry(five_entries: list[Entry]) -> None:
    class Stumble(Exception):
        pass

    @transaction.atomic
    def stumble() -> None:
        record(actor="ana", action="deploy")
        raise Stumble

    with pytest.raises(Stumble):
        stumble()
    record(actor="ana", action="migrate")

    assert (verify().ok, Entry.objects.first().number) == (True, 6)


@pytest.mark.parametrize(
    "details",
    [
        {"password": "hunter2hunter2"},
        {"env": {"SECRET_KEY": "hunter2hunter2"}},
        {"DATABASE_URL": "postgres://u:hunter2hunter2@db/x"},
        {"list": [{"api_key": "hunter2hunter2"}]},
        {"url": "https://robot:hunter2hunter2@git.example/team.git"},
        {"header": "Authorization: Bearer hunter2hunter2"},
        {"Cookie": "hunter2hunter2"},
        {"service-key": {"value": "hunter2hunter2"}},
    ],
)
def test_secrets_never_reach_the_trail(details: dict[str, object]) -> None:
    entry = record(actor="ana", action="set_env", details=details)

    assert "hunter2" not in json.dumps(Entry.objects.get(number=entry.number).details)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(), details=st.dictionaries(st.text(), anything, max_size=5))
def test_whatever_is_written_reads_back_as_it_was_hashed(text: str, details: dict[str, object]) -> None:
    written = record(actor=text, action=text, target=text * 50, reason=text, details=details)

    kept = Entry.objects.get(number=written.number)

    assert kept.computed_hash() == kept.hash == written.hash


WRITER = """
import sys, threading, django
django.setup()
from django.db import connection
from opsportal.audit.actions import record
def write(number):
    barrier.wait()
    record(actor=f"writer {sys.argv[1]}", action="count", target=str(number))
    connection.close()
barrier = threading.Barrier(int(sys.argv[2]))
threads = [threading.Thread(target=write, args=(n,)) for n in range(int(sys.argv[2]))]
[t.start() for t in threads]
[t.join() for t in threads]
"""


def database_url() -> str:
    """The test database's address, for processes of its own."""
    kept = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{kept['NAME']}"
    return f"postgres://{kept['USER']}:{kept['PASSWORD']}@{kept['HOST'] or 'localhost'}:{kept['PORT']}/{kept['NAME']}"


@pytest.mark.django_db(transaction=True)
def test_a_hundred_writers_at_once_keep_the_chain_whole() -> None:
    each = 25
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "opsportal.config.settings",
        "SECRET_KEY": site.SECRET_KEY,
    }
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(number), str(each)],
            env=environment,
            cwd=Path(__file__).parents[2],
            stderr=subprocess.PIPE,
        )
        for number in range(4)
    ]
    errors = [writer.communicate(timeout=120)[1].decode() for writer in writers]

    assert errors == [""] * 4
    assert (verify().first_problem, verify().entries) == (None, 4 * each)


# --- the command ----------------------------------------------------------------------------------


def verify_audit(*options: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("verify_audit", *options, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_the_trail_is_whole_and_prints_an_anchor(five_entries: list[Entry]) -> None:
    status, words = verify_audit()

    assert (status, words) == (0, f"The audit trail is whole: 5 entries. Anchor: 5:{five_entries[4].hash}\n")
    assert verify_audit("--anchor", f"5:{five_entries[4].hash}")[0] == 0


def test_the_command_fails_with_number_and_kind_of_the_first_problem(
    five_entries: list[Entry], tamper: Tamper
) -> None:
    tamper("UPDATE audit_entry SET reason = 'because' WHERE number = 2")

    status, words = verify_audit("--json")

    assert status == 1
    assert json.loads(words)["first_problem"]["number"] == 2
    assert "edit at entry 2" in verify_audit()[1]


@pytest.mark.parametrize("anchor", ["5", "x:y", ":abc", "5:"])
def test_the_command_wants_a_well_formed_anchor(anchor: str) -> None:
    with pytest.raises(CommandError, match="NUMBER:HASH"):
        call_command("verify_audit", f"--anchor={anchor}")
