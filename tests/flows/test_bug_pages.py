"""The pages of tickets: who may do what on the page and by a direct post alike, and what is said to whom."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from opsportal.audit.models import Entry
from opsportal.bugs import actions
from opsportal.bugs.models import Attachment, Comment, Event, SavedView, Ticket
from tests.support import bugs

pytestmark = [pytest.mark.django_db, pytest.mark.database]

#: One of each role, and an engineer who did not report it.
WITH_A_ROLE = {"ana", "eve", "lee", "pam", "dee", "ada", "tom"}
ENGINEERS = {"ana", "eve", "lee"}
OWNERS = {"pam"}
TEAM = {"engineer": "ana", "reviewers": ["cleo", "eve"]}
WHY = {"reason": "It is so."}


def closed() -> Ticket:
    """A ticket that ana reported and that is closed."""
    return actions.close(ticket=bugs.ticket(), by=bugs.person("pam"), reason="Not a bug.")


#: The last part of an address: a ticket for which it makes sense, what is sent, and who may.
POSTS: dict[str, tuple[Callable[[], Ticket], dict[str, Any], set[str]]] = {
    "consent": (bugs.proposed, {}, OWNERS),
    "decline": (bugs.proposed, {**WHY, "priority": "medium"}, OWNERS),
    "withdraw": (bugs.proposed, {}, {"ana"}),
    "assign": (bugs.refined, TEAM, {"lee"}),
    "assign when the lead is late": (bugs.late, TEAM, {"lee", "tom"} | OWNERS),
    "take": (bugs.late, {}, ENGINEERS),
    "take-review": (bugs.late, {}, ENGINEERS | {"dee"}),
    "refine": (bugs.ticket, {}, WITH_A_ROLE),
    "priority": (bugs.ticket, {**WHY, "priority": "low"}, WITH_A_ROLE),
    "propose": (bugs.ticket, bugs.PROPOSAL, WITH_A_ROLE),
    "comment": (bugs.ticket, {"body": "It happens to me too."}, WITH_A_ROLE),
    "attach": (bugs.ticket, {"file": "shot.png"}, WITH_A_ROLE),
    "close": (bugs.ticket, WHY, OWNERS | {"tom", "lee"}),
    "reopen": (closed, WHY, OWNERS | {"tom", "lee", "ana"}),
}


def signed_in(username: str) -> Client:
    """A browser of somebody of the cast."""
    client = Client()
    client.force_login(bugs.person(username), backend="django.contrib.auth.backends.ModelBackend")
    return client


def said(response: Any) -> str:
    """The page's words."""
    return str(response.content.decode())


def picture(name: str = "shot.png", content: bytes | None = None) -> SimpleUploadedFile:
    """A file as a browser sends one, with a type that nobody believes."""
    return SimpleUploadedFile(name, content if content is not None else bugs.png(), "text/html")


@pytest.mark.parametrize("case", POSTS)
def test_a_direct_post_and_the_page_agree_on_who_may(case: str) -> None:
    make, given, allowed = POSTS[case]
    what = case.split(" ", maxsplit=1)[0]
    bugs.everybody()
    for username in sorted(WITH_A_ROLE):
        ticket, client = bugs.again(make()), signed_in(username)
        address = f"/tickets/{ticket.pk}/{what}"
        offered = f'action="{address}"' in said(client.get(f"/tickets/{ticket.pk}"))
        sent = {"file": picture()} if "file" in given else given
        answer = client.post(address, sent)
        changed = bugs.again(ticket).version > ticket.version
        wanted = username in allowed
        assert (answer.status_code, changed) == ((302, True) if wanted else (403, False)), username
        assert what == "attach" or offered is wanted, username


@pytest.mark.parametrize("case", POSTS)
def test_who_has_no_role_sees_nothing_and_does_nothing(case: str) -> None:
    make, given, _ = POSTS[case]
    ticket, client = bugs.again(make()), signed_in("stranger")
    assert client.get(f"/tickets/{ticket.pk}").status_code == 403
    assert client.post(f"/tickets/{ticket.pk}/{case.split(' ', maxsplit=1)[0]}", given).status_code == 403
    assert bugs.again(ticket).version == ticket.version


