"""Slack's Web API: ``POST /slack/api/<method>``, forms and JSON, and an ``ok`` in every answer, as Slack has it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..web import Answer, ApiRequest, route
from . import keeping
from .blocks import problem_of

if TYPE_CHECKING:
    from ..context import Cloud
    from ..store import Document

Arguments = dict[str, Any]
Method = Callable[["Cloud", Arguments], dict[str, Any]]
#: These take forms alone, as with Slack: a JSON body is not looked at.
FORMS_ONLY = frozenset(
    {"conversations.history", "conversations.replies", "conversations.list", "users.lookupByEmail"}
)
_AS_JSON = ("blocks", "metadata", "attachments")
_YES = {"true", "1", "True"}


class SlackRefusal(Exception):
    """``ok: false`` with Slack's own word."""

    def __init__(self, error: str, **more: str) -> None:
        super().__init__(error)
        self.body = {"ok": False, "error": error, **more}


@route("POST", "/slack/api/<method>", auth="none")
def call(request: ApiRequest, method: str) -> Answer:
    """Any method by its name. Slack answers 200 to nearly everything; ``ok`` tells."""
    try:
        return _answer(request, method)
    except SlackRefusal as refusal:
        return refusal.body


@route("GET", "/slack/api/<method>", auth="none")
def call_reading(request: ApiRequest, method: str) -> Answer:
    """Slack takes GET too."""
    return call(request, method=method)


def _answer(request: ApiRequest, name: str) -> dict[str, Any]:
    method = METHODS.get(name)
    if method is None:
        raise SlackRefusal("unknown_method", req_method=name)
    arguments = _arguments(request, name)
    _authenticate(request, arguments)
    return {"ok": True, **method(request.context, arguments)}


def _authenticate(request: ApiRequest, arguments: Arguments) -> None:
    header = request.raw.headers.get("Authorization", "")
    token = header[7:].strip() if header.lower().startswith("bearer ") else str(arguments.get("token") or "")
    if not token:
        raise SlackRefusal("not_authed")
    if token.endswith("revoked"):
        raise SlackRefusal("token_revoked")
    if not token.startswith("xoxb-"):
        raise SlackRefusal("invalid_auth")


def _arguments(request: ApiRequest, name: str) -> Arguments:
    """What was sent: query, form or JSON; of forms the values that are JSON are read."""
    given: Arguments = dict(request.params)
    if request.raw.mimetype == "application/json" and name not in FORMS_ONLY:
        try:
            body = json.loads(request.raw.get_data() or b"{}")
        except (ValueError, RecursionError):
            raise SlackRefusal("invalid_json") from None
        if not isinstance(body, dict):
            raise SlackRefusal("json_not_object")
        return given | body
    given |= {key: values[-1] for key, values in request.raw.form.lists()}
    for key in _AS_JSON:
        if isinstance(given.get(key), str):
            try:
                given[key] = json.loads(given[key])
            except (ValueError, RecursionError):
                raise SlackRefusal(f"invalid_{key}") from None
    return given


def _channel(cloud: Cloud, arguments: Arguments, *, by_name: bool = False) -> Document:
    """The channel that is meant; only posting knows channels by their names."""
    wanted = str(arguments.get("channel") or "")
    found = keeping.channel(cloud, wanted) if by_name else _known(cloud, wanted)
    if found is None:
        raise SlackRefusal("channel_not_found")
    if not found["is_member"]:
        raise SlackRefusal("not_in_channel")
    return found


def _known(cloud: Cloud, guid: str) -> Document | None:
    keeping.channels(cloud)
    return cloud.store.get(keeping.CHANNEL, guid)


def auth_test(cloud: Cloud, arguments: Arguments) -> dict[str, Any]:
    """``auth.test``."""
    return {"url": f"{cloud.url}/slack/", **keeping.TEAM, **keeping.BOT}


def post_message(cloud: Cloud, arguments: Arguments) -> dict[str, Any]:
    """``chat.postMessage``."""
    place = _channel(cloud, arguments, by_name=True)
    if place["is_archived"]:
        raise SlackRefusal("is_archived")
    text, blocks = str(arguments.get("text") or ""), arguments.get("blocks")
    metadata, thread = arguments.get("metadata"), str(arguments.get("thread_ts") or "")
    if problem := problem_of(text, blocks, metadata):
        raise SlackRefusal(problem)
    if thread and not any(_is_root(one, thread) for one in keeping.messages(cloud, place)):
        raise SlackRefusal("thread_not_found")
    content = {
        "text": text,
        "blocks": blocks or [],
        "metadata": metadata,
        "thread_ts": thread,
        "broadcast": bool(thread) and str(arguments.get("reply_broadcast", "")).lower() in _YES,
    }
    made = keeping.post(cloud, place, content)
    return {"channel": place["guid"], "ts": made["ts"], "message": _shown(made, with_metadata=True)}


