"""Tickets and GitHub kept in step, against the local GitHub over HTTP."""

import itertools
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from opsportal.adapters.github import unmarked
from opsportal.bugs import actions, queries
from opsportal.bugs.models import Comment, Event, GitHubReading, Reached, Ticket
from opsportal.bugs.syncing import rounds
from opsportal.notifications.models import Message
from tests.support import bugs
from tests.support.github import PORTAL, REPOSITORY, WEB, a_hub, later, look, portal_with

pytestmark = [pytest.mark.django_db, pytest.mark.database]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def _running(tmp_path_factory):
    with a_hub(tmp_path_factory.mktemp("github")) as made:
        yield made


@pytest.fixture
def hub(_running):
    """GitHub, read by the portal; tickets are no issues. Their keys are no other test's: GitHub forgets nothing."""
    _running.begin()
    bugs.everybody()
    with portal_with(_running, TICKET_PREFIX=f"T{next(_numbers)}"):
        yield _running


@pytest.fixture
def mirror(hub):
    """The same, and tickets are issues."""
    with portal_with(hub, GITHUB_MIRROR_ISSUES=True):
        yield hub


@pytest.fixture
def ticket(hub):
    """A ticket that ana fixes and cleo and eve review."""
    return bugs.assigned()


def stage(ticket):
    return bugs.again(ticket).stage


def issue(hub, ticket):
    return hub.client.issue(bugs.again(ticket).github_issue)


def events(ticket, kind):
    return list(Event.objects.filter(ticket=ticket, kind=kind))


def issues_of(hub, ticket):
    return [each for each in hub.client.issues() if each.mark == ticket.key]


def told(event):
    """User names of whom that was told to, each time."""
    rows = Message.objects.filter(event=event).exclude(person=None)
    return sorted(rows.values_list("person__username", flat=True).distinct())


# --- pull requests ------------------------------------------------------------------------------------------


def test_an_opened_pull_request_puts_the_ticket_in_review_and_both_reviewers_are_told_once(hub, ticket):
    hub.opened(f"{ticket.key}: keep the request")
    look(hub)
    look(hub)
    assert stage(ticket) == "in_review"
    assert told("review_waits") == ["cleo", "eve"]
    assert Message.objects.filter(event="review_waits").values("key").distinct().count() == 2
    assert len(events(ticket, "pull_request")) == 1


def test_a_draft_waits_until_it_is_ready(hub, ticket):
    hub.opened(f"{ticket.key} draft", draft=True)
    look(hub)
    assert stage(ticket) == "assigned"
    assert ticket.pull_requests.get().draft


def test_approved_when_both_reviewers_have_by_the_logins_that_they_have_on_github(hub, ticket):
    bugs.person("eve").__class__.objects.filter(username="eve").update(github_login="Eve-Gov")
    number = hub.opened(f"{ticket.key}: keep it")
    hub.review(number, "cleo")
    look(hub)
    assert stage(ticket) == "in_review"
    hub.review(number, "eve-gov")
    look(hub)
    assert stage(ticket) == "approved"
    assert {each["login"] for each in ticket.pull_requests.get().reviews} == {"cleo", "eve"}


def test_a_stranger_with_a_reviewers_user_name_approves_nothing(hub, ticket):
    bugs.person("cleo").__class__.objects.filter(username="cleo").update(github_login="cleo-chu")
    bugs.person("eve").__class__.objects.filter(username="eve").update(github_login="eve-gov")
    number = hub.opened(f"{ticket.key}: keep it")
    hub.review(number, "cleo")
    hub.review(number, "eve-gov")
    look(hub)
    assert stage(ticket) == "in_review"
    assert {each["login"] for each in ticket.pull_requests.get().reviews} == {"github:cleo", "eve"}


def test_whoever_asks_for_changes_has_not_approved(hub, ticket):
    bugs.person("eve").__class__.objects.filter(username="eve").update(github_login="eve-gov")
    number = hub.opened(f"{ticket.key}: keep it")
    hub.review(number, "cleo")
    hub.review(number, "eve-gov")
    hub.review(number, "cleo", "REQUEST_CHANGES", "Not yet.")
    look(hub)
    assert stage(ticket) == "in_review"