@pytest.mark.parametrize("address", ["", "/{n}", "/{n}/edit", "/{n}/choices", "/{n}/files/1", "/views"])
def test_who_is_not_signed_in_is_sent_to_the_door(address: str) -> None:
    number = bugs.ticket().pk
    answer = Client().get("/tickets" + address.format(n=number))
    assert answer.status_code == 302
    assert "sign-in" in answer["Location"] or "sign_in" in answer["Location"]


def test_a_refusal_says_why_and_who_can() -> None:
    ticket = bugs.proposed()
    bugs.everybody()
    page = said(signed_in("ada").post(f"/tickets/{ticket.pk}/consent"))
    assert "Only a product owner may consent to Critical." in page
    assert "Pam Price and Paul Park" in page


def test_what_one_may_not_do_stands_there_with_the_reason() -> None:
    ticket = bugs.refined()
    bugs.everybody()
    page = said(signed_in("ana").get(f"/tickets/{ticket.pk}"))
    assert "Only an engineering lead may assign bugs. Who can: Lee Lindqvist." in page
    assert 'aria-disabled="true" aria-describedby="why-assign"' in page


def test_an_engineer_is_told_who_assigns_when_the_lead_is_late() -> None:
    ticket = bugs.late()
    bugs.everybody()
    page = said(signed_in("ana").get(f"/tickets/{ticket.pk}"))
    assert "The lead is late, so the product team and owners may too (Pam Price" in page


def test_the_timeline_leads_to_the_issue_on_github(settings: Any) -> None:
    settings.GITHUB_REPOSITORY, settings.GITHUB_WEB_URL = "getgov/getgov", "https://github.com"
    ticket = bugs.ticket()
    told = {"kind": "mirrored", "actor": "github", "actor_name": "GitHub", "details": {"number": 34}}
    Event.objects.create(ticket=ticket, at=timezone.now(), **told)
    page = said(signed_in("ana").get(f"/tickets/{ticket.pk}"))
    assert 'href="https://github.com/getgov/getgov/issues/34"' in page


# --- whose move it is ---------------------------------------------------------------------------------------


def in_review() -> Ticket:
    made = bugs.assigned()
    bugs.pull(made)
    return bugs.again(made)


def taken() -> Ticket:
    made = bugs.late()
    actions.take(ticket=made, by=bugs.person("eve"))
    return bugs.again(made)


def half_reviewed() -> Ticket:
    made = taken()
    actions.take_review(ticket=made, by=bugs.person("dee"))
    return bugs.again(made)


def half_approved() -> Ticket:
    made = bugs.assigned()
    bugs.pull(made, reviews=[bugs.review("cleo")])
    return bugs.again(made)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (bugs.proposed, "A product owner (Pam Price and Paul Park): consent to Critical, or decline."),
        (bugs.ticket, "The next refinement: look at it and confirm its priority."),
        (bugs.refined, "The engineering lead (Lee Lindqvist): assign an engineer and two reviewers."),
        (bugs.late, "the lead has not assigned it in time"),
        (taken, "the lead has not named two reviewers in time"),
        (half_reviewed, "the lead has not named a second reviewer in time"),
        (bugs.assigned, "Ana Alvarez: open a pull request whose branch (bug-"),
        (in_review, "Cleo Chu and Eve Evans: review the pull request."),
        (half_approved, "Eve Evans: review the pull request."),
        (closed, "Closed: Not a bug."),
    ],
)
def test_the_page_says_first_whose_move_it_is(make: Callable[[], Ticket], sentence: str) -> None:
    bugs.everybody()
    assert escape(sentence) in said(signed_in("ada").get(f"/tickets/{make().pk}"))


@pytest.mark.parametrize(
    ("username", "make", "words"),
    [
        ("pam", bugs.proposed, "Your move: consent to Critical"),
        ("lee", bugs.refined, "Your move: assign"),
        ("eve", bugs.late, "Your move: take it"),
        ("dee", bugs.late, "Your move: review it"),
        ("cleo", in_review, 'href="https://github.test/team/getgov/pull/482" rel="noopener">Review #482'),
        ("ada", bugs.refined, '<a class="usa-button" href="#comment">Comment</a>'),
    ],
)
def test_one_thing_stands_first_for_who_looks(username: str, make: Callable[[], Ticket], words: str) -> None:
    bugs.everybody()
    assert words in said(signed_in(username).get(f"/tickets/{bugs.again(make()).pk}"))