def _is_root(message: Document, ts: str) -> bool:
    return bool(message["ts"] == ts and not message["thread_ts"])


def _shown(message: Document, *, with_metadata: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": "message",
        "text": message["text"],
        "ts": message["ts"],
        "user": keeping.BOT["user_id"],
        "bot_id": keeping.BOT["bot_id"],
        "team": keeping.TEAM["team_id"],
        "blocks": message["blocks"],
    }
    if message["thread_ts"]:
        shown["thread_ts"] = message["thread_ts"]
    if message["broadcast"]:
        shown["subtype"] = "thread_broadcast"
    if with_metadata and message["metadata"]:
        shown["metadata"] = message["metadata"]
    return shown


def history(cloud: Cloud, arguments: Arguments) -> dict[str, Any]:
    """``conversations.history``: what stands in the channel itself, newest first."""
    place = _channel(cloud, arguments)
    top = [one for one in keeping.messages(cloud, place) if not one["thread_ts"] or one["broadcast"]]
    return _page(list(reversed(_between(top, arguments))), arguments)


def replies(cloud: Cloud, arguments: Arguments) -> dict[str, Any]:
    """``conversations.replies``: a thread's first message, then its replies, oldest first."""
    place, ts = _channel(cloud, arguments), str(arguments.get("ts") or "")
    everything = keeping.messages(cloud, place)
    root = [one for one in everything if _is_root(one, ts)]
    if not root:
        raise SlackRefusal("thread_not_found")
    answers = [one for one in everything if one["thread_ts"] == ts]
    return _page([*root, *_between(answers, arguments)], arguments)


def _between(found: list[Document], arguments: Arguments) -> list[Document]:
    """Those after ``oldest`` and before ``latest``; with ``inclusive`` at them too."""
    try:
        oldest = round(float(arguments.get("oldest") or 0) * 1_000_000)
        latest = round(float(arguments.get("latest") or 1e12) * 1_000_000)
    except ValueError:
        raise SlackRefusal("invalid_ts_oldest") from None
    if str(arguments.get("inclusive", "")) in _YES:
        oldest, latest = oldest - 1, latest + 1
    return [one for one in found if oldest < one["micros"] < latest]


def _page(found: list[Document], arguments: Arguments) -> dict[str, Any]:
    page, cursor = _cut(found, arguments, 100)
    with_metadata = str(arguments.get("include_all_metadata", "")).lower() in _YES
    return {
        "messages": [_shown(one, with_metadata=with_metadata) for one in page],
        "has_more": bool(cursor),
        "response_metadata": {"next_cursor": cursor},
    }


def _cut(found: list[Document], arguments: Arguments, usual: int) -> tuple[list[Document], str]:
    """A page of at most ``limit``, and the cursor of the next one; "" after the last."""
    try:
        limit = min(max(int(arguments.get("limit") or usual), 1), 999)
        begin = int(arguments.get("cursor") or 0)
    except ValueError:
        raise SlackRefusal("invalid_cursor") from None
    end = begin + limit
    return found[begin:end], str(end) if end < len(found) else ""


def list_channels(cloud: Cloud, arguments: Arguments) -> dict[str, Any]:
    """``conversations.list``."""
    found = keeping.channels(cloud)
    if str(arguments.get("exclude_archived", "")).lower() in _YES:
        found = [one for one in found if not one["is_archived"]]
    page, cursor = _cut(found, arguments, 100)
    shown = [
        {
            "id": one["guid"],
            "is_channel": True,
            **{key: one[key] for key in ("name", "is_member", "is_archived")},
        }
        for one in page
    ]
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


def open_direct(cloud: Cloud, arguments: Arguments) -> dict[str, Any]:
    """``conversations.open`` with one member."""
    member = cloud.store.get(keeping.MEMBER, str(arguments.get("users") or ""))
    if member is None:
        raise SlackRefusal("user_not_found")
    return {"channel": {"id": keeping.direct(cloud, member)["guid"]}}


def look_up(cloud: Cloud, arguments: Arguments) -> dict[str, Any]:
    """``users.lookupByEmail``."""
    member = keeping.member_by_email(cloud, str(arguments.get("email") or ""))
    if member is None:
        raise SlackRefusal("users_not_found")
    return {"user": {"id": member["guid"], "name": member["name"], "profile": {"email": member["email"]}}}


METHODS: dict[str, Method] = {
    "auth.test": auth_test,
    "chat.postMessage": post_message,
    "conversations.history": history,
    "conversations.list": list_channels,
    "conversations.open": open_direct,
    "conversations.replies": replies,
    "users.lookupByEmail": look_up,
}