def test_merged_on_github_is_merged_here(hub, ticket):
    number = hub.opened(f"{ticket.key}: keep it")
    hub.merge(number)
    look(hub)
    assert stage(ticket) == "merged"
    assert Reached.objects.get(ticket=ticket, stage="merged").at == hub.client.pull(number).merged_at


def test_a_title_that_names_another_ticket_moves_the_pull_request_there(hub, ticket):
    other = bugs.assigned()
    number = hub.opened(f"{ticket.key}: keep it")
    look(hub)
    hub.of("ana").edit_pull(number, title=f"{other.key}: keep it")
    look(hub)
    assert (stage(ticket), stage(other)) == ("assigned", "in_review")


def test_a_pull_request_that_is_older_than_its_ticket_is_found_by_the_whole_look(hub):
    look(hub)
    number = hub.opened("early")
    look(hub)
    late = bugs.assigned()
    hub.of("ana").edit_pull(number, title=f"{late.key}: early")
    later(pulls_mark=timedelta(days=-1))
    look(hub)
    assert stage(late) == "assigned"
    later(whole_at=timedelta(hours=1))
    look(hub)
    assert stage(late) == "in_review"


def test_only_one_worker_reads_at_a_time_and_a_dead_ones_claim_runs_out(hub, ticket):
    look(hub)
    GitHubReading.objects.update(leased_until=timezone.now() + timedelta(seconds=60))
    assert not rounds.follow(hub.client)
    GitHubReading.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert rounds.follow(hub.client)


def test_what_has_not_changed_costs_nothing_of_the_limit(hub, ticket):
    hub.opened(f"{ticket.key}: keep it")
    look(hub)
    look(hub)
    before = hub.client.rate_limit
    look(hub)
    assert hub.client.rate_limit == before


# --- GitHub away --------------------------------------------------------------------------------------------


def test_trouble_is_kept_in_words_since_when_and_is_gone_when_github_is_back(hub, client):
    hub.knobs(faults=[{"match": "GET /github/", "status": 503, "times": None}])
    first = look(hub)
    again = look(hub)
    assert again.problem_since == first.problem_since is not None
    client.force_login(bugs.person("ana"))
    page = client.get(reverse("bugs:tickets")).content.decode()
    assert "GitHub does not answer" in page
    hub.knobs(faults=[])
    assert look(hub).problem == ""
    assert "Trouble with GitHub" not in client.get(reverse("bugs:tickets")).content.decode()


def test_a_refused_token_says_whose_move_it_is(hub):
    row = look(hub)
    with portal_with(hub):
        bad = hub.of("nobody")
    assert rounds.follow(bad)
    row.refresh_from_db()
    assert "token" in row.problem
    assert "GITHUB_TOKEN" in row.remedy
    assert "ghp_" not in row.problem + row.remedy


def test_a_rate_limit_is_waited_for(hub, ticket):
    hub.knobs(github_rate_limit={"limit": 1, "window": 86_400})
    hub.client.login()
    row = look(hub)
    assert row.resting_until > timezone.now()
    before = hub.count
    assert not rounds.follow(hub.client)
    assert hub.asked(before) == []
    assert queries.github_trouble().problem.startswith("GitHub asks to wait")


# --- tickets as issues --------------------------------------------------------------------------------------


def test_a_ticket_stands_as_an_issue_with_its_fields_label_link_and_mark(mirror, ticket):
    changed = ticket.updated_at
    look(mirror)
    assert bugs.again(ticket).updated_at == changed
    found = issue(mirror, ticket)
    assert found.title == f"{ticket.key}: {ticket.title}"
    assert found.labels == ("priority: high",)
    assert found.mark == ticket.key
    assert "The last step answers 500." in found.body
    assert f"{WEB}/tickets/{ticket.pk}" in found.body
    look(mirror)
    look(mirror)
    assert len(issues_of(mirror, ticket)) == 1
    assert bugs.again(ticket).github_version == bugs.again(ticket).version


