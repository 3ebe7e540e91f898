"""Lists: pages, order, filters, label selectors, and what is refused."""

from __future__ import annotations

import contextlib
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.localcloud.errors import ApiError
from opsportal.localcloud.label_selector import parse_label_selector
from opsportal.localcloud.listing import split_values
from opsportal.localcloud.metadata import problems

from .control_plane import LocalCloud, to, unique


@pytest.fixture(scope="module")
def seven(shared_cloud: LocalCloud) -> list[str]:
    """The names of an organization's seven spaces in order of creation, and its guid before them."""
    boss = shared_cloud.admin
    organization = boss.make("/v3/organizations", {"name": unique("org")})["guid"]
    names = ["c", "a", "g", "b", "with,comma", "ä ö", "f"]
    for index, name in enumerate(names):
        labels = {"index": str(index), "parity": "even" if index % 2 == 0 else "odd"}
        body = {"name": name, "relationships": to("organization", organization)}
        boss.make("/v3/spaces", body | {"metadata": {"labels": labels}})
    return [organization, *names]


@pytest.mark.parametrize("per_page", [1, 2, 3, 6, 7, 8, 5000])
def test_following_next_visits_everything_once_and_in_order(boss, seven, per_page):
    organization, *names = seven
    where = f"/v3/spaces?organization_guids={organization}&per_page={per_page}"
    found, pages = [], 0
    while where:
        page = boss.get(where)
        pages += 1
        found += [one["name"] for one in page["resources"]]
        following = page["pagination"]["next"]
        where = following["href"] if following else ""
        assert page["pagination"]["total_results"] == 7
        assert (page["pagination"]["previous"] is None) == (pages == 1)
    assert found == names
    assert pages == page["pagination"]["total_pages"] == -(-7 // per_page)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("order_by=name", "a b c f g with,comma ä|ö"),
        ("order_by=-name&per_page=2", "ä|ö with,comma"),
        ("order_by=-created_at&per_page=1", "f"),
        ("names=a,b", "a b"),
        ("names=with%252Ccomma", "with,comma"),
        ("names=with,comma", ""),
        ("names=%C3%A4%20%C3%B6", "ä|ö"),
        ("names=", ""),
        ("label_selector=parity=odd", "a b ä|ö"),
        ("label_selector=parity=odd,index!=1", "b ä|ö"),
        ("label_selector=index in (0,6)", "c f"),
        ("label_selector=index notin (0,1,2,3,4),parity", "ä|ö f"),
        ("label_selector=!index", ""),
        ("created_ats[gt]=2020-01-01T00:00:00Z&names=a", "a"),
        ("created_ats[lt]=2020-01-01T00:00:00Z", ""),
        ("page=4&per_page=2", "f"),
        ("page=9&per_page=2", ""),
    ],
)
def test_a_list_is_filtered_and_ordered(boss, seven, query, wanted):
    found = boss.names(f"/v3/spaces?organization_guids={seven[0]}&{query}")
    assert " ".join(name.replace(" ", "|") for name in found) == " ".join(
        wanted.split()
        if "order_by" in query
        else sorted(wanted.split(), key=[n.replace(" ", "|") for n in seven].index)
    )


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("colour=red", "Unknown query parameter(s): 'colour'. Valid parameters are: 'page', 'per_page', "),
        ("page=0", "Page must be a positive integer"),
        ("page=two", "Page must be a positive integer"),
        ("per_page=0", "Per page must be between 1 and 5000"),
        ("per_page=5001", "Per page must be between 1 and 5000"),
        ("order_by=colour", "Order by can only be: 'created_at', 'updated_at', 'name'"),
        (
            "include=colour",
            "Invalid included resource: 'colour'. Valid included resources are: 'organization'",
        ),
        ("created_ats=yesterday", "Created ats has an invalid timestamp format."),
        ("created_ats[near]=2020-01-01T00:00:00Z", "Unknown query parameter(s): 'created_ats[near]'"),
        ("label_selector=", "Missing label_selector value"),
        ("label_selector=a b", "Invalid label_selector value"),
        ("label_selector=" + quote(",".join("a" for _ in range(51))), "Too many label_selector requirements"),
    ],
)
def test_a_malformed_query_is_refused(boss, query, text):
    status, title, detail = boss.refusal("GET", f"/v3/spaces?{query}")
    assert (status, title) == (400, "CF-BadQueryParameter")
    assert text in detail


