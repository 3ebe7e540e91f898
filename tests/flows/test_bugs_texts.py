"""What people type is data: hostile, long and odd texts are kept as they are or refused with words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.bugs import actions, comments, queries, texts
from opsportal.bugs.errors import BadTicket
from opsportal.bugs.models import Ticket
from opsportal.notifications.models import Message
from tests.support import bugs

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "'; DROP TABLE bugs_ticket; --", "{{ request.user }}{% load x %}",
        "=HYPERLINK(\"http://x\")", "%s %d {0} \\0", "Ünïcödé 🐛 漢字 שלום", "a\tb",
    ],
)  # fmt: skip
def test_hostile_text_is_kept_as_it_is(text):
    ticket = bugs.ticket(happens=text, steps=text)

    assert bugs.again(ticket).happens == text
    assert actions.comment(ticket=ticket, by=bugs.person("eve"), body=text).body == text


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f", "\u202e", "\u200f", "\ud800"])
@pytest.mark.parametrize("field", ["title", "happens", "should", "steps"])
def test_a_character_that_cannot_be_shown_is_refused_at_its_field(field, character):
    with pytest.raises(BadTicket) as bad:
        bugs.ticket(**{field: f"a{character}b"})

    assert bad.value.fields.keys() == {field}
    assert f"U+{ord(character):04X}" in bad.value.fields[field]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"title": ""}, "title"), ({"title": " \n\t "}, "title"), ({"title": "\u200b\u2060"}, "title"),
        ({"title": "x" * 201}, "title"), ({"happens": "x" * 10_001}, "happens"), ({"should": ""}, "should"),
        ({"environment": "../x"}, "environment"), ({"environment": "Stable!"}, "environment"),
        ({"found_by": "nobody"}, "found_by"), ({"priority": "urgent"}, "priority"), ({"priority": ""}, "priority"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_told_at_its_field(given, field):
    with pytest.raises(BadTicket) as bad:
        bugs.ticket(**given)

    assert bad.value.fields.keys() == {field}


@given(st.text(max_size=60))
def test_whatever_is_typed_is_kept_fit_to_be_shown_or_refused_in_words(text):
    try:
        kept = texts.one("title", text, texts.TICKET_FIELDS["title"])
    except BadTicket:
        return
    assert kept.strip() == kept != ""
    assert "\n" not in kept
    assert texts.one("title", kept, texts.TICKET_FIELDS["title"]) == kept


def test_every_bad_field_is_named_at_once():
    with pytest.raises(BadTicket) as bad:
        bugs.ticket(title="", happens="", environment="!", priority="x")

    assert bad.value.fields.keys() == {"title", "happens", "environment", "priority"}


def test_lines_are_kept_and_a_title_is_one():
    ticket = bugs.ticket(title=" Nobody\n can  submit ", happens="one \r\ntwo\u2028three\n")

    assert ticket.title == "Nobody can submit"
    assert ticket.happens == "one\ntwo\nthree"


@pytest.mark.parametrize("by", ["ana", "pam"])
def test_a_proposal_is_as_clean_as_the_rest(by):
    with pytest.raises(BadTicket) as bad:
        bugs.proposed(by=by, breaks="\0", since="x" * 301)

    assert bad.value.fields.keys() == {"breaks", "since"}


def test_evidence_is_cut_to_what_fits_and_leads_nowhere_else():
    ticket = bugs.ticket(
        evidence={
            "headline": "stable is \x1b[31mDegraded\0",
            "facts": [["Commit", "1a2b"], "odd", ["a"]] + [["x", "y" * 9_000]] * 50,
            "entries": [
                {"at": "09:14", "text": "Traceback\n  \x07line", "url": "/environments/stable/logs"},
                {"text": "x" * 9_000, "url": "//evil.test"},
                {"text": "y", "url": "javascript:alert(1)"},
                7,
            ],
            "more": "not kept",
        }
    )

    kept = bugs.again(ticket).evidence
    assert kept["headline"] == "stable is Degraded\ufffd"
    assert len(kept["facts"]) == 28
    assert max(len(words) for _, words in kept["facts"]) == 500
    assert [each["url"] for each in kept["entries"]] == ["/environments/stable/logs", "", ""]
    assert kept["entries"][0]["text"] == "Traceback\n  \ufffdline"
    assert kept.keys() == {"headline", "facts", "entries"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("@cleo look", {"cleo"}), ("hi @Cleo.", {"cleo"}), ("(@cleo, @eve)", {"cleo", "eve"}),
        ("mail a@cleo.test", set()), ("`@cleo`", set()), ("@", set()), ("@@cleo", set()), ("a/@cleo", set()),
    ],
)  # fmt: skip
def test_who_a_comment_mentions(body, named):
    assert comments.names_in(body) == named


def test_whoever_is_mentioned_is_told_once_and_nobody_is_told_of_oneself(settings):
    settings.SLACK_API_URL, settings.SLACK_TOKEN = "http://127.0.0.1:9/api", "xoxb-none"
    bugs.everybody()
    ticket, eve = bugs.ticket(), bugs.person("eve")

    comment = actions.comment(ticket=ticket, by=eve, body="@cleo and @eve and @nobody")
    actions.edit_comment(comment=comment, by=eve, body="@cleo and @dee")

    told = Message.objects.filter(event="ticket_mentioned").values_list("person__username", flat=True)
    assert sorted(told) == ["cleo", "dee"]


def test_the_timeline_says_all_of_it_in_order():
    ticket = bugs.assigned()
    actions.comment(ticket=ticket, by=bugs.person("eve"), body="On it.")
    bugs.pull(ticket, reviews=[bugs.review("cleo")])

    said = [f"{each.actor_name} {each.words}" for each in queries.timeline(ticket)]

    assert said == [
        "Ana Alvarez reported it as High",
        "Tom Tran refined it",
        "Lee Lindqvist assigned Ana Alvarez, reviewed by Cleo Chu and Eve Evans",
        "Eve Evans commented",
        "GitHub shows pull request #482: open",
        "cleo approved pull request #482",
    ]


def test_nothing_is_kept_of_a_report_that_is_refused():
    with pytest.raises(BadTicket):
        bugs.ticket(title="")

    assert not Ticket.objects.exists()
