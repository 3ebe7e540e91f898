"""What only the local GitHub has: its wire seen raw, its limits and tokens, its pages, its memory."""

from pathlib import Path
from typing import Any

import pytest
import requests

from opsportal.adapters.github import Forbidden, GitHub, NotFound, RateLimited, Unauthenticated, Unavailable

from .hub import REPOSITORY, TOKENS, Hub, local_hub
from .test_pull_requests import opened


def raw(hub: Hub, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
    named = {"Authorization": f"Bearer {hub.token}"} | {
        key.replace("_", "-"): value for key, value in headers.items()
    }
    return requests.request(
        method, hub.api + path, json=body, headers=named, timeout=10, allow_redirects=False
    )


def test_an_answer_that_has_not_changed_costs_nothing(local: Hub, github: GitHub) -> None:
    opened(local, github)
    first = github.pulls(state="open")
    before, last = github.rate_limit, local.seen()[-1]["number"]
    assert github.pulls(state="open") == first
    assert before is not None
    assert before == github.rate_limit
    assert [one["status"] for one in local.seen(last)] == [304]


def test_the_limit_is_told_and_nothing_is_sent_until_it_is_over(local: Hub) -> None:
    github = local.client(TOKENS["ana"])
    local.knobs(github_rate_limit={"limit": 1, "window": 86_400})
    github.login()
    with pytest.raises(RateLimited) as error:
        github.describe()
    assert error.value.until > github._transport.now()
    last = local.seen()[-1]["number"]
    with pytest.raises(RateLimited, match="not sent"):
        github.describe()
    assert local.seen(last) == []


def test_the_secondary_limit_holds_for_what_writes(local: Hub, github: GitHub) -> None:
    local.knobs(github_secondary_seconds=90)
    github.issues()
    with pytest.raises(RateLimited, match="secondary") as error:
        github.create_issue(title="Too quick")
    assert not error.value.maybe_done


def test_faults_come_to_github_too(local: Hub, github: GitHub) -> None:
    local.knobs(faults=[{"match": "GET /github/.*/issues", "status": 503, "times": None}])
    with pytest.raises(Unavailable):
        github.issues()
    local.knobs(faults=[{"match": "GET /github/.*/issues", "drop": True, "times": 1}])
    github.issues()


def test_a_token_does_what_it_may(local: Hub) -> None:
    with pytest.raises(Unauthenticated, match="Bad credentials"):
        local.client("ghp_wrong00000").describe()
    with pytest.raises(NotFound):
        local.client(TOKENS["stranger"]).pulls()
    guest = local.client(TOKENS["guest"])
    assert not guest.describe().may_push
    assert guest.create_issue(title="From a guest", labels=["bug"]).labels == ()
    with pytest.raises(Forbidden):
        guest.create_ref("refs/tags/v9", local.head("main"))


def test_who_is_not_of_the_team_is_told_apart(local: Hub, github: GitHub) -> None:
    issue = github.create_issue(title="Who is who")
    for token in (TOKENS["guest"], TOKENS["ana"]):
        local.client(token).create_comment(issue.number, "Hello")
    said = raw(local, "GET", f"/repos/{REPOSITORY}/issues/{issue.number}/comments").json()
    assert {one["user"]["login"]: one["author_association"] for one in said} == {
        "guest": "NONE",
        "ana": "MEMBER",
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("GET", "/nothing/here", None, 404, "Not Found"),
        ("GET", f"/repos/{REPOSITORY}/pulls/abc", None, 404, "Not Found"),
        ("GET", f"/repos/{REPOSITORY}/pulls?state=odd", None, 422, "Validation Failed"),
        ("GET", f"/repos/{REPOSITORY}/issues?since=yesterday", None, 422, "Validation Failed"),
        ("GET", f"/repos/{REPOSITORY}/commits/--all/status", None, 422, "No commit found"),
        ("GET", f"/repos/{REPOSITORY}/compare/--all...main", None, 404, "Not Found"),
        ("POST", f"/repos/{REPOSITORY}/issues", {"title": 7}, 422, "Validation Failed"),
        ("POST", f"/repos/{REPOSITORY}/issues", [1], 400, "Problems parsing JSON"),
        (
            "POST",
            f"/repos/{REPOSITORY}/pulls",
            {"title": "x", "head": "--x", "base": "main"},
            422,
            "Validation",
        ),
        (
            "POST",
            f"/repos/{REPOSITORY}/merges",
            {"base": "main", "head": "--all"},
            404,
            "Head does not exist",
        ),
        ("POST", f"/repos/{REPOSITORY}/statuses/main", {"state": "odd"}, 422, "Validation Failed"),
    ],
)
def test_what_cannot_be_done_is_refused_in_githubs_form(
    local: Hub, method: str, path: str, body: Any, status: int, says: str
) -> None:
    answer = raw(local, method, path, body)
    assert answer.status_code == status
    assert answer.json().keys() >= {"message", "documentation_url"}
    assert says in answer.json()["message"]


