"""Pull requests, as the client sees them on a GitHub: opened, reviewed, merged, or refused."""

from datetime import timedelta

import pytest

from opsportal.adapters.github import (
    Conflict,
    GitHub,
    NotFound,
    NotMergeable,
    PullRequest,
    Unavailable,
    Unprocessable,
    latest_reviews,
)

from .hub import Hub, fresh


def opened(hub: Hub, github: GitHub, files: dict[str, str] | None = None, **more: object) -> PullRequest:
    return github.create_pull(head=hub.branch(files), base="main", title="A change", **more)  # type: ignore[arg-type]


def review(reviewer: GitHub, number: int, event: str, body: str = "") -> None:
    path = reviewer._in_repository("pulls", number, "reviews")
    reviewer._request("POST", path, payload={"event": event, "body": body})


def test_the_token_tells_who_asks_and_what_they_may(hub: Hub, github: GitHub) -> None:
    found = github.describe()
    assert (found.full_name, found.default_branch, found.may_push) == (hub.repository, "main", True)
    assert github.login()


def test_a_pull_request_that_was_opened_is_listed_and_read(hub: Hub, github: GitHub) -> None:
    branch = hub.branch()
    made = github.create_pull(head=branch, base="main", title="Fix “quotes” & <tags>", body="Why\n\nand how")
    listed = next(one for one in github.pulls(state="open") if one.number == made.number)
    assert (listed.title, listed.body, listed.head, listed.base) == (
        made.title,
        "Why\n\nand how",
        branch,
        "main",
    )
    assert (listed.head_sha, listed.state, listed.merged, listed.draft) == (
        hub.head(branch),
        "open",
        False,
        False,
    )
    assert github.pull(made.number).html_url.endswith(f"/{hub.repository}/pull/{made.number}")


def test_a_branch_has_one_open_pull_request_however_often_it_is_asked_for(hub: Hub, github: GitHub) -> None:
    branch = hub.branch()
    first = github.ensure_pull(head=branch, base="main", title="One")
    assert github.ensure_pull(head=branch, base="main", title="Two").number == first.number
    with pytest.raises(Unprocessable, match="already exists"):
        github.create_pull(head=branch, base="main", title="Three")


@pytest.mark.parametrize("head", ["main", "no-such-branch"])
def test_what_cannot_be_merged_is_not_opened(github: GitHub, head: str) -> None:
    with pytest.raises(Unprocessable) as error:
        github.create_pull(head=head, base="main", title="Nothing")
    assert error.value.fields
    assert not error.value.maybe_done


def test_only_what_changed_since_is_listed(hub: Hub, github: GitHub) -> None:
    made = opened(hub, github)
    assert made.number in {one.number for one in github.pulls(since=made.updated_at)}
    assert github.pulls(since=made.updated_at + timedelta(hours=1)) == []


def test_a_push_to_the_branch_is_seen(hub: Hub, github: GitHub) -> None:
    made = opened(hub, github)
    hub.branch({"more.txt": "more\n"}, base=f"origin/{made.head}", name=made.head)
    assert github.pull(made.number).head_sha == hub.head(made.head) != made.head_sha


def test_a_reviewer_is_asked_approves_and_is_asked_no_longer(
    hub: Hub, github: GitHub, reviewer: GitHub
) -> None:
    made, login = opened(hub, github), reviewer.login()
    assert github.request_reviewers(made.number, [login]).requested_reviewers == (login,)
    review(reviewer, made.number, "APPROVE")
    assert github.pull(made.number).requested_reviewers == ()
    assert latest_reviews(github.reviews(made.number))[login].state == "APPROVED"


def test_what_a_reviewer_says_last_holds_and_a_comment_takes_nothing_back(
    hub: Hub, github: GitHub, reviewer: GitHub
) -> None:
    made = opened(hub, github)
    review(reviewer, made.number, "APPROVE")
    review(reviewer, made.number, "REQUEST_CHANGES", "Not yet")
    review(reviewer, made.number, "COMMENT", "One more thing")
    reviews = github.reviews(made.number)
    assert [one.state for one in reviews] == ["APPROVED", "CHANGES_REQUESTED", "COMMENTED"]
    assert latest_reviews(reviews)[reviewer.login()].body == "Not yet"