@pytest.mark.parametrize(
    "path", ["/v3/roles", "/v3/audit_events", "/v3/security_groups", "/v3/feature_flags"]
)
def test_what_has_no_labels_knows_no_label_selector(boss, path):
    assert boss.refusal("GET", f"{path}?label_selector=a")[0] == 400


@pytest.mark.parametrize(
    ("data", "status", "title"),
    [
        (b"{", 400, "CF-MessageParseError"),
        (b"[1]", 400, "CF-MessageParseError"),
        (b"\xff\xfe", 400, "CF-MessageParseError"),
        (b"[" * 100_000, 400, "CF-MessageParseError"),
        (b"", 422, "CF-UnprocessableEntity"),
        (b'{"name": "x", "colour": "red"}', 422, "CF-UnprocessableEntity"),
    ],
)
def test_a_malformed_body_is_refused(boss, data, status, title):
    answer = boss.session.post(f"{boss.url}/v3/organizations", data=data, timeout=10)
    error = answer.json()["errors"][0]
    assert (answer.status_code, error["title"]) == (status, title)
    if b"colour" in data:
        assert error["detail"] == "Unknown field(s): 'colour'"


def test_the_newest_of_what_was_made_in_one_second_comes_first(boss, seven):
    path = f"/v3/audit_events?organization_guids={seven[0]}&types=audit.space.create&order_by=-created_at&per_page=1"
    assert boss.get(path)["resources"][0]["target"]["name"] == "f"


# --- rules that hold for all labels -----------------------------------------------------------------

INNER = string.ascii_letters + string.digits + "-_."
NAMES = st.text(string.ascii_letters + string.digits, min_size=1, max_size=1) | st.builds(
    lambda a, b, c: a + b + c,
    st.sampled_from(string.ascii_letters + string.digits),
    st.text(INNER, max_size=20),
    st.sampled_from(string.ascii_letters + string.digits),
)
PREFIXES = st.sampled_from(["", "gov.example/", "a.b-c.example/"])
KEYS = st.builds(lambda prefix, name: prefix + name, PREFIXES, NAMES)
LABELS = st.dictionaries(KEYS, NAMES | st.just(""), max_size=5)


@given(LABELS)
def test_well_formed_labels_are_accepted(labels):
    assert problems({"labels": labels}) == []


@given(LABELS, KEYS, NAMES, NAMES)
def test_each_selector_and_its_opposite_divide_everything(labels, key, one, two):
    for text, opposite in (
        (key, f"!{key}"),
        (f"{key}={one}", f"{key}!={one}"),
        (f"{key} in ({one},{two})", f"{key} notin ({one},{two})"),
    ):
        assert parse_label_selector(text)(labels) != parse_label_selector(opposite)(labels)


@given(LABELS)
def test_labels_match_the_selector_that_spells_them_out(labels):
    if labels:
        text = ",".join(f"{key}={value}" for key, value in labels.items())
        assert parse_label_selector(text)(labels)
        assert parse_label_selector(text.replace("=", "==").replace("====", "=="))(labels)


@given(st.text(max_size=80))
def test_any_text_as_selector_is_understood_or_refused(text):
    with contextlib.suppress(ApiError):
        parse_label_selector(text)({"a": "b"})


@given(st.lists(st.text(min_size=1), min_size=1))
def test_values_escaped_twice_come_back_whole(values):
    assert split_values(",".join(quote(value, safe="") for value in values)) == frozenset(values)


@pytest.mark.parametrize(
    ("metadata", "count"),
    [
        ({"labels": {"a": "b"}, "annotations": {"x": "anything: at @ all" * 100}}, 0),
        ({"labels": {"a": "f" * 40}}, 0),
        ({"labels": {"a": "sha256:" + "f" * 56}}, 1),
        ({"labels": {"a": "f" * 64}}, 1),
        ({"labels": {"a": "2026-01-01T00:00:00Z"}}, 1),
        ({"labels": {"a": 1}}, 1),
        ({"labels": {"a": None}}, 0),
        ({"labels": {"": "b"}}, 1),
        ({"labels": {"a/b/c": "b"}}, 1),
        ({"labels": {"cloudfoundry.org/a": "b"}}, 1),
        ({"labels": {"no_dns/a": "b"}}, 1),
        ({"labels": {"-a": "b"}}, 1),
        ({"labels": {"a" * 64: "b"}}, 1),
        ({"annotations": {"a": "x" * 5001}}, 1),
        ({"labels": [], "annotations": 3, "colours": {}}, 3),
        ("labels", 1),
    ],
)
def test_metadata_keeps_the_platforms_rules(metadata, count):
    assert len(problems(metadata)) == count, problems(metadata)