def test_every_answer_carries_githubs_headers(local: Hub) -> None:
    answer = raw(local, "GET", f"/repos/{REPOSITORY}/issues?per_page=1", X_GitHub_Api_Version="2022-11-28")
    assert answer.headers.keys() >= {"ETag", "X-GitHub-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Reset"}
    assert raw(local, "GET", "/user", X_GitHub_Api_Version="1999-01-01").status_code == 400
    assert requests.get(f"{local.api}/user", timeout=10).status_code == 401


def test_what_was_done_is_still_there_after_a_restart(tmp_path: Path) -> None:
    with local_hub(tmp_path) as hub:
        made = opened(hub, hub.client())
        issue = hub.client().create_issue(title="Kept", labels=["bug"])
    with local_hub(tmp_path) as hub:
        github = hub.client()
        assert [one.number for one in github.pulls()] == [made.number]
        assert github.issue(issue.number).labels == ("bug",)
        assert github.create_issue(title="Next").number == issue.number + 1


# The pages


def form(hub: Hub, path: str, **fields: str) -> requests.Response:
    return requests.post(f"{hub.web}/{REPOSITORY}{path}", data=fields, timeout=10)


def test_a_pull_request_is_opened_approved_and_merged_on_its_pages(local: Hub, github: GitHub) -> None:
    branch = local.branch()
    page = form(
        local, "/pulls", **{"as": "portal", "head": branch, "title": "From <b>a page</b>", "do": "open"}
    )
    number = int(page.url.rpartition("/")[2])
    assert "From &lt;b&gt;a page&lt;/b&gt;" in page.text
    assert "approved" in form(local, f"/pull/{number}", **{"as": "ana", "do": "approve"}).text
    assert "merged" in form(local, f"/pull/{number}", **{"as": "ana", "do": "merge"}).text
    assert github.pull(number).merged_by == "ana"
    assert [one.state for one in github.reviews(number)] == ["APPROVED"]


def test_an_issue_is_talked_about_and_closed_on_its_page(local: Hub, github: GitHub) -> None:
    issue = github.create_issue(title="Broken")
    form(local, f"/issues/{issue.number}", **{"as": "ana", "do": "comment", "body": "Mine"})
    assert "closed" in form(local, f"/issues/{issue.number}", **{"as": "ana", "do": "close"}).text
    assert [(one.author, one.body) for one in github.comments(issue.number)] == [("ana", "Mine")]
    assert github.issue(issue.number).state == "closed"


def test_a_page_says_why_something_cannot_be_done(local: Hub, github: GitHub) -> None:
    made = opened(local, github)
    refused = form(local, f"/pull/{made.number}", **{"as": "portal", "do": "approve"})
    assert refused.status_code == 422
    assert "your own pull request" in refused.text
    assert form(local, f"/pull/{made.number}", **{"as": "nobody", "do": "merge"}).status_code == 422


def test_a_form_of_another_site_is_refused(local: Hub) -> None:
    address = f"{local.web}/{REPOSITORY}/issues"
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = requests.post(address, data={"as": "ana", "title": "x"}, headers=headers, timeout=10)
        assert answer.status_code == 403


def test_every_page_is_there_and_its_style_too(local: Hub, github: GitHub) -> None:
    made, issue = opened(local, github), github.create_issue(title="One")
    places = [
        "",
        "/pulls",
        "/issues",
        f"/pull/{made.number}",
        f"/issues/{issue.number}",
        f"/commit/{made.head_sha}",
    ]
    for place in places:
        page = requests.get(f"{local.web}/{REPOSITORY}{place}", timeout=10)
        assert page.status_code == 200, place
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert requests.get(f"{local.web}/style.css", timeout=10).headers["Content-Type"].startswith("text/css")
    assert requests.get(f"{local.web}/{REPOSITORY}/pull/9999", timeout=10).status_code == 404
