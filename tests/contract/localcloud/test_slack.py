"""The local cloud's Slack: the Web API's wire form, its refusals, the portal's own client on it, and the inbox."""

from __future__ import annotations

import json

import pytest
import requests

from opsportal.adapters.slack import Refused, Slack

from .control_plane import SECONDS, LocalCloud, unique

TOKEN = "xoxb-local"


def call(cloud: LocalCloud, method: str, *, token: str = TOKEN, as_json: bool = False, **arguments):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    form = {key: value if isinstance(value, str) else json.dumps(value) for key, value in arguments.items()}
    sent = {"json": arguments} if as_json else {"data": form}
    answer = requests.post(f"{cloud.url}/slack/api/{method}", headers=headers, timeout=SECONDS, **sent)
    assert answer.status_code == 200
    return answer.json()


def dev(cloud: LocalCloud) -> str:
    listed = call(cloud, "conversations.list")["channels"]
    return next(one["id"] for one in listed if one["name"] == "dev")


def say(cloud: LocalCloud, text: str, **more) -> str:
    answer = call(cloud, "chat.postMessage", as_json=True, channel=dev(cloud), text=text, **more)
    assert answer["ok"], answer
    return answer["ts"]


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxp-person", "invalid_auth"), ("xoxb-revoked", "token_revoked")],
)
def test_a_token_that_is_none_is_refused(cloud, token, error):
    assert call(cloud, "auth.test", token=token) == {"ok": False, "error": error}


def test_who_the_token_is_for(cloud):
    answer = call(cloud, "auth.test")
    assert answer["ok"]
    assert {"url", "team", "user", "team_id", "user_id", "bot_id"} <= answer.keys()


@pytest.mark.parametrize("as_json", [True, False])
def test_posting_takes_json_and_forms(cloud, as_json):
    metadata = {"event_type": "x", "event_payload": {"id": "1"}}
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "Hello"}}]
    answer = call(
        cloud,
        "chat.postMessage",
        as_json=as_json,
        channel=dev(cloud),
        text="Hello",
        blocks=blocks,
        metadata=metadata,
    )
    assert answer["channel"] == dev(cloud)
    assert answer["message"]["blocks"] == blocks
    assert answer["message"]["ts"] == answer["ts"]


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ({"channel": "C404"}, "channel_not_found"),
        ({"channel": "elsewhere"}, "not_in_channel"),
        ({"channel": "attic"}, "is_archived"),
        ({"text": " "}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"blocks": [{"type": "dance"}]}, "invalid_blocks"),
        (
            {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]},
            "invalid_blocks",
        ),
        ({"metadata": {"event_type": "x"}}, "invalid_metadata_format"),
        ({"thread_ts": "1.000000"}, "thread_not_found"),
    ],
)
def test_what_slack_refuses_is_refused(cloud, what, error):
    asked = {"channel": "dev", "text": "Hello", **what}
    assert call(cloud, "chat.postMessage", as_json=True, **asked) == {"ok": False, "error": error}


def test_reading_methods_do_not_look_at_json(cloud):
    answer = call(cloud, "conversations.history", as_json=True, channel=dev(cloud))
    assert answer == {"ok": False, "error": "channel_not_found"}


def test_history_is_newest_first_without_replies_and_with_metadata_only_when_asked(cloud):
    metadata = {"event_type": "x", "event_payload": {"id": unique()}}
    first = say(cloud, "first", metadata=metadata)
    say(cloud, "a quiet reply", thread_ts=first)
    loud = say(cloud, "a loud reply", thread_ts=first, reply_broadcast=True)
    last = say(cloud, "last")

    plain = call(cloud, "conversations.history", channel=dev(cloud), oldest=first, inclusive="true")[
        "messages"
    ]
    whole = call(
        cloud,
        "conversations.history",
        channel=dev(cloud),
        oldest=first,
        inclusive="true",
        include_all_metadata="true",
    )

    assert [one["ts"] for one in plain] == [last, loud, first]
    assert "metadata" not in plain[-1]
    assert whole["messages"][-1]["metadata"] == metadata
    assert plain[1]["subtype"] == "thread_broadcast"


