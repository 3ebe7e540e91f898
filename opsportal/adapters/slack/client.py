"""One Slack workspace, through a bot's token. Each call is made once; repeating is the caller's decision."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from opsportal.adapters.slack.errors import BadAnswer, RateLimited, Refused, SlackError, Unavailable, refusal
from opsportal.kit.http import AnswerTooLarge, AnswerTooSlow, Timeout, origin, read_body, session
from opsportal.kit.http_failures import describe_failure, nothing_was_sent

#: Name of our metadata on a message (Slack: ``event_type``).
EVENT_TYPE = "opsportal_message"
_MOST_BYTES = 5_000_000
_ANSWER_SECONDS = 15.0
_PAGES, _PER_PAGE = 10, 200
_MOST_CHANNELS = 4000
_CHANNEL_PAGES = _MOST_CHANNELS // _PER_PAGE + 2
_LONGEST_WAIT = 3600.0


@dataclass(frozen=True)
class Posted:
    """Where a message stands: the channel's ID and the message's ``ts``."""

    channel: str
    ts: str


class Slack:
    """The few methods of the Web API that telling needs. Every one raises :class:`SlackError`."""

    def __init__(self, api_url: str, token: str, *, timeout: Timeout = (3.05, 10.0)) -> None:
        """Take the API's base address (``https://slack.com/api``) and the bot's token; ValueError for no address."""
        origin(api_url)
        self._base = api_url.rstrip("/")
        self._token = token
        self._session = session(user_agent="opsportal", timeout=timeout)

    def post_message(
        self,
        channel: str,
        text: str,
        blocks: Sequence[Mapping[str, Any]],
        *,
        message_id: str,
        thread_ts: str = "",
        reply_broadcast: bool = False,
    ) -> Posted:
        """Post to a channel's ID (``chat.postMessage``). ``message_id`` goes along in the metadata, to be found again.

        ``reply_broadcast``: a reply in ``thread_ts`` is shown in the channel too. ``maybe_done`` of the error tells
        whether it may have been posted all the same.
        """
        body: dict[str, Any] = {
            "channel": channel,
            "text": text,
            "blocks": list(blocks),
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"id": message_id}},
        }
        if thread_ts:
            body |= {"thread_ts": thread_ts, "reply_broadcast": reply_broadcast}
        answer = self._call("chat.postMessage", json_body=body, changes=True)
        return Posted(_text(answer, "channel"), _text(answer, "ts"))

    def find_message(
        self, channel: str, message_id: str, *, oldest: float, thread_ts: str = ""
    ) -> Posted | None:
        """The message posted with ``message_id`` since ``oldest`` (seconds since the epoch), or None.

        Raises Unavailable when there is more to read than is reasonable, so that "no" is never a guess.
        """
        asked = {"channel": channel, "oldest": f"{oldest:.6f}", "include_all_metadata": "true"}
        method = "conversations.replies" if thread_ts else "conversations.history"
        if thread_ts:
            asked["ts"] = thread_ts
        for each in self._paged(method, asked, "messages"):
            metadata = each.get("metadata")
            payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
            if isinstance(payload, dict) and payload.get("id") == message_id:
                return Posted(channel, _text(each, "ts"))
        return None

    def user_by_email(self, email: str) -> str:
        """The member ID of the person with an e-mail address (``users.lookupByEmail``); Refused for nobody."""
        user = self._call("users.lookupByEmail", {"email": email}).get("user")
        return _text(user if isinstance(user, dict) else {}, "id")

    def open_direct(self, user: str) -> str:
        """The channel ID of direct messages with a member (``conversations.open``)."""
        channel = self._call("conversations.open", json_body={"users": user}).get("channel")
        return _text(channel if isinstance(channel, dict) else {}, "id")

    def channel_named(self, name: str) -> str:
        """The ID of a channel by its name, with or without ``#`` (``conversations.list``); Refused for none."""
        wanted = name.lstrip("#").lower()
        asked = {"exclude_archived": "true", "types": "public_channel,private_channel"}
        found = self._paged("conversations.list", asked, "channels", pages=_CHANNEL_PAGES)
        for each in islice(found, _MOST_CHANNELS):
            if each.get("name") == wanted:
                return _text(each, "id")
        if next(found, None) is not None:
            raise Refused("There are too many channels to look for a name.", "Give the channel's ID.")
        raise refusal("channel_not_found")

    def auth_test(self) -> str:
        """Name of the workspace that the token is for (``auth.test``)."""
        return _text(self._call("auth.test"), "team")

    def _paged(
        self, method: str, asked: Mapping[str, str], key: str, *, pages: int = _PAGES
    ) -> Iterator[dict[str, Any]]:
        cursor = ""
        for _ in range(pages):
            more = {"cursor": cursor} if cursor else {}
            answer = self._call(method, {**asked, "limit": str(_PER_PAGE), **more})
            found = answer.get(key)
            if not isinstance(found, list):
                raise BadAnswer("Slack's answer is not what its documentation says.")
            yield from (each for each in found if isinstance(each, dict))
            following = answer.get("response_metadata")
            cursor = str(following.get("next_cursor") or "") if isinstance(following, dict) else ""
            if not cursor:
                return
        raise Unavailable("There is more in Slack than can be looked through.", "It is looked for again.")

    def _call(
        self,
        method: str,
        form: Mapping[str, str] | None = None,
        *,
        json_body: Mapping[str, Any] | None = None,
        changes: bool = False,
    ) -> dict[str, Any]:
        """One POST, which is how every method may be called. Reading methods take forms only."""
        try:
            with self._opened(method, form, json_body) as response:
                if response.status_code == 429:
                    raise RateLimited(_seconds(response.headers.get("Retry-After", "")))
                deadline = time.monotonic() + _ANSWER_SECONDS
                body = read_body(response, max_bytes=_MOST_BYTES, deadline=deadline)
        except (requests.RequestException, HTTPError, AnswerTooSlow, AnswerTooLarge, OSError) as problem:
            raise Unavailable(
                f"Slack cannot be reached: {describe_failure(problem)}.",
                "It is tried again.",
                maybe_done=changes and not nothing_was_sent(problem),
            ) from None
        if response.status_code >= 500:
            raise Unavailable(
                f"Slack failed ({response.status_code}).", "It is tried again.", maybe_done=changes
            )
        return _read(body, response.status_code, changes)

    def _opened(
        self, method: str, form: Mapping[str, str] | None, json_body: Mapping[str, Any] | None
    ) -> requests.Response:
        kind = (
            "application/json; charset=utf-8"
            if json_body is not None
            else "application/x-www-form-urlencoded"
        )
        data: Any = json.dumps(json_body).encode() if json_body is not None else dict(form or {})
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
        return self._session.post(
            f"{self._base}/{method}", data=data, headers=headers, stream=True, allow_redirects=False
        )


def _read(body: bytes, status: int, changes: bool) -> dict[str, Any]:
    """The answer as an object; raises what ``ok: false`` means."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
        raise BadAnswer(f"What answered is not Slack ({status}).", "Check SLACK_API_URL.", maybe_done=changes)
    if answer["ok"]:
        return answer
    code = str(answer.get("error") or "")
    if code in {"ratelimited", "rate_limited"}:
        raise RateLimited(30.0)
    raise refusal(code, str(answer.get("needed") or ""))


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise BadAnswer(f"Slack's answer has no “{name}”.", maybe_done=True)
    return value[:120]


def _seconds(header: str) -> float:
    try:
        return min(max(float(header), 1.0), _LONGEST_WAIT)
    except ValueError:
        return 30.0


__all__ = ["EVENT_TYPE", "Posted", "Slack", "SlackError"]
