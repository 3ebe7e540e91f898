"""Log Cache as the cf CLI's strict decoder wants it, and the store behind it."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from opsportal.localcloud.cell.output import MAX_LINE, LineCutter
from opsportal.localcloud.logs import LogStore

from .runtime_fixtures import admin, manifest, own_cloud, space

__all__ = ["admin", "own_cloud", "space"]
NO_START = -6795364578871345152
KNOWN = {"timestamp", "source_id", "instance_id", "deprecated_tags", "tags", "log"}


@pytest.fixture(scope="module")
def app(admin, space):
    """An app that has only been made."""
    admin.apply_manifest(space, manifest("logs"))
    return admin.app(space, "logs")


def test_the_version_needs_no_token(own_cloud):
    info = requests.get(f"{own_cloud.url}/api/v1/info", timeout=10).json()
    assert info["version"] == "3.0.0"


def test_an_app_has_a_line_as_soon_as_it_exists(app, admin):
    query = f"descending=true&limit=1&start_time={NO_START}"
    batch = admin.get(f"/api/v1/read/{app['guid']}?{query}")["envelopes"]["batch"]
    assert len(batch) == 1


def test_an_envelope_has_only_fields_that_the_cli_knows(app, admin):
    for envelope in admin.get(f"/api/v1/read/{app['guid']}?envelope_types=LOG")["envelopes"]["batch"]:
        assert set(envelope) == KNOWN
        assert set(envelope["log"]) == {"payload", "type"}
        assert isinstance(envelope["timestamp"], str)
        assert all(isinstance(value, str) for value in envelope["tags"].values())
        assert envelope["tags"]["source_type"] == "API"


def test_lines_are_read_in_turns_without_a_gap_or_a_repeat(app, admin):
    everything = admin.get(f"/api/v1/read/{app['guid']}?limit=1000")["envelopes"]["batch"]
    stamps = [int(one["timestamp"]) for one in everything]
    assert stamps == sorted(set(stamps))
    seen, start = [], 0
    while batch := admin.get(f"/api/v1/read/{app['guid']}?limit=1&start_time={start}")["envelopes"]["batch"]:
        seen += batch
        start = int(batch[-1]["timestamp"]) + 1
    assert seen == everything
    before_last = admin.get(f"/api/v1/read/{app['guid']}?start_time=0&end_time={stamps[-1]}")["envelopes"][
        "batch"
    ]
    assert [one["timestamp"] for one in before_last] == [one["timestamp"] for one in everything[:-1]]


def test_other_kinds_of_envelopes_are_an_empty_batch(app, admin):
    assert admin.get(f"/api/v1/read/{app['guid']}?envelope_types=GAUGE") == {"envelopes": {"batch": []}}


@pytest.mark.parametrize("query", ["limit=1001", "limit=0", "start_time=soon", "envelope_types=SONG"])
def test_a_bad_parameter_is_refused(app, admin, query):
    admin.call("GET", f"/api/v1/read/{app['guid']}?{query}", 400)


def test_what_may_not_be_seen_is_not_there(app, own_cloud, admin):
    assert requests.get(f"{own_cloud.url}/api/v1/read/{app['guid']}", timeout=10).status_code == 404
    admin.call("GET", "/api/v1/read/no-such-app", 404)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200)))
def test_cutting_loses_no_byte_and_keeps_every_line(pieces):
    cutter = LineCutter()
    lines = [line for piece in pieces for line in cutter.feed(piece)] + cutter.finish()
    whole = b"".join(pieces)
    expected = [line.removesuffix(b"\r") for line in whole.split(b"\n")[:-1]]
    rest = whole.split(b"\n")[-1]
    assert lines == expected + ([rest] if rest else [])


def test_a_line_without_end_is_cut_and_nothing_of_it_is_lost():
    cutter = LineCutter()
    data = bytes(range(1, 256)).replace(b"\n", b"") * 1000
    lines = cutter.feed(data) + cutter.finish()
    assert b"".join(lines) == data
    assert max(map(len, lines)) <= MAX_LINE


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.binary(max_size=20), min_size=1, max_size=30), max_size=20), st.integers(1, 40))
def test_the_newest_lines_survive_a_restart_of_the_store(batches, most):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "logs.sqlite3"
        store = LogStore(path, lambda: most)
        for batch in batches:
            store.append("app", "APP/PROC/WEB", "0", "OUT", batch)
        kept = store.read("app", 0, 2**63, 1000)
        store.close()
        again = LogStore(path, lambda: most)
        try:
            assert again.read("app", 0, 2**63, 1000) == kept
        finally:
            again.close()
    everything = [line for batch in batches for line in batch]
    assert [line.payload for line in kept] == everything[len(everything) - len(kept) :]
    assert len(kept) == min(most, len(everything))


def test_a_source_keeps_as_many_lines_as_it_may_and_counts_the_rest_as_expired(tmp_path):
    store = LogStore(tmp_path / "logs.sqlite3", lambda: 100)
    try:
        for number in range(1, 251):
            store.append("app", "APP/TASK/chatty", "0", "OUT", [str(number).encode()])
            store.append("other", "APP/PROC/WEB", "0", "OUT", [b"quiet"] if number == 1 else [])
        kept, expired, oldest, newest = store.meta("app")
        lines = store.read("app", 0, 2**63, 1000)
        assert (kept, expired) == (100, 150)
        assert [line.payload for line in lines] == [str(number).encode() for number in range(151, 251)]
        assert (lines[0].stamp, lines[-1].stamp) == (oldest, newest)
        assert len(store.read("other", 0, 2**63, 10)) == 1, "one source never pushes out another's lines"
    finally:
        store.close()


def test_payloads_are_the_bytes_themselves(app, admin):
    batch = admin.get(f"/api/v1/read/{app['guid']}")["envelopes"]["batch"]
    assert base64.b64decode(batch[0]["log"]["payload"]).decode() == f"Created app with guid {app['guid']}"