def test_a_thread_is_its_first_message_then_its_replies(cloud):
    first = say(cloud, "first")
    replies = [say(cloud, f"reply {number}", thread_ts=first) for number in range(3)]

    answer = call(cloud, "conversations.replies", channel=dev(cloud), ts=first)

    assert [one["ts"] for one in answer["messages"]] == [first, *replies]
    assert call(cloud, "conversations.replies", channel=dev(cloud), ts="1.0")["error"] == "thread_not_found"


def test_long_histories_come_in_pages(cloud):
    for number in range(3):
        say(cloud, f"message {number}")
    first = call(cloud, "conversations.history", channel=dev(cloud), limit="2")
    cursor = first["response_metadata"]["next_cursor"]
    second = call(cloud, "conversations.history", channel=dev(cloud), limit="2", cursor=cursor)

    assert first["has_more"]
    assert len(first["messages"]) == 2
    assert first["messages"][-1]["ts"] > second["messages"][0]["ts"]


def test_the_portals_client_finds_channels_people_and_what_it_posted(cloud):
    slack = Slack(f"{cloud.url}/slack/api", TOKEN)
    assert slack.auth_test() == "Local team"
    direct = slack.open_direct(slack.user_by_email("ana@example.gov"))
    with pytest.raises(Refused, match="nobody"):
        slack.user_by_email("nobody@example.gov")
    with pytest.raises(Refused, match="no such channel"):
        slack.channel_named("#attic")

    for place in (slack.channel_named("#dev"), direct):
        name = unique()
        root = slack.post_message(place, "Hello", [], message_id=name)
        reply = slack.post_message(place, "And", [], message_id=f"{name}-2", thread_ts=root.ts)
        assert slack.find_message(place, name, oldest=0) == root
        assert slack.find_message(place, f"{name}-2", oldest=0) is None
        assert slack.find_message(place, f"{name}-2", oldest=0, thread_ts=root.ts) == reply
        assert slack.find_message(place, unique(), oldest=0) is None


def test_the_inbox_shows_threads_and_buttons_and_nothing_as_markup(cloud):
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Open <it>"},
        "url": "http://127.0.0.1:1/x",
    }
    bad = {"type": "button", "text": {"type": "plain_text", "text": "Bad"}, "url": "javascript:alert(1)"}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "&lt;script&gt; &amp;amp; <b>"}}
    first = say(cloud, "x", blocks=[section, {"type": "actions", "elements": [button, bad]}])
    say(cloud, "<img src=x>", thread_ts=first)

    page = requests.get(f"{cloud.url}/slack/?channel={dev(cloud)}", timeout=SECONDS)

    assert page.headers["Refresh"]
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert '<a class="button" href="http://127.0.0.1:1/x">Open &lt;it&gt;</a>' in page.text
    assert "javascript:" not in page.text
    assert "&lt;script&gt; &amp;amp; &lt;b&gt;" in page.text
    assert "<img" not in page.text
    still = requests.get(f"{cloud.url}/slack?channel={dev(cloud)}&still=1", timeout=SECONDS)
    assert "Refresh" not in still.headers
    assert (
        requests.get(f"{cloud.url}/slack/inbox.css", timeout=SECONDS)
        .headers["Content-Type"]
        .startswith("text/css")
    )


def test_slack_asks_to_wait_when_the_knob_says_so(cloud):
    cloud.fault(
        "POST ^/slack/api/chat",
        status=429,
        headers={"Retry-After": "3"},
        body='{"ok":false,"error":"ratelimited"}',
    )
    answer = requests.post(
        f"{cloud.url}/slack/api/chat.postMessage",
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=SECONDS,
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
