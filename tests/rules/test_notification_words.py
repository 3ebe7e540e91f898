"""Every message's words: whole without values, harmless with hostile ones, and never a secret."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsportal.localcloud.slack.blocks import problem_of
from opsportal.notifications import render, store
from opsportal.notifications.safety import LONGEST, safe_path, safe_value
from opsportal.notifications.words import EVENTS, SUBJECTS, words_of

NAMES = (
    "ticket",
    "title",
    "who",
    "what",
    "whom",
    "since",
    "environment",
    "reason",
    "text",
    "problem",
    "step",
)


def payload_of(event, values):
    said = words_of(event, values)
    return {
        "title": said.title,
        "lines": list(said.lines),
        "button": EVENTS[event].button,
        "url": "https://ops/x",
    }


def written(payload) -> str:
    """All that Slack is given, as one text."""
    blocks = render.slack_blocks(payload)
    texts = [block["text"]["text"] for block in blocks if "text" in block]
    return "\n".join([render.slack_text(payload), *texts])


@pytest.mark.parametrize("event", EVENTS)
def test_every_message_has_words_with_values_and_without(event):
    kind = EVENTS[event]
    assert kind.about
    assert kind.subject in SUBJECTS
    for values in (kind.example, {}):
        payload = payload_of(event, values)
        assert payload["title"].strip()
        assert "None" not in written(payload)
        assert "{" not in written(payload)
        assert problem_of(render.slack_text(payload), render.slack_blocks(payload), None) == ""


@pytest.mark.parametrize("event", EVENTS)
def test_a_messages_example_says_all_its_values(event):
    if event == "digest":
        return
    payload = payload_of(event, EVENTS[event].example)
    for name, value in EVENTS[event].example.items():
        for part in value if isinstance(value, list) else [value]:
            assert str(part) in payload["title"] + "\n".join(payload["lines"]), name


@pytest.mark.parametrize(
    "hostile",
    [
        "<!channel> look", "<!here>", "<!everyone>", "<@U012AB3CD>", "<!subteam^S012>", "<#C012>", "@channel", "@here",
        "@everyone", "<https://evil.example|your bank>", "<script>alert(1)</script>", "a & b &lt;!here&gt;",
        "line\nbreak\r\n*Approved by:* Pam", "\x1b[31mred\x07", "\u202egnp.exe", "x" * 10_000,
    ],
)  # fmt: skip
def test_what_people_wrote_calls_nobody_and_links_nowhere(hostile):
    for event in EVENTS:
        payload = payload_of(event, dict.fromkeys(NAMES, hostile))
        text = written(payload)
        assert "<" not in text
        assert not any(call in text for call in ("@channel", "@here", "@everyone", "\x1b", "\u202e", "\r"))
        assert "\n" not in payload["title"]
        assert all("\n" not in line for line in payload["lines"])
        assert problem_of(render.slack_text(payload), render.slack_blocks(payload), None) == ""
        assert "\n" not in render.email_subject(payload)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=800), max_size=len(NAMES)))
def test_slack_takes_every_message_whatever_its_values(values):
    for event in EVENTS:
        payload = payload_of(event, values)
        assert problem_of(render.slack_text(payload), render.slack_blocks(payload), None) == ""
        assert "<" not in written(payload)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgres://user:hunter2@db/x is away", "hunter2"),
        ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
        ("SECRET_KEY=very-secret-thing", "very-secret-thing"),
        ('{"api_key": "k-123456789"}', "k-123456789"),
        ("password: 'hunter2 and more'", "hunter2"),
        ("xoxb-1234567890-abcdefghij", "abcdefghij"),
        ("ghp_0123456789012345678901", "0123456789012345678901"),
        ("AKIAABCDEFGHIJKLMNOP", "ABCDEFGHIJKLMNOP"),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl", "c2lnbmF0dXJl"),
    ],
)
def test_no_secret_is_told(text, secret):
    for event in EVENTS:
        payload = payload_of(event, dict.fromkeys(NAMES, text))
        assert secret not in written(payload) + render.email_text(payload, "https://ops/notifications/")
    assert secret not in safe_value(text)


def test_what_is_no_secret_is_told_as_it_is():
    for text in (
        "The token page is slow",
        "Pam’s key point: ask first",
        "secrets are overdue",
        "#482",
        "a*b_c~d`e",
    ):
        assert safe_value(text) == text


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/bugs/12/", "/bugs/12/"),
        ("/x?tab=2#c", "/x?tab=2#c"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a b", "/"),
        ("/a\nb", "/"),
        ("", "/"),
    ],
)
def test_links_stay_inside_the_portal(path, kept):
    assert safe_path(path) == kept


def test_values_of_every_kind_become_one_bounded_line():
    assert safe_value(None) == ""
    assert safe_value(["Ana", "Cleo"]) == "Ana, Cleo"
    assert safe_value(7) == "7"
    assert len(safe_value("x" * 9000)) == LONGEST


def test_the_pauses_between_attempts_grow_to_an_end():
    pauses = [store.pause(number) for number in range(1, 30)]
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[2]
    assert pauses[-1] == pauses[-2] == 600