# --- deciding and assigning ---------------------------------------------------------------------------------


def test_declining_without_a_reason_says_so_at_the_field_and_keeps_the_other_priority() -> None:
    ticket = bugs.proposed()
    answer = signed_in("pam").post(f"/tickets/{ticket.pk}/decline", {"reason": "", "priority": "low"})
    assert answer.status_code == 422
    assert 'id="decline-reason-error">Say a reason.' in said(answer)
    assert '<option value="low" selected>' in said(answer)


def test_the_second_product_owner_is_told_who_decided_and_loses_nothing_typed() -> None:
    ticket = bugs.proposed()
    actions.consent(ticket=ticket, by=bugs.person("paul"), reason="Requests are lost.")
    answer = signed_in("pam").post(
        f"/tickets/{ticket.pk}/decline", {"reason": "Only a few are hit.", "priority": "medium"}
    )
    assert answer.status_code == 409
    assert "Paul Park consented just now: Requests are lost." in said(answer)
    assert "Only a few are hit." in said(answer)
    assert bugs.again(ticket).priority == "critical"


def test_the_second_volunteer_is_told_who_was_first() -> None:
    ticket = bugs.late()
    actions.take(ticket=ticket, by=bugs.person("cleo"))
    answer = signed_in("ana").post(f"/tickets/{ticket.pk}/take")
    assert answer.status_code == 409
    assert "Cleo Chu was first: it is theirs." in said(answer)


def test_a_reviewer_who_is_the_engineer_is_refused_and_the_choice_stays() -> None:
    ticket = bugs.refined()
    bugs.everybody()
    answer = signed_in("lee").post(
        f"/tickets/{ticket.pk}/assign", {"engineer": "ana", "reviewers": ["ana", "cleo"]}
    )
    assert answer.status_code == 422
    assert "Ana Alvarez is the engineer: nobody reviews their own fix." in said(answer)
    assert 'name="engineer" value="ana" checked' in said(answer)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"engineer": "ana"}, "Ana Alvarez is the engineer: nobody reviews their own fix."),
        ({"engineer": "ana", "reviewers": ["dee"]}, "Dot Diaz is a designer, and so is the other reviewer"),
        ({"engineer": "ana", "reviewers": ["cleo", "eve"]}, "Lee Lindqvist: two are chosen already"),
        ({}, "Tom Tran is neither an engineer nor a designer."),
    ],
)
def test_every_choice_that_is_not_allowed_says_why(given: dict[str, Any], why: str) -> None:
    ticket = bugs.refined()
    bugs.everybody()
    assert why in said(signed_in("lee").get(f"/tickets/{ticket.pk}/choices", given))


def test_who_stands_in_for_the_lead_takes_nothing_from_volunteers() -> None:
    ticket = bugs.late()
    bugs.everybody()
    actions.take(ticket=ticket, by=bugs.person("eve"))
    for username, kept in (("tom", True), ("lee", False)):
        page = said(signed_in(username).get(f"/tickets/{ticket.pk}/choices", {"engineer": "eve"}))
        assert ("Ana Alvarez: Eve Evans took it first; only the engineering lead" in page) is kept


def test_nobody_unknown_is_assigned() -> None:
    ticket = bugs.refined()
    answer = signed_in("lee").post(
        f"/tickets/{ticket.pk}/assign", {"engineer": "nobody", "reviewers": ["cleo", "eve"]}
    )
    assert answer.status_code == 422
    assert "There is nobody called nobody." in said(answer)


# --- editing, commenting, closing ---------------------------------------------------------------------------


def form_of(ticket: Ticket, **other: Any) -> dict[str, Any]:
    names = ("title", "happens", "should", "steps", "environment", "found_by", "version")
    return {**{name: getattr(ticket, name) for name in names}, "user_facing": "on", **other}


