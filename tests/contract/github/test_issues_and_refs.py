"""Issues, comments, labels, refs, comparisons and statuses, as the client sees them on a GitHub."""

from datetime import timedelta

import pytest

from opsportal.adapters.github import Conflict, GitHub, NotFound, Unavailable, Unprocessable, unmarked

from .hub import Hub, fresh


def test_an_issue_with_a_mark_is_made_once(github: GitHub) -> None:
    mark = fresh("ticket/1")
    made = github.ensure_issue(mark, title="It breaks", body="Steps", labels=["bug"])
    again = github.ensure_issue(mark, title="It breaks, again", body="Steps", since=made.updated_at)
    assert (again.number, again.title, again.mark) == (made.number, "It breaks", mark)
    assert unmarked(again.body) == "Steps"
    assert again.labels == ("bug",)


def test_an_issue_whose_answer_was_lost_is_found_by_its_mark(local: Hub, github: GitHub) -> None:
    mark = fresh("ticket/2")
    local.knobs(faults=[{"match": "POST /github/.*/issues$", "drop_after": True}])
    with pytest.raises(Unavailable) as error:
        github.ensure_issue(mark, title="Once", body="")
    assert error.value.maybe_done
    assert github.ensure_issue(mark, title="Twice", body="").title == "Once"
    assert sum(one.mark == mark for one in github.issues()) == 1


def test_title_state_and_labels_of_an_issue_can_be_changed(github: GitHub) -> None:
    made = github.create_issue(title="One", labels=["bug"])
    closed = github.edit_issue(
        made.number, title="Two", state="closed", state_reason="not_planned", labels=[]
    )
    assert (closed.title, closed.state, closed.state_reason, closed.labels) == (
        "Two",
        "closed",
        "not_planned",
        (),
    )
    opened = github.edit_issue(made.number, state="open")
    assert (opened.state, opened.state_reason, opened.closed_at) == ("open", "reopened", None)


def test_pull_requests_are_not_listed_as_issues(hub: Hub, github: GitHub) -> None:
    pull = github.create_pull(head=hub.branch(), base="main", title="Code")
    issue = github.create_issue(title="Words")
    numbers = {one.number for one in github.issues()}
    assert issue.number in numbers
    assert pull.number not in numbers
    assert github.issue(pull.number).is_pull


def test_only_issues_that_changed_since_are_listed(github: GitHub) -> None:
    made = github.create_issue(title="New")
    assert made.number in {one.number for one in github.issues(since=made.updated_at)}
    assert github.issues(since=made.updated_at + timedelta(hours=1)) == []


def test_a_list_is_read_to_its_last_page(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsportal.adapters.github.client.PER_PAGE", 2)
    made = github.create_issue(title="Talk")
    said = [github.create_comment(made.number, f"Word {number}").id for number in range(5)]
    assert [one.id for one in github.comments(made.number)] == said


def test_a_comment_with_a_mark_is_made_once_and_seen_among_the_newest(github: GitHub) -> None:
    made = github.create_issue(title="Talk")
    said = github.ensure_comment(made.number, "ticket/3/comment/7", "Hello\n\n- there")
    assert github.ensure_comment(made.number, "ticket/3/comment/7", "Hello").id == said.id
    assert (said.number, said.author, unmarked(said.body)) == (
        made.number,
        github.login(),
        "Hello\n\n- there",
    )
    github.edit_comment(said.id, "Changed")
    newest = {one.id: one.body for one in github.comments_since(said.created_at)}
    assert newest[said.id] == "Changed"


def test_a_label_is_made_once_whatever_its_name(github: GitHub) -> None:
    name = fresh("priority/critical & more")
    made = github.ensure_label(name, color="d73a4a", description="As soon as possible")
    assert github.ensure_label(name, color="000000") == made
    assert (made.name, made.color) == (name, "d73a4a")


def test_merging_what_fixes_an_issue_closes_it(local: Hub, github: GitHub) -> None:
    issue = github.create_issue(title="Broken")
    pull = github.create_pull(head=local.branch(), base="main", title="Mend", body=f"Fixes #{issue.number}")
    github.merge_pull(pull.number, head_sha=pull.head_sha)
    assert github.issue(issue.number).state == "closed"


def test_a_tag_is_made_once_moved_only_forwards_and_deleted(hub: Hub, github: GitHub) -> None:
    name, older = f"refs/tags/{fresh('v1.0')}", hub.head("main")
    newer = hub.head(hub.branch())
    assert github.ref(name) is None
    assert github.create_ref(name, newer).sha == newer
    assert github.ensure_ref(name, older).sha == newer
    with pytest.raises(Unprocessable, match="fast forward"):
        github.update_ref(name, older)
    assert github.update_ref(name, older, force=True).sha == older
    github.delete_ref(name)
    github.delete_ref(name)
    assert github.ref(name) is None


@pytest.mark.parametrize(
    "name", ["main", "refs/heads/../../issues", "--force", "refs/notes/x", "refs/heads/-x", "refs/tags/a b"]
)
def test_a_name_that_is_no_ref_is_refused(github: GitHub, hub: Hub, name: str) -> None:
    with pytest.raises((ValueError, Unprocessable)):
        github.create_ref(name, hub.head("main"))


def test_a_ref_to_nothing_is_refused(github: GitHub) -> None:
    with pytest.raises(Unprocessable):
        github.create_ref(f"refs/tags/{fresh('v1')}", "1" * 40)


def test_two_branches_are_compared(hub: Hub, github: GitHub) -> None:
    one, other = hub.branch({"a.txt": "a\n"}), hub.branch({"b.txt": "b\n"})
    found = github.compare(one, other)
    assert (found.status, found.ahead_by, found.behind_by) == ("diverged", 1, 1)
    assert [commit.sha for commit in found.commits] == [hub.head(other)]
    assert found.files == ("b.txt",)
    assert github.compare(one, one).status == "identical"
    with pytest.raises(NotFound):
        github.compare("main", "no-such-branch")


def test_a_branch_is_merged_into_another_once_and_a_conflict_is_told(hub: Hub, github: GitHub) -> None:
    name = fresh("file") + ".txt"
    into, fix = hub.branch(), hub.branch({name: "ours\n"})
    sha = github.merge_branch(base=into, head=fix, message="The fix, for staging too")
    assert sha == hub.head(into)
    assert github.merge_branch(base=into, head=fix, message="Again") is None
    with pytest.raises(Conflict):
        github.merge_branch(base=into, head=hub.branch({name: "theirs\n"}), message="Not so easy")


def test_the_newest_status_of_each_context_counts(hub: Hub, github: GitHub) -> None:
    sha = hub.head(hub.branch())
    assert github.checks(sha).state == "none"
    github.set_status(sha, state="pending", context="portal/merge", description="Waits for stable")
    github.set_status(sha, state="success", context="tests", description="Good")
    assert github.checks(sha).state == "pending"
    github.set_status(sha, state="success", context="portal/merge", description="x" * 200)
    found = github.checks(sha)
    assert found.state == "success"
    assert {one.context: len(one.description) for one in found.statuses} == {"portal/merge": 140, "tests": 4}


def test_a_failed_check_run_counts_as_much_as_a_status(local: Hub, github: GitHub) -> None:
    sha = local.head(local.branch())
    github.set_status(sha, state="success", context="tests", description="Good")
    path = github._in_repository("check-runs")
    github._request("POST", path, payload={"name": "lint", "head_sha": sha, "conclusion": "failure"})
    assert github.checks(sha).state == "failure"
    assert github.checks(sha).runs[0].name == "lint"
