"""What survives: everything that was answered, through SIGKILL and restarts; and the store's own rules."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsportal.localcloud.store import Store

from .control_plane import ESTATE, PASSWORD, LocalCloud, to, unique, until


@pytest.fixture
def own(tmp_path):
    """A cloud to kill."""
    running = LocalCloud(tmp_path, ESTATE).start()
    yield running
    running.end()


@pytest.mark.kills
def test_all_that_was_answered_is_there_after_a_kill(own):
    names = [unique("org") for _ in range(20)]
    for name in names:
        own.admin.make("/v3/organizations", {"name": name})
    own.knobs(staging_seconds=7, faults=[{"match": "GET /never", "status": 500}])
    before = own.operator.get("/localcloud/knobs")
    token = own.token("developer").json()
    port = own.port
    own.end("kill")
    own.start(port)
    assert set(names) <= set(own.admin.names("/v3/organizations?per_page=100"))
    assert own.operator.get("/localcloud/knobs") == before
    answer = own.nobody.call(
        "GET", "/v3/spaces", headers={"Authorization": f"bearer {token['access_token']}"}
    )
    assert [one["name"] for one in answer.json()["resources"]] == ["ab"]


@pytest.mark.kills
def test_a_job_under_way_goes_on_after_a_kill(own):
    boss = own.admin
    plan = boss.guid("/v3/service_plans?names=micro-psql")
    relationships = to("space", own.space("ab")) | to("service_plan", plan)
    own.knobs(service_seconds=1.5)
    body = {"type": "managed", "name": "slow", "relationships": relationships}
    path = boss.call("POST", "/v3/service_instances", body).headers["Location"].removeprefix(own.url)
    own.knobs(service_seconds=0, job_seconds=0.5)
    organization = boss.make("/v3/organizations", {"name": unique("org")})["guid"]
    space = boss.make("/v3/spaces", {"name": "doomed", "relationships": to("organization", organization)})[
        "guid"
    ]
    boss.call("DELETE", f"/v3/spaces/{space}")
    own.end("kill")
    own.start()
    assert until(lambda: own.admin.get(path)["state"] == "COMPLETE")
    instance = own.admin.guid("/v3/service_instances?names=slow")
    assert own.admin.get(f"/v3/service_instances/{instance}")["last_operation"]["state"] == "succeeded"
    until(lambda: own.admin.call("GET", f"/v3/spaces/{space}").status_code == 404)


@pytest.mark.kills
def test_the_estate_is_applied_again_without_doubling_anything(own):
    kinds = (
        "organizations",
        "spaces",
        "users",
        "roles",
        "service_instances",
        "security_groups",
        "service_plans",
    )
    before = {kind: own.admin.get(f"/v3/{kind}")["pagination"]["total_results"] for kind in kinds}
    own.end()
    own.start()
    after = {kind: own.admin.get(f"/v3/{kind}")["pagination"]["total_results"] for kind in kinds}
    assert after == before
    own.sign_in("developer", PASSWORD)


# --- the store ----------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "store.sqlite3")
    yield made
    made.close()


def test_what_is_read_is_the_readers_own_as_far_as_its_keys_go(store):
    kept = store.create("app", {"name": "a"})
    kept["name"] = "b"
    store.get("app", kept["guid"])["name"] = "c"
    store.find("app")[0]["name"] = "d"
    assert store.get("app", kept["guid"])["name"] == "a"


def test_what_is_written_is_a_copy(store):
    document = {"name": "a", "nested": {"list": [1]}}
    guid = store.create("app", document)["guid"]
    document["nested"]["list"].append(2)
    changes = {"list": [5]}
    store.update("app", guid, nested=changes)
    changes["list"].append(6)
    assert store.get("app", guid)["nested"] == {"list": [5]}


def test_a_guid_is_made_once(store):
    store.create("app", {"guid": "g"})
    with pytest.raises(ValueError, match="exists already"):
        store.create("app", {"guid": "g"})
    store.create("space", {"guid": "g"})


def test_what_is_gone_is_not_changed(store):
    guid = store.create("app", {})["guid"]
    store.delete("app", guid)
    store.delete("app", guid)
    with pytest.raises(KeyError):
        store.update("app", guid, name="x")
    assert store.get("app", guid) is None


def test_an_index_follows_every_change(store):
    guid = store.create("app", {"name": "a", "space_guid": "s"})["guid"]
    store.update("app", guid, name="b", space_guid=None)
    assert store.find("app", name="a") == []
    assert store.find("app", space_guid="s") == []
    assert [one["guid"] for one in store.find("app", name="b", space_guid=None)] == [guid]
    store.delete("app", guid)
    assert store.find("app", name="b") == []


def test_read_modify_write_under_the_lock_loses_nothing(store):
    guid = store.create("app", {"count": 0})["guid"]

    def add() -> None:
        for _ in range(50):
            with store.lock:
                store.update("app", guid, count=store.get("app", guid)["count"] + 1)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert store.get("app", guid)["count"] == 400


KEYS = st.sampled_from(["name", "space_guid", "colour"])
VALUES = st.sampled_from(["x", "y", "z"]) | st.none() | st.integers(0, 2)
DOCUMENTS = st.lists(st.dictionaries(KEYS, VALUES), max_size=12)


@settings(deadline=None, max_examples=40)
@given(DOCUMENTS, st.dictionaries(KEYS, VALUES | st.lists(VALUES, max_size=3)), st.data())
def test_finding_by_index_is_finding_by_looking_at_each(tmp_path_factory, documents, wanted, data):
    path = tmp_path_factory.mktemp("store") / "s.sqlite3"
    store = Store(path)
    kept = [store.create("thing", one) for one in documents]
    for one in data.draw(st.lists(st.sampled_from(kept), max_size=3)) if kept else []:
        store.update("thing", one["guid"], name="y")
    every = store.find("thing")

    def matches(one):
        return all(
            one.get(key) in value if isinstance(value, list) else one.get(key) == value
            for key, value in wanted.items()
        )

    assert store.find("thing", **wanted) == [one for one in every if matches(one)]
    store.close()
    again = Store(path)
    assert again.find("thing") == every
    assert again.find("thing", **wanted) == [one for one in every if matches(one)]
    again.close()