def test_an_author_is_neither_asked_to_review_nor_may_approve(hub: Hub, github: GitHub) -> None:
    made = opened(hub, github)
    with pytest.raises(Unprocessable, match="author"):
        github.request_reviewers(made.number, [github.login()])
    with pytest.raises(Unprocessable, match="your own pull request"):
        review(github, made.number, "APPROVE")


def test_a_merge_is_a_real_commit_of_exactly_the_head_that_was_meant(hub: Hub, github: GitHub) -> None:
    made = opened(hub, github)
    with pytest.raises(Conflict):
        github.merge_pull(made.number, head_sha="0" * 40)
    sha = github.merge_pull(made.number, head_sha=made.head_sha, title="Merged by the portal")
    after = github.pull(made.number)
    assert (after.merged, after.state, after.merge_commit_sha) == (True, "closed", sha)
    hub.git("fetch", "--quiet", "origin")
    assert hub.git("log", "-1", "--format=%H %s", "origin/main") == f"{sha} Merged by the portal"
    assert made.head_sha in hub.git("log", "-1", "--format=%P", "origin/main")
    with pytest.raises(NotMergeable):
        github.merge_pull(made.number, head_sha=made.head_sha)


def test_a_conflict_is_told_and_not_merged(hub: Hub, github: GitHub) -> None:
    name = fresh("file") + ".txt"
    one, other = hub.branch({name: "ours\n"}), hub.branch({name: "theirs\n"})
    first = github.create_pull(head=one, base="main", title="First")
    second = github.create_pull(head=other, base="main", title="Second")
    github.merge_pull(first.number, head_sha=first.head_sha)
    found = github.pull(second.number)
    with pytest.raises(NotMergeable):
        github.merge_pull(second.number, head_sha=second.head_sha)
    if hub.admin:  # a real one may still be finding out
        assert (found.mergeable, found.mergeable_state) == (False, "dirty")


def test_a_draft_is_not_merged(hub: Hub, github: GitHub) -> None:
    made = opened(hub, github, draft=True)
    assert made.draft
    with pytest.raises(NotMergeable, match="draft"):
        github.merge_pull(made.number, head_sha=made.head_sha)


def test_closing_says_that_nothing_was_merged(hub: Hub, github: GitHub) -> None:
    made = opened(hub, github)
    closed = github.edit_pull(made.number, state="closed", title="Given up")
    assert (closed.state, closed.merged, closed.title) == ("closed", False, "Given up")
    assert closed.closed_at is not None


def test_what_is_not_there_is_not_found(github: GitHub) -> None:
    with pytest.raises(NotFound):
        github.pull(999_999)


def test_a_merge_whose_answer_was_lost_is_asked_after(local: Hub, github: GitHub) -> None:
    made = opened(local, github)
    local.knobs(faults=[{"match": "PUT /github/.*/merge", "drop_after": True}])
    with pytest.raises(Unavailable) as error:
        github.merge_pull(made.number, head_sha=made.head_sha)
    assert error.value.maybe_done
    assert github.pull(made.number).merged


def test_mergeable_is_unknown_until_it_was_found_out(local: Hub, github: GitHub) -> None:
    made = opened(local, github)
    local.knobs(github_mergeable_seconds=600)
    found = github.pull(made.number)
    assert (found.mergeable, found.mergeable_state) == (None, "unknown")
    local.knobs(github_mergeable_seconds=0)
    assert github.pull(made.number).mergeable_state == "clean"


def test_a_branch_merged_with_git_alone_counts_as_merged(local: Hub, github: GitHub) -> None:
    made = opened(local, github)
    local.git("fetch", "--quiet", "origin")
    local.git("checkout", "--quiet", "--detach", "origin/main")
    local.git("merge", "--quiet", "--no-ff", "-m", "By hand", f"origin/{made.head}")
    local.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    assert github.pull(made.number).merged


def test_a_pull_request_whose_branch_is_gone_is_closed(local: Hub, github: GitHub) -> None:
    made = opened(local, github)
    github.delete_ref(f"refs/heads/{made.head}")
    assert (github.pull(made.number).state, github.pull(made.number).merged) == ("closed", False)
