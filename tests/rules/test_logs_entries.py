"""Lines become entries: what belongs together, what never mixes, and where an entry ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.logs.joining import LONGEST, MOST_LINES, PAUSE, join, settled
from opsportal.logs.lines import SECOND, Line
from tests.support.logs import CHAINED, TRACEBACK, WEB, lines_of


def texts(*parts: str, **more: object) -> list[str]:
    """The entries of some texts printed one after the other."""
    return [entry.text for entry in join(lines_of("\n".join(parts), **more))]  # type: ignore[arg-type]


def test_a_traceback_is_one_entry():
    assert texts(TRACEBACK) == [TRACEBACK]


def test_a_message_with_chained_tracebacks_is_one_entry():
    assert texts(CHAINED) == [CHAINED.rstrip("\n")]


def test_what_is_printed_after_a_traceback_is_no_part_of_it():
    after = "[2026-11-23 05:00:01] INFO [registrar] All is well again"
    assert texts(CHAINED.rstrip("\n"), after) == [CHAINED.rstrip("\n"), after]
    assert texts(TRACEBACK, "started") == [TRACEBACK, "started"]


def test_two_tracebacks_in_a_row_are_two_entries():
    assert texts(TRACEBACK, TRACEBACK) == [TRACEBACK, TRACEBACK]


@pytest.mark.parametrize(
    ("head", "joined"),
    [
        ("[2026-11-23 05:00:00] ERROR [django.request] Internal Server Error: /raise", True),
        ("[2026-11-23 05:00:00 +0000] [12] [ERROR] Error handling request /raise", True),
        ("WARNING:registrar:could not tell the registry", True),
        ("[2026-11-23 05:00:00] INFO [registrar] Starting", False),
        ("just some words", False),
    ],
)
def test_a_traceback_belongs_to_the_message_above_it_when_that_tells_of_trouble(head, joined):
    assert texts(head, TRACEBACK) == ([f"{head}\n{TRACEBACK}"] if joined else [head, TRACEBACK])


def test_exception_groups_are_one_entry():
    group = "\n".join(
        [
            "  + Exception Group Traceback (most recent call last):",
            '  |   File "a.py", line 1, in <module>',
            "  | ExceptionGroup: several (2 sub-exceptions)",
            "  +-+---------------- 1 ----------------",
            "    | ValueError: one",
            "    +------------------------------------",
        ]
    )
    assert texts("[05:00:00] ERROR [x] Failed", group) == [f"[05:00:00] ERROR [x] Failed\n{group}"]


def test_indented_lines_belong_to_the_line_above_but_a_buildpacks_do_not():
    said = (
        "Running migrations:\n  Applying registrar.0001_initial... OK\n  Applying registrar.0002_more... OK"
    )
    assert texts(said) == [said]
    assert len(texts("-----> Installing python\n       Downloading\n       Copying", layer="STG")) == 3


def test_a_json_line_is_complete_by_itself():
    record = '{"level": "ERROR", "message": "x"}'
    entries = join(lines_of(f"{record}\n  indented"))
    assert [entry.text for entry in entries] == [record, "  indented"]
    assert entries[0].complete


def test_a_private_key_is_one_entry_so_that_it_can_be_taken_out():
    key = "-----BEGIN PRIVATE KEY-----\nMIIabc\nQQ==\n-----END PRIVATE KEY-----"
    assert texts(key, "next") == [key, "next"]


def test_a_pause_ends_an_entry():
    first, second = lines_of("message\n  and more of it")
    assert len(join([first, second])) == 1
    assert len(join([first, second._replace(at_ns=first.at_ns + PAUSE + 1)])) == 2


def test_an_entry_has_an_end_however_long_a_program_goes_on():
    many = join(lines_of("\n".join(["Traceback (most recent call last):", *["  frame"] * 1200])))
    assert [len(entry.lines) for entry in many] == [MOST_LINES, MOST_LINES, 201]
    slow = join(lines_of("\n".join(["Traceback (most recent call last):", *["  frame"] * 30]), step=PAUSE))
    assert all(entry.last_ns - entry.at_ns <= LONGEST for entry in slow)
    wide = join(lines_of("\n".join(["x", *["  " + "y" * 60_000] * 9])))
    assert all(entry.size <= 200_000 + 10 for entry in wide)
    assert sum(len(entry.lines) for entry in wide) == 10


def test_an_entry_waits_for_more_only_as_long_as_more_may_belong_to_it():
    entries = join(
        [*lines_of("message one\nmessage two", at_ns=10 * SECOND), *lines_of("r", 10 * SECOND, layer="RTR")]
    )
    certain, waiting = settled(entries, 10 * SECOND + 5000)
    assert ([e.text for e in certain], [e.text for e in waiting]) == (["message one", "r"], ["message two"])
    assert settled(entries, 12 * SECOND)[1] == []


PIECES = st.sampled_from(
    [
        "Traceback (most recent call last):", '  File "a.py", line 1', "ValueError: x", "", "  indented", "plain",
        "[05:00:00] ERROR [x] bad", "[05:00:00] INFO [x] good", '{"level": "info"}',
        "During handling of the above exception, another exception occurred:",
        "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "LINE 1: select",
    ]
)  # fmt: skip
LINES = st.lists(
    st.builds(
        Line,
        at_ns=st.integers(0, 20 * SECOND),
        layer=st.sampled_from([WEB, "APP/TASK/migrate", "STG", "RTR", "API"]),
        instance=st.sampled_from(["0", "1"]),
        stream=st.sampled_from(["OUT", "ERR"]),
        text=PIECES,
    ),
    max_size=80,
).map(lambda lines: sorted(lines, key=lambda line: line.at_ns))


@given(LINES)
def test_no_line_is_lost_doubled_or_moved_and_sources_never_mix(lines):
    entries = join(lines)
    assert sorted(line for entry in entries for line in entry.lines) == sorted(lines)
    for entry in entries:
        assert len({line.source for line in entry.lines}) == 1
        assert entry.lines == sorted(entry.lines, key=lambda line: line.at_ns)
    for source in {line.source for line in lines}:
        kept = [line for entry in entries for line in entry.lines if line.source == source]
        assert kept == [line for line in lines if line.source == source]


@given(LINES)
def test_what_is_certain_does_not_change_when_more_lines_come(lines):
    half = lines[: len(lines) // 2]
    if not half:
        return
    certain, _ = settled(join(half), half[-1].at_ns)
    whole = [entry.lines for entry in join(lines)]
    assert all(entry.lines in whole for entry in certain)