@pytest.mark.parametrize("lost", ["drop", "drop_after"])
def test_a_lost_answer_never_makes_two_issues(mirror, ticket, lost):
    mirror.fault("POST ^/github/api/v3/repos/[^/]+/[^/]+/issues$", **{lost: True})
    assert "does not answer" in look(mirror).problem
    look(mirror)
    assert len(issues_of(mirror, ticket)) == 1
    assert issue(mirror, ticket).mark == ticket.key


@pytest.mark.parametrize("lost", ["drop", "drop_after"])
def test_a_lost_answer_never_says_anything_twice(mirror, ticket, lost):
    look(mirror)
    actions.comment(ticket=ticket, by=bugs.person("ana"), body="I look into it.")
    mirror.fault("POST ^/github/api/v3/repos/.*/comments$", **{lost: True})
    look(mirror)
    look(mirror)
    look(mirror)
    said = mirror.client.comments(bugs.again(ticket).github_issue)
    assert [unmarked(each.body) for each in said] == [
        "**Ana Alvarez** wrote in the portal:\n\nI look into it."
    ]
    assert Comment.objects.get().github_id == said[0].id


def test_what_changes_here_goes_there(mirror, ticket):
    look(mirror)
    lee = bugs.person("lee")
    actions.edit(
        ticket=ticket, by=lee, version=bugs.again(ticket).version, title="It fails for all", steps="1. Submit"
    )
    actions.set_priority(ticket=ticket, by=lee, priority="low", reason="There is a way around it.")
    mirror.of("ana").edit_issue(bugs.again(ticket).github_issue, labels=["priority: high", "team: core"])
    actions.close(ticket=ticket, by=bugs.person("pam"), reason="Works as it should.")
    look(mirror)
    found = issue(mirror, ticket)
    assert (found.title, found.state, found.state_reason) == (
        f"{ticket.key}: It fails for all",
        "closed",
        "not_planned",
    )
    assert set(found.labels) == {"priority: low", "team: core"}
    assert "1. Submit" in found.body
    actions.reopen(ticket=ticket, by=bugs.person("pam"), reason="It does not.")
    look(mirror)
    assert issue(mirror, ticket).state == "open"


def test_what_changes_there_comes_here_and_no_echo_goes_back(mirror, ticket):
    look(mirror)
    number = bugs.again(ticket).github_issue
    mirror.of("ana").edit_issue(number, title=f"{ticket.key} – It fails at night", body="Mine now.")
    look(mirror)
    assert bugs.again(ticket).title == "It fails at night"
    assert [each.actor for each in events(ticket, "edited")] == ["github"]
    look(mirror)
    before = mirror.count
    look(mirror)
    assert [each for each in mirror.asked(before) if not each.startswith("GET")] == []
    assert issue(mirror, ticket).body == "Mine now."


def test_an_issue_that_somebody_closes_closes_the_ticket_as_theirs_if_they_may(mirror, ticket):
    look(mirror)
    Person = type(bugs.person("pam"))
    Person.objects.filter(username="pam").update(github_login="eve-gov")
    mirror.of("eve-gov").edit_issue(
        bugs.again(ticket).github_issue, state="closed", state_reason="not_planned"
    )
    look(mirror)
    here = bugs.again(ticket)
    assert here.closed_because == "Closed on GitHub by eve-gov, not planned."
    assert [each.actor for each in events(ticket, "closed")] == ["pam"]
    mirror.of("stranger").edit_issue(here.github_issue, state="open")
    look(mirror)
    assert bugs.again(ticket).is_open
    mirror.of("stranger").edit_issue(here.github_issue, state="closed")
    look(mirror)
    assert [each.actor for each in events(ticket, "closed")] == ["pam", "github"]
    look(mirror)
    assert issue(mirror, ticket).state == "closed"


