"""The client on a GitHub that misbehaves: lost answers, foreign answers, limits, tokens that change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsportal.adapters.github import (
    BadAnswer,
    Conflict,
    Forbidden,
    GitHub,
    GitHubError,
    NotFound,
    NotMergeable,
    Patience,
    RateLimited,
    Unauthenticated,
    Unavailable,
    Unprocessable,
    latest_reviews,
    mark_of,
    marked,
    unmarked,
)
from opsportal.adapters.github.pulls import Review
from tests.support.scripted_server import Script, hangs_up, says, scripted_server, stops_halfway, text

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKEN = "ghp_verysecrettoken"
ISSUES, ISSUE = "/repos/getgov/getgov/issues", "/repos/getgov/getgov/issues/7"


def issue(number: int = 7, **more: Any) -> dict[str, Any]:
    times = {"created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z", "closed_at": None}
    return {
        "id": number,
        "number": number,
        "title": "It breaks",
        "body": None,
        "state": "open",
        "state_reason": None,
        "user": None,
        "labels": [],
        "assignees": [],
        "comments": 0,
        "html_url": f"https://github.example/getgov/getgov/issues/{number}",
        **times,
        **more,
    }


@pytest.fixture
def server() -> Iterator[tuple[str, Script]]:
    with scripted_server() as found:
        yield found


def client(url: str, token: Any = TOKEN, **more: Any) -> GitHub:
    patience = Patience(attempts=3, first=0.001, cap=0.002)
    return GitHub(url, "getgov/getgov", token, **{"patience": patience, "timeout": (1.0, 5.0), **more})


@pytest.mark.parametrize("broken", [hangs_up, stops_halfway, text("bad gateway", 502)])
def test_a_read_is_asked_again(server: tuple[str, Script], broken: Any) -> None:
    url, script = server
    script.on(f"GET {ISSUE}", broken, says(issue()))
    assert client(url).issue(7).title == "It breaks"


@pytest.mark.parametrize("broken", [hangs_up, stops_halfway, text("bad gateway", 502)])
def test_a_creation_is_sent_once_and_may_be_done(server: tuple[str, Script], broken: Any) -> None:
    url, script = server
    script.on(f"POST {ISSUES}", broken)
    with pytest.raises(Unavailable) as error:
        client(url).create_issue(title="Once")
    assert error.value.maybe_done
    assert len(script.asked(f"POST {ISSUES}")) == 1


def test_what_says_the_same_twice_is_sent_again(server: tuple[str, Script]) -> None:
    url, script = server
    script.on(f"PATCH {ISSUE}", hangs_up, says(issue(state="closed")))
    assert client(url).edit_issue(7, state="closed").state == "closed"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"message": "Problems parsing JSON"}, Unprocessable),
        (401, {"message": "Bad credentials"}, Unauthenticated),
        (403, {"message": "Resource not accessible"}, Forbidden),
        (404, {"message": "Not Found"}, NotFound),
        (405, {"message": "Not mergeable"}, NotMergeable),
        (409, {"message": "Head branch was modified"}, Conflict),
        (410, {"message": "Issues are disabled"}, NotFound),
        (422, {"message": "Validation Failed", "errors": [{"field": "title"}]}, Unprocessable),
        (404, "<html>nginx</html>", Unavailable),
        (500, {"message": "Server Error"}, Unavailable),
        (301, {"message": "Moved Permanently"}, BadAnswer),
        (418, {"message": "A teapot"}, GitHubError),
        (422, {"message": ["no", "text"], "errors": {"not": "a list"}}, Unprocessable),
    ],
)
def test_a_refusal_becomes_an_error_of_its_kind(
    server: tuple[str, Script], status: int, body: Any, kind: type[GitHubError]
) -> None:
    url, script = server
    script.on(f"GET {ISSUE}", says(body, status, X_GitHub_Request_Id="ABC:1"))
    with pytest.raises(GitHubError) as error:
        client(url).issue(7)
    assert type(error.value) is kind
    assert (error.value.status, error.value.request_id) == (status, "ABC:1")


def test_the_fields_of_a_refusal_are_told_objects_and_texts_alike(server: tuple[str, Script]) -> None:
    url, script = server
    errors = [{"resource": "Issue", "field": "title", "code": "missing_field"}, "Can not approve"]
    script.on(f"POST {ISSUES}", says({"message": "Validation Failed", "errors": errors}, 422))
    with pytest.raises(Unprocessable, match="Issue title missing_field; Can not approve") as error:
        client(url).create_issue(title="")
    assert [one.field for one in error.value.fields] == ["title", ""]
    assert not error.value.maybe_done


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait"),
    [
        (403, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": str(int(NOW.timestamp()) + 100)}, "", 101),
        (429, {"Retry_After": "30"}, "", 30),
        (403, {"Retry_After": "60"}, "You have exceeded a secondary rate limit", 60),
        (403, {}, "You have exceeded a secondary rate limit", 60),
        (429, {"Retry_After": "999999999"}, "", 7200),
        (403, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1"}, "", 1),
        (429, {"Retry_After": "soon"}, "", 60),
    ],
)
def test_a_limit_says_until_when_and_is_kept_to(
    server: tuple[str, Script], status: int, headers: dict[str, str], message: str, wait: int
) -> None:
    url, script = server
    clock = [NOW]
    script.on(f"GET {ISSUE}", says({"message": message}, status, **headers), says(issue()))
    github = client(url, now=lambda: clock[0])
    with pytest.raises(RateLimited) as error:
        github.issue(7)
    assert error.value.until == NOW + timedelta(seconds=wait)
    with pytest.raises(RateLimited, match="not sent"):
        github.issue(7)
    clock[0] = error.value.until
    assert github.issue(7).number == 7
    assert len(script.asked(f"GET {ISSUE}")) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in to the network</html>",
        b"[]",
        b"{}",
        b"null",
        b"[" * 100_000,
        b'{"number": true, "title": 1}',
        b'{"number": 99999999999999999999999}',
    ],
)
def test_what_is_not_githubs_is_a_bad_answer(server: tuple[str, Script], body: bytes) -> None:
    url, script = server
    script.on(f"GET {ISSUE}", text(body, Content_Type="text/html"))
    with pytest.raises(BadAnswer):
        client(url).issue(7)


@pytest.mark.parametrize(
    "odd", [{"labels": 3}, {"created_at": "yesterday"}, {"user": []}, {"comments": "many"}]
)
def test_a_list_with_an_odd_object_names_the_place_and_not_the_value(
    server: tuple[str, Script], odd: dict[str, Any]
) -> None:
    url, script = server
    script.on(f"GET {ISSUES}", says([issue(), issue(8, **odd)]))
    with pytest.raises(BadAnswer, match=r"\[1\]\.") as error:
        client(url).issues()
    assert "yesterday" not in str(error.value)


def test_a_huge_answer_is_refused(server: tuple[str, Script]) -> None:
    url, script = server
    script.on(f"GET {ISSUE}", says(issue(body="x" * 200_000)))
    with pytest.raises(BadAnswer, match="larger"):
        client(url, max_answer_bytes=100_000).issue(7)


@pytest.mark.parametrize(
    "next_page", ["https://evil.example/steal", "{url}/repos/getgov/getgov/issues?again"]
)
def test_pages_that_lead_elsewhere_or_round_are_not_followed(
    server: tuple[str, Script], next_page: str
) -> None:
    url, script = server
    script.on(f"GET {ISSUES}", says([issue()], Link=f'<{next_page.format(url=url)}>; rel="next"'))
    with pytest.raises(BadAnswer, match="lead elsewhere"):
        client(url).issues()
    assert {one.headers["Host"] for one in script.seen} == {url.removeprefix("http://")}


def test_what_moved_between_two_pages_is_listed_once(server: tuple[str, Script]) -> None:
    url, script = server
    more = f'<{url}/repos/getgov/getgov/issues?page=2>; rel="next", <{url}/x>; rel="last"'
    script.on(
        f"GET {ISSUES}", says([issue(1), issue(2)], Link=more), says([issue(2, title="Newer"), issue(3)])
    )
    assert [(one.number, one.title) for one in client(url).issues()] == [
        (1, "It breaks"),
        (2, "Newer"),
        (3, "It breaks"),
    ]


def test_an_unchanged_page_is_remembered_with_its_link_to_the_next(server: tuple[str, Script]) -> None:
    url, script = server
    more = f'<{url}/repos/getgov/getgov/issues?page=2>; rel="next"'
    first = says([issue(1)], Link=more, ETag='W/"one"')
    script.on(f"GET {ISSUES}", first, says([issue(2)], ETag='W/"two"'), text("", 304), says([issue(3)]))
    github = client(url)
    assert [one.number for one in github.issues()] == [1, 2]
    assert [one.number for one in github.issues()] == [1, 3]
    asked = [one.headers.get("If-None-Match") for one in script.asked(f"GET {ISSUES}")]
    assert asked == [None, None, 'W/"one"', 'W/"two"']


def test_a_refused_token_is_asked_for_anew_once(server: tuple[str, Script]) -> None:
    url, script = server
    script.on(f"GET {ISSUE}", says({"message": "Bad credentials"}, 401), says(issue()))
    tokens = iter(["ghs_old0000000", "ghs_new0000000"])
    assert client(url, lambda: next(tokens)).issue(7).number == 7
    sent = [one.headers["Authorization"] for one in script.seen]
    assert sent == ["Bearer ghs_old0000000", "Bearer ghs_new0000000"]


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "naïve"])
def test_a_token_that_is_none_is_not_sent(server: tuple[str, Script], token: str) -> None:
    url, script = server
    with pytest.raises(Unauthenticated):
        client(url, token).issue(7)
    assert script.seen == []


def test_the_token_is_in_a_header_and_nowhere_else(server: tuple[str, Script]) -> None:
    url, script = server
    script.on(f"GET {ISSUE}", says({"message": f"who is {TOKEN}? Bearer {TOKEN}"}, 403))
    github = client(url)
    with pytest.raises(Forbidden) as error:
        github.issue(7)
    (seen,) = script.seen
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["X-GitHub-Api-Version"] == "2022-11-28"
    assert TOKEN not in str(error.value) + repr(error.value) + repr(github) + seen.path + repr(
        github.recent_requests
    )


@pytest.mark.parametrize("name", ["getgov", "a/b/c", "a/..", "../x", "a b/c", "", "a/b?x"])
def test_what_is_no_repository_is_refused_at_once(name: str) -> None:
    with pytest.raises(ValueError, match="owner/name"):
        GitHub("https://api.github.com", name, TOKEN)


def test_names_do_not_lead_out_of_the_repository(server: tuple[str, Script]) -> None:
    url, script = server
    with pytest.raises(ValueError, match="elsewhere"):
        client(url).compare("x/../../../user", "main")
    assert script.seen == []


# Marks


@pytest.mark.parametrize("body", ["", "Words", "Words\n\n<!-- opsportal:ticket/9 -->", "<!-- a note -->"])
def test_a_mark_is_hidden_found_and_the_only_one(body: str) -> None:
    told = marked(body, "ticket/1")
    assert mark_of(told) == "ticket/1"
    assert told.count("opsportal:") == 1
    assert unmarked(told) == unmarked(body)


@pytest.mark.parametrize("name", ["", "a b", "a-->b", "--", "x" * 200, "ü"])
def test_what_cannot_be_a_mark_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="mark"):
        marked("Words", name)


def test_only_reviews_that_decide_count_and_the_last_of_each() -> None:
    said = [
        ("ana", "APPROVED"),
        ("bo", "COMMENTED"),
        ("ana", "DISMISSED"),
        ("", "APPROVED"),
        ("cy", "PENDING"),
    ]
    reviews = [Review(number, who, state, "", "", None, "") for number, (who, state) in enumerate(said)]
    assert {who: one.state for who, one in latest_reviews(reviews).items()} == {"ana": "DISMISSED"}