def test_an_edit_on_top_of_anothers_edit_is_shown_beside_it_and_saved_when_meant() -> None:
    ticket = bugs.ticket()
    mine = form_of(bugs.again(ticket), title="Submitting fails for everybody")
    actions.edit(
        ticket=ticket, by=bugs.person("cleo"), version=ticket.version, title="Submitting answers 500"
    )
    client, address = signed_in("ana"), f"/tickets/{ticket.pk}/edit"
    answer = client.post(address, mine)
    page = said(answer)
    assert answer.status_code == 409
    assert "Cleo Chu changed title while you were writing." in page
    assert "Submitting answers 500" in page
    assert 'value="Submitting fails for everybody"' in page
    assert bugs.again(ticket).title == "Submitting answers 500"
    now = str(bugs.again(ticket).version)
    assert f'name="version" value="{now}"' in page
    assert client.post(address, {**mine, "version": now}).status_code == 302
    assert bugs.again(ticket).title == "Submitting fails for everybody"


def test_the_timeline_tells_what_was_and_what_is() -> None:
    ticket = bugs.ticket()
    actions.edit(
        ticket=ticket, by=bugs.person("cleo"), version=ticket.version, title="Submitting answers 500"
    )
    page = said(signed_in("ana").get(f"/tickets/{ticket.pk}"))
    assert f"<del>{bugs.REPORT['title']}</del><ins>Submitting answers 500</ins>" in page


def test_a_comment_is_shown_as_markdown_and_never_obeyed() -> None:
    ticket, client = bugs.ticket(), signed_in("ana")
    said_ = f"**Seen** on <script>alert(1)</script>, as in {ticket.key}."
    answer = client.post(f"/tickets/{ticket.pk}/comment", {"body": said_})
    page = said(client.get(answer["Location"]))
    assert answer["Location"].endswith("#newest")
    assert "<strong>Seen</strong> on &lt;script&gt;" in page
    assert f'<a class="usa-link" href="/tickets/{ticket.pk}" rel=' in page


def test_the_path_names_who_moved_it() -> None:
    page = said(signed_in("ana").get(f"/tickets/{half_approved().pk}"))
    path = page[page.index("Its path") : page.index("Clocks")]
    assert [
        words
        for words in ("Ana Alvarez,", "Tom Tran,", "Lee Lindqvist,", "GitHub,", "cleo,")
        if words in path
    ] == ["Ana Alvarez,", "Tom Tran,", "Lee Lindqvist,", "GitHub,"]


def test_an_empty_comment_is_asked_for_words_or_a_file() -> None:
    ticket = bugs.ticket()
    answer = signed_in("ana").post(f"/tickets/{ticket.pk}/comment", {"body": " "})
    assert answer.status_code == 422
    assert "Say something, or choose a file." in said(answer)


