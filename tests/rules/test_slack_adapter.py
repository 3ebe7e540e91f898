"""Slack's client against a server that answers by script: what each failure means, and that no token leaks."""

import json

import pytest

from opsportal.adapters.slack import BadAnswer, RateLimited, Refused, Slack, Unavailable
from tests.support.scripted_server import hangs_up, says, scripted_server, text

TOKEN = "xoxb-very-secret-token"
POST = "POST /api/chat.postMessage"


@pytest.fixture(scope="module")
def server():
    with scripted_server() as (url, script):
        yield script, f"{url}/api"


def post(server, *answers, **more):
    script, url = server
    script.seen.clear()
    script.on(POST, *answers)
    return Slack(url, TOKEN, timeout=(1.0, 2.0)).post_message("C1", "Hello", [], message_id="m-1", **more)


def test_a_message_goes_out_with_its_id_and_without_unfurling(server):
    posted = post(
        server, says({"ok": True, "channel": "C1", "ts": "1.2"}), thread_ts="1.0", reply_broadcast=True
    )

    (asked,) = server[0].asked(POST)
    body = json.loads(asked.body)
    assert (posted.channel, posted.ts) == ("C1", "1.2")
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert body["metadata"] == {"event_type": "opsportal_message", "event_payload": {"id": "m-1"}}
    assert (body["thread_ts"], body["reply_broadcast"], body["unfurl_links"]) == ("1.0", True, False)


@pytest.mark.parametrize(
    ("answer", "kind", "maybe_done"),
    [
        (says({"ok": False, "error": "not_in_channel"}), Refused, False),
        (says({"ok": False, "error": "channel_not_found"}), Refused, False),
        (says({"ok": False, "error": "invalid_auth"}), Refused, False),
        (says({"ok": False, "error": "msg_too_long"}), Refused, False),
        (says({"ok": False, "error": "<b>odd</b>"}), Refused, False),
        (says({"ok": False, "error": "ratelimited"}), RateLimited, False),
        (says({"ok": False, "error": "ratelimited"}, 429, Retry_After="7"), RateLimited, False),
        (says({"ok": False, "error": "service_unavailable"}), Unavailable, False),
        (says({"ok": False, "error": "fatal_error"}), Unavailable, True),
        (text("<html>", 502), Unavailable, True),
        (hangs_up, Unavailable, True),
        (text("<html>"), BadAnswer, True),
        (says(["ok"]), BadAnswer, True),
        (says({"ok": "yes"}), BadAnswer, True),
        (says({"ok": True, "channel": "C1"}), BadAnswer, True),
    ],
)
def test_each_failure_says_whether_the_message_may_be_there(server, answer, kind, maybe_done):
    with pytest.raises(kind) as raised:
        post(server, answer)
    assert raised.value.maybe_done is maybe_done
    assert str(raised.value)
    assert TOKEN not in str(raised.value) + repr(raised.value)
    assert "<" not in str(raised.value)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("soon", 30), ("-3", 1), ("1e9", 3600)])
def test_how_long_to_wait_is_read_and_bounded(server, header, seconds):
    with pytest.raises(RateLimited) as raised:
        post(server, says({"ok": False}, 429, Retry_After=header))
    assert raised.value.retry_after == seconds


def test_where_nothing_listens_nothing_was_done():
    with pytest.raises(Unavailable) as raised:
        Slack("http://127.0.0.1:9", TOKEN).post_message("C1", "Hello", [], message_id="m")
    assert not raised.value.maybe_done


def test_a_missing_scope_is_named(server):
    with pytest.raises(Refused, match="channels:history"):
        post(server, says({"ok": False, "error": "missing_scope", "needed": "channels:history"}))


def test_a_redirect_is_not_followed_with_the_token(server):
    with pytest.raises(BadAnswer):
        post(server, text("", 307, Location="http://127.0.0.1:9/elsewhere"))
    assert len(server[0].seen) == 1


def found(*ids, cursor=""):
    messages = [
        {"ts": f"{number}.0", "metadata": {"event_payload": {"id": each}}} for number, each in enumerate(ids)
    ]
    return says(
        {"ok": True, "messages": [{"ts": "9.9"}, *messages], "response_metadata": {"next_cursor": cursor}}
    )


def test_a_message_is_looked_for_page_by_page(server):
    script, url = server
    script.seen.clear()
    script.on("POST /api/conversations.history", found("a", cursor="next"), found("b", "m-1"))

    there = Slack(url, TOKEN).find_message("C1", "m-1", oldest=12.5)

    assert there is not None
    assert there.ts == "1.0"
    first, second = (each.body.decode() for each in script.asked("POST /api/conversations.history"))
    assert "include_all_metadata=true" in first
    assert "oldest=12.5" in first
    assert "cursor=next" in second


def test_that_a_message_is_not_there_is_said_only_after_all_was_read(server):
    script, url = server
    script.on("POST /api/conversations.replies", found("a"))
    assert Slack(url, TOKEN).find_message("C1", "m-1", oldest=0, thread_ts="1.0") is None
    script.on("POST /api/conversations.replies", found("a", cursor="more"))
    with pytest.raises(Unavailable):
        Slack(url, TOKEN).find_message("C1", "m-1", oldest=0, thread_ts="1.0")


def channels(count, cursor):
    listed = [{"id": f"C{number}", "name": f"n{number}"} for number in range(count)]
    return says({"ok": True, "channels": listed, "response_metadata": {"next_cursor": cursor}})


def test_a_workspace_with_too_many_channels_asks_for_an_id(server):
    script, url = server
    script.on("POST /api/conversations.list", channels(200, "more"))
    with pytest.raises(Refused, match="Give the channel's ID"):
        Slack(url, TOKEN).channel_named("#dev")
    assert Slack(url, TOKEN).channel_named("#n7") == "C7"


@pytest.mark.parametrize("url", ["slack.com/api", "ftp://slack.com", "https://user@slack.com/api", ""])
def test_what_is_no_address_is_refused_at_once(url):
    with pytest.raises(ValueError, match="absolute"):
        Slack(url, TOKEN)