def test_when_both_were_renamed_the_portals_title_stays_and_the_timeline_says_so(mirror, ticket):
    look(mirror)
    mirror.of("ana").edit_issue(bugs.again(ticket).github_issue, title="Theirs")
    actions.edit(ticket=ticket, by=bugs.person("lee"), version=bugs.again(ticket).version, title="Ours")
    look(mirror)
    look(mirror)
    assert bugs.again(ticket).title == "Ours"
    assert issue(mirror, ticket).title == f"{ticket.key}: Ours"
    assert [each.details["theirs"] for each in events(ticket, "title_kept")] == ["Theirs"]


@pytest.mark.parametrize("title", ["   ", "\u202e\u0007", "x" * 250, "<script>alert(1)</script> BUG-1"])
def test_a_hostile_title_is_data(mirror, ticket, title, client):
    look(mirror)
    mirror.of("stranger").edit_issue(bugs.again(ticket).github_issue, title=f"{ticket.key}: {title}")
    assert look(mirror).problem == ""
    look(mirror)
    assert len(bugs.again(ticket).title) <= 200
    client.force_login(bugs.person("ana"))
    assert b"<script>alert" not in client.get(reverse("bugs:ticket", args=[ticket.pk])).content


def test_comments_go_both_ways_each_once_with_who_said_it(mirror, ticket):
    look(mirror)
    number = bugs.again(ticket).github_issue
    said = mirror.of("cleo").create_comment(number, "Seen in **production** too.")
    mirror.of("stranger").create_comment(number, f"Me too. <!-- opsportal:{ticket.key}/comment-1 -->")
    ours = actions.comment(ticket=ticket, by=bugs.person("ana"), body="Ask @cleo <!-- about it.")
    look(mirror)
    look(mirror)
    here = {each.body: each for each in Comment.objects.filter(from_github=True)}
    assert here.keys() == {"Seen in **production** too.", "Me too."}
    assert here["Seen in **production** too."].author == bugs.person("cleo")
    assert (here["Me too."].author, here["Me too."].author_name) == (None, "stranger")
    there = [each for each in mirror.client.comments(number) if each.author == PORTAL]
    assert len(there) == 1
    assert "@cleo" not in there[0].body
    mirror.of("cleo").edit_comment(said.id, "Seen nowhere else.")
    actions.edit_comment(comment=ours, by=bugs.person("ana"), body="Never mind.")
    look(mirror)
    look(mirror)
    assert Comment.objects.filter(body="Seen nowhere else.", github_id=said.id).count() == 1
    assert "Never mind." in mirror.client.comments(number)[-1].body
    assert len(mirror.client.comments(number)) == 3


def test_what_was_said_on_github_is_changed_there(mirror, ticket):
    look(mirror)
    mirror.of("cleo").create_comment(bugs.again(ticket).github_issue, "Mine.")
    look(mirror)
    said = Comment.objects.get()
    assert "changed there" in queries.may_edit_comment(bugs.person("cleo"), said).reason


def test_a_ticket_that_github_refuses_does_not_keep_the_others(mirror, ticket):
    look(mirror)
    Ticket.objects.filter(pk=ticket.pk).update(github_issue=999_999)
    actions.comment(ticket=ticket, by=bugs.person("ana"), body="Anybody?")
    other = bugs.ticket(title="Another")
    look(mirror)
    assert bugs.again(other).github_issue
    assert len(events(ticket, "mirror_refused")) == 1
    before = mirror.count
    look(mirror)
    assert not [each for each in mirror.asked(before) if "999999" in each]


def test_github_away_never_hinders_a_ticket(mirror, ticket):
    look(mirror)
    mirror.knobs(faults=[{"match": "GET /github/", "drop": True, "times": None}])
    actions.close(ticket=ticket, by=bugs.person("pam"), reason="Works as it should.")
    assert look(mirror).problem
    assert stage(ticket) == "closed"
    mirror.knobs(faults=[])
    look(mirror)
    assert issue(mirror, ticket).state == "closed"


def test_without_a_repository_nothing_is_asked(hub, settings):
    from opsportal.bugs.tasks import follow_github

    settings.GITHUB_REPOSITORY = ""
    before = hub.count
    follow_github()
    assert hub.asked(before) == []
    assert not GitHubReading.objects.filter(repository=REPOSITORY).exists()
    assert queries.github_trouble() is None