def test_a_comment_and_its_files_are_kept_together_or_not_at_all() -> None:
    ticket, client = bugs.ticket(), signed_in("ana")
    drawing = picture("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    answer = client.post(f"/tickets/{ticket.pk}/comment", {"body": "Look.", "file": [picture(), drawing]})
    assert answer.status_code == 422
    assert "which is not kept" in said(answer)
    assert ">\nLook.</textarea>" in said(answer)
    assert (Comment.objects.count(), Attachment.objects.count()) == (0, 0)
    answer = client.post(f"/tickets/{ticket.pk}/comment", {"body": "Look.", "file": [picture()]})
    assert (Comment.objects.count(), Attachment.objects.count()) == (1, 1)


def test_only_its_author_says_a_comment_better() -> None:
    ticket = bugs.ticket()
    comment = actions.comment(ticket=ticket, by=bugs.person("ana"), body="It fails.")
    address = f"/tickets/{ticket.pk}/comments/{comment.pk}"
    for method in ("get", "post"):
        answer = getattr(signed_in("cleo"), method)(address, {"body": "It works."})
        assert answer.status_code == 403
        assert "Only Ana Alvarez may change what they said." in said(answer)
    assert signed_in("ana").post(address, {"body": "It fails at night."}).status_code == 302
    comment.refresh_from_db()
    assert comment.body == "It fails at night."


@pytest.mark.parametrize("typed", ["{pk}", "#{pk}", "BUG-{pk}", " bug-{pk} "])
def test_a_duplicate_is_closed_with_the_ticket_that_goes_on(typed: str) -> None:
    original, ticket = bugs.ticket(), bugs.ticket(title="Requests cannot be submitted")
    client = signed_in("tom")
    given = {"duplicate_of": typed.format(pk=original.pk)}
    assert client.post(f"/tickets/{ticket.pk}/close", given).status_code == 302
    assert bugs.again(ticket).duplicate_of == original
    assert f"Closed: it repeats {original.key}." in said(client.get(f"/tickets/{ticket.pk}"))


@pytest.mark.parametrize("typed", ["999", "nonsense", "BUG-", "1 2", "٣"])
def test_a_duplicate_of_nothing_says_so(typed: str) -> None:
    ticket = bugs.ticket()
    answer = signed_in("tom").post(f"/tickets/{ticket.pk}/close", {"duplicate_of": typed})
    assert answer.status_code == 422
    assert "There is no ticket" in said(answer)
    assert bugs.again(ticket).is_open


# --- files --------------------------------------------------------------------------------------------------


def test_a_file_is_given_out_as_a_download_and_never_as_a_page() -> None:
    ticket = bugs.ticket()
    kept = actions.attach(ticket=ticket, by=bugs.person("ana"), name='née "x".html', content=bugs.png())
    client = signed_in("ana")
    answer = client.get(f"/tickets/{ticket.pk}/files/{kept.pk}")
    assert answer.content == bugs.png()
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert f'<img src="/tickets/{ticket.pk}/files/{kept.pk}"' in said(client.get(f"/tickets/{ticket.pk}"))


def test_a_file_is_found_under_its_own_ticket_alone() -> None:
    ticket, other = bugs.ticket(), bugs.ticket(title="Another")
    kept = actions.attach(ticket=ticket, by=bugs.person("ana"), name="a.png", content=bugs.png())
    assert signed_in("ana").get(f"/tickets/{other.pk}/files/{kept.pk}").status_code == 404
    assert signed_in("stranger").get(f"/tickets/{ticket.pk}/files/{kept.pk}").status_code == 403


# --- lists --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", {"Requests are lost", "The menu overlaps"}),
        ("?text=menu", {"The menu overlaps"}),
        ("?priority=low", {"The menu overlaps"}),
        ("?engineer=ana", {"Requests are lost"}),
        ("?reviewer=eve", {"Requests are lost"}),
        ("?reporter=dee", {"The menu overlaps"}),
        ("?environment=stable", {"Requests are lost"}),
        ("?stage=closed", {"Old news"}),
        ("?stage=all", {"Requests are lost", "The menu overlaps", "Old news"}),
        ("?stage=nonsense&priority=nonsense&page=nonsense", {"Requests are lost", "The menu overlaps"}),
        ("?text=nothing+like+it", set()),
        ("?text=%00%27%22%3C", set()),
    ],
)
@pytest.mark.parametrize("view", ["list", "board"])
def test_the_address_holds_the_search(query: str, titles: set[str], view: str) -> None:
    bugs.assigned(title="Requests are lost", environment="stable")
    bugs.ticket(by="dee", title="The menu overlaps", priority="low")
    old = bugs.ticket(title="Old news")
    actions.close(ticket=old, by=bugs.person("pam"), reason="Gone.")
    joined = f"{query}{'&' if query else '?'}view={view}"
    page = said(signed_in("ana").get(f"/tickets{joined}"))
    found = {title for title in ("Requests are lost", "The menu overlaps", "Old news") if title in page}
    assert found == titles
    assert ("No ticket matches" in page) is (not titles)


def test_an_empty_list_teaches_what_to_do() -> None:
    page = said(signed_in("ana").get("/tickets"))
    assert "No ticket is open" in page
    assert "No ticket, no work" in page


