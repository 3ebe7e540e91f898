"""Pages, filters and identifiers: a value is never more than a value."""

from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st
from responses import matchers

from opsportal.adapters.cloudfoundry import (
    BadAnswer,
    Foundation,
)
from tests.support.platform_wire import API, asked, page

APP = {"guid": "a1", "name": "getgov-ab", "state": "STARTED"}


def test_all_pages_are_read_and_an_object_that_moved_is_listed_once(
    wire: responses.RequestsMock, cf: Foundation
) -> None:
    wire.get(
        f"{API}/v3/apps/a1/routes", json=page(route("r1"), route("r2"), following=f"{API}/v3/more?page=2")
    )
    wire.get(f"{API}/v3/more", json=page(route("r2"), route("r3")))
    assert [one.guid for one in cf.routes("a1")] == ["r1", "r2", "r3"]


def route(guid: str) -> dict[str, Any]:
    return {"guid": guid, "url": f"{guid}.example.gov", "host": guid, "path": "", "port": None}


def test_pages_in_a_circle_come_to_an_end(wire: responses.RequestsMock, cf: Foundation) -> None:
    wire.get(f"{API}/v3/loop", json=page(following=f"{API}/v3/loop?page=2"))
    wire.get(f"{API}/v3/apps/a1/routes", json=page(following=f"{API}/v3/loop?page=2"))
    with pytest.raises(BadAnswer, match="end"):
        cf.routes("a1")


def test_no_spaces_means_no_apps_and_no_question(wire: responses.RequestsMock, cf: Foundation) -> None:
    assert cf.apps(space_guids=[]) == []
    assert cf.audit_events(target_guids=[]) == []
    assert len(wire.calls) == 0


def test_many_spaces_are_asked_about_in_portions(wire: responses.RequestsMock, cf: Foundation) -> None:
    wire.get(f"{API}/v3/apps", json=page(APP))
    cf.apps(space_guids=[f"s{number}" for number in range(120)])
    assert len(asked(wire, "GET", "/v3/apps")) == 3
    assert all(len(str(one.url)) < 4000 for one in asked(wire, "GET", "/v3/apps"))


def test_a_name_with_a_comma_is_one_name(wire: responses.RequestsMock, cf: Foundation) -> None:
    wire.get(f"{API}/v3/organizations", json=page({"guid": "o1", "name": "a,b"}, {"guid": "o2", "name": "a"}))
    found = cf.organization("a,b")
    assert found is not None
    assert found.guid == "o1"
    assert "names=a%252Cb" in str(asked(wire, "GET", "/v3/organizations")[0].url)


def test_a_name_that_is_only_alike_is_not_found(wire: responses.RequestsMock, cf: Foundation) -> None:
    wire.get(f"{API}/v3/apps", json=page({**APP, "name": "GETGOV-AB"}))
    assert cf.app("getgov-ab", "s1") is None


def test_what_an_operation_made_is_found_by_its_label(wire: responses.RequestsMock, cf: Foundation) -> None:
    selector = {"label_selector": "opsportal-operation=42"}
    wire.get(
        f"{API}/v3/packages",
        json=page({"guid": "p1", "state": "READY", "metadata": {"labels": {"opsportal-operation": "42"}}}),
        match=[matchers.query_param_matcher(selector, strict_match=False)],
    )
    found = cf.packages("a1", labels={"opsportal-operation": "42"})
    assert [(one.guid, one.ready, one.labels["opsportal-operation"]) for one in found] == [("p1", True, "42")]


@pytest.mark.parametrize("value", ["a,b", "a=b", "a b", "x" * 64, "é", "-a", "a!"])
def test_a_label_that_would_change_the_question_is_refused(cf: Foundation, value: str) -> None:
    with pytest.raises(ValueError, match="label"):
        cf.builds("a1", labels={"opsportal-operation": value})


@pytest.mark.parametrize("guid", ["", ".", "..", "..."])
def test_an_empty_identifier_never_asks_for_the_whole_list(cf: Foundation, guid: str) -> None:
    for ask in (cf.build, cf.task, cf.deployment, cf.cancel_task, cf.droplet, cf.job):
        with pytest.raises(ValueError, match="identifier"):
            ask(guid)


@given(guid=st.text(min_size=1).filter(lambda text: text.strip(".")))
@settings(max_examples=50)
def test_an_identifier_is_never_more_than_one_part_of_a_path(guid: str) -> None:
    from opsportal.adapters.cloudfoundry.paths import v3

    if any(0xD800 <= ord(one) <= 0xDFFF for one in guid):
        return
    assert v3("apps", guid).count("/") == 3
    assert not {"?", "#", "\\", " "} & set(v3("apps", guid))


def test_events_since_a_moment_come_oldest_first(wire: responses.RequestsMock, cf: Foundation) -> None:
    events = [
        {"guid": f"e{second}", "type": "audit.app.update", "created_at": f"2026-11-23T07:00:0{second}Z"}
        for second in (2, 1)
    ]
    wire.get(f"{API}/v3/audit_events", json=page(*events))
    since = datetime(2026, 11, 23, 6, 59, 59, 999_999, tzinfo=UTC)
    found = cf.audit_events(["a1"], types=["audit.app.update"], since=since)
    assert [one.guid for one in found] == ["e1", "e2"]
    asked_for = str(asked(wire, "GET", "/v3/audit_events")[0].url)
    assert "created_ats%5Bgte%5D=2026-11-23T06%3A59%3A59Z" in asked_for