def test_a_list_of_many_costs_few_queries(django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        bugs.assigned(title=f"Bug {number}")
    client = signed_in("ana")
    for address in ("/tickets", "/tickets?view=board"):
        with django_assert_max_num_queries(16):
            client.get(address)


def test_a_ticket_page_costs_few_queries(django_assert_max_num_queries: Any) -> None:
    bugs.everybody()
    ticket = bugs.again(in_review())
    for number in range(10):
        actions.comment(ticket=ticket, by=bugs.person("eve"), body=f"{number}: see BUG-{number + 1}")
    client = signed_in("ana")
    with django_assert_max_num_queries(30):
        client.get(f"/tickets/{ticket.pk}")


def test_a_search_is_kept_offered_and_removed_by_its_owner_alone() -> None:
    ana, cleo = signed_in("ana"), signed_in("cleo")
    given = {"name": "Loud ones", "query": "priority=high&page=3&sort=new", "shared": "on"}
    answer = ana.post("/tickets/views", given)
    assert answer["Location"] == "/tickets?priority=high&sort=new"
    view = SavedView.objects.get()
    assert 'href="/tickets?priority=high&amp;sort=new">Loud ones' in said(cleo.get("/tickets"))
    refused = cleo.post(f"/tickets/views/{view.pk}/remove")
    assert refused.status_code == 403
    assert "Only Ana Alvarez, who keeps this search, removes it." in said(refused)
    assert ana.post(f"/tickets/views/{view.pk}/remove").status_code == 302
    assert not SavedView.objects.exists()
    kept = Entry.objects.filter(action__startswith="ticket_view.").values_list("action", flat=True)
    assert set(kept) == {"ticket_view.save", "ticket_view.remove"}


def test_what_is_kept_for_oneself_is_offered_to_nobody_else() -> None:
    signed_in("ana").post("/tickets/views", {"name": "Secretly", "query": "text=menu"})
    assert "Secretly" in said(signed_in("ana").get("/tickets"))
    assert "Secretly" not in said(signed_in("cleo").get("/tickets"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "All", "query": ""}, "Choose a filter first."),
        ({"name": "All", "query": "page=2"}, "Choose a filter first."),
        ({"name": "", "query": "text=menu"}, "This field is required."),
        ({"name": "a\u202eb", "query": "text=menu"}, "a character that cannot be shown"),
    ],
)
def test_a_search_that_cannot_be_kept_says_why(given: dict[str, str], words: str) -> None:
    answer = signed_in("ana").post("/tickets/views", given)
    assert answer.status_code == 422
    assert words in said(answer)


def test_a_search_by_script_takes_the_ways_to_the_board_and_to_keep_it_along() -> None:
    bugs.ticket()
    answer = signed_in("ana").get(
        "/tickets?text=submit&priority=&engineer=&stage=open&sort=new", headers={"HX-Request": "true"}
    )
    assert answer["HX-Push-Url"] == "/tickets?text=submit&sort=new"
    assert 'href="/tickets?view=board&amp;text=submit&amp;sort=new">Board' in said(answer)


def test_a_duplicate_and_its_original_lead_to_each_other() -> None:
    original, ticket = bugs.ticket(), bugs.ticket(title="Requests cannot be submitted")
    actions.close(ticket=ticket, by=bugs.person("pam"), reason="The same.", duplicate_of=original)
    client = signed_in("ana")
    assert f'Repeats <a class="usa-link" href="/tickets/{original.pk}">' in said(
        client.get(f"/tickets/{ticket.pk}")
    )
    assert f'Repeated by <a class="usa-link" href="/tickets/{ticket.pk}">' in said(
        client.get(f"/tickets/{original.pk}")
    )


@pytest.mark.parametrize(
    "address", ["/tickets/{huge}", "/tickets/1/files/{huge}", "/tickets/1/comments/{huge}", "/tickets/views"]
)
def test_what_is_not_there_is_not_found(address: str) -> None:
    bugs.ticket()
    answer = signed_in("ana").get(address.format(huge=10**30))
    assert answer.status_code in {404, 405}


def test_nothing_else_is_done_to_a_ticket() -> None:
    ticket = bugs.ticket()
    assert signed_in("pam").post(f"/tickets/{ticket.pk}/delete").status_code == 404
    assert signed_in("pam").get(f"/tickets/{ticket.pk}/close").status_code == 405


def test_what_was_sent_for_what_no_longer_makes_sense_still_gets_an_answer() -> None:
    ticket = bugs.ticket()
    answer = signed_in("ana").post(f"/tickets/{ticket.pk}/attach", {"file": picture("a.html", b"<p>x</p>")})
    assert answer.status_code == 422
    assert "It looks like a page" in said(answer)
    late = signed_in("lee").post(f"/tickets/{ticket.pk}/assign", {})
    assert late.status_code == 422
    assert "Choose an engineer." in said(late)


def test_who_was_refused_is_in_the_trail() -> None:
    ticket = bugs.refined()
    assert signed_in("ana").post(f"/tickets/{ticket.pk}/close", {"reason": "I say so"}).status_code == 403
    tried = Entry.objects.filter(target=ticket.key, result="refused").get()
    assert (tried.actor, tried.action) == ("ana", "ticket.close")
