"""The inbox: what was told, by channel and thread, for people at ``/slack/``. Buttons are links; it reloads itself."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from ..errors import resource_not_found
from ..web import Answer, ApiRequest, route
from . import keeping

if TYPE_CHECKING:
    from ..context import Cloud
    from ..store import Document

SHOWN = 100
RELOAD_SECONDS = 5
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.45 system-ui, sans-serif; }
html { background: light-dark(#fff, #1b1b1b); color: light-dark(#1b1b1b, #f0f0f0); }
body { margin: 0 auto; max-width: 48rem; padding: 1rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0; }
a { color: light-dark(#005ea2, #73b3e7); }
a[aria-current] { font-weight: bold; }
article { border-top: 1px solid light-dark(#a9aeb1, #565c65); padding: .5rem 0; overflow-wrap: anywhere; }
article h2, article h3 { font-size: 1.05rem; margin: .25rem 0; }
article p { margin: .25rem 0; white-space: pre-line; }
.replies { border-left: 3px solid light-dark(#a9aeb1, #565c65); margin-left: .5rem; padding-left: 1rem; }
.button { border: 1px solid; border-radius: 4px; display: inline-block; margin: .25rem 0; padding: .25rem .75rem; }
time, .note { color: light-dark(#565c65, #a9aeb1); font-size: .9rem; }
"""
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


@route("GET", "/slack/inbox.css", auth="none")
def style(request: ApiRequest) -> Answer:
    """How the inbox looks."""
    return Response(_STYLE, headers={"Content-Type": "text/css; charset=utf-8"})


@route("GET", "/slack", auth="none")
def inbox(request: ApiRequest) -> Answer:
    """The first channel with messages, or ``?channel=``."""
    cloud = request.context
    places = _places(cloud)
    wanted = request.params.get("channel")
    chosen = next((one for one in places if one["guid"] == wanted), None)
    if wanted and chosen is None:
        raise resource_not_found("There is no such channel.")
    chosen = chosen or next((one for one in places if keeping.messages(cloud, one)), places[0])
    still = "still" in request.params
    return _page(_menu(cloud, places, chosen, still) + _channel(cloud, chosen), still)


def _places(cloud: Cloud) -> list[Document]:
    named = keeping.channels(cloud)
    return [*named, *cloud.store.find(keeping.CHANNEL, is_im=True)]


def _name(place: Document) -> str:
    return f"{'@' if place['is_im'] else '#'}{place['name']}"


def _menu(cloud: Cloud, places: list[Document], chosen: Document, still: bool) -> str:
    items = "".join(
        f'<li><a href="/slack?channel={each["guid"]}"{_current(each, chosen)}>{html.escape(_name(each))}</a>'
        f' <span class="note">{len(keeping.messages(cloud, each))}</span></li>'
        for each in places
    )
    here = f"/slack?channel={chosen['guid']}"
    turn = f'<a href="{here}">Follow</a>' if still else f'<a href="{here}&amp;still=1">Stop following</a>'
    note = f"A page of the local cloud: nothing of this left the machine. {turn}"
    return f'<h1>Slack inbox</h1><p class="note">{note}</p><nav aria-label="Channels"><ul>{items}</ul></nav>'


def _current(each: Document, chosen: Document) -> str:
    return ' aria-current="page"' if each["guid"] == chosen["guid"] else ""


def _channel(cloud: Cloud, place: Document) -> str:
    everything = keeping.messages(cloud, place)
    roots = [one for one in everything if not one["thread_ts"]][-SHOWN:]
    shown = "".join(_thread(one, everything) for one in reversed(roots))
    return f"<h2>{html.escape(_name(place))}</h2>" + (shown or "<p>Nothing was told here yet.</p>")


def _thread(root: Document, everything: list[Document]) -> str:
    replies = [one for one in everything if one["thread_ts"] == root["ts"]]
    below = "".join(f"<article>{_message(one)}</article>" for one in replies)
    count = f"{len(replies)} {'reply' if len(replies) == 1 else 'replies'}"
    thread = f'<div class="replies" role="group" aria-label="{count}">{below}</div>' if replies else ""
    return f'<article data-ts="{root["ts"]}">{_message(root)}{thread}</article>'


def _message(message: Document) -> str:
    at = datetime.fromtimestamp(message["micros"] / 1_000_000, UTC)
    note = ' <span class="note">also shown in the channel</span>' if message["broadcast"] else ""
    when = f'<time datetime="{at.isoformat()}">{at:%Y-%m-%d %H:%M:%S} UTC</time>{note}'
    blocks = "".join(map(_block, message["blocks"])) or f"<p>{_text(message['text'])}</p>"
    return when + blocks


def _block(block: dict[str, Any]) -> str:
    kind = block["type"]
    if kind == "header":
        return f"<h3>{html.escape(block['text']['text'])}</h3>"
    if kind == "section":
        return f"<p>{_text(block['text']['text'])}</p>"
    if kind == "context":
        return "".join(f'<p class="note">{_text(one["text"])}</p>' for one in block["elements"])
    if kind == "actions":
        return "".join(map(_button, block["elements"]))
    return "<hr>"


def _button(button: dict[str, Any]) -> str:
    url, label = str(button.get("url", "")), html.escape(button["text"]["text"])
    if not url.startswith(("http://", "https://")):
        return f'<span class="button">{label}</span>'
    return f'<a class="button" href="{html.escape(url)}">{label}</a>'


def _text(text: str) -> str:
    """Slack's own escapes undone, then HTML's done."""
    return html.escape(re.sub("&(?:lt|gt|amp);", lambda found: _ENTITIES[found[0]], text))


def _page(content: str, still: bool) -> Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Slack inbox · Local cloud</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/slack/inbox.css"></head><body><main>{content}</main></body></html>'
    )
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
    }
    if not still:
        headers["Refresh"] = str(RELOAD_SECONDS)
    return Response(text, headers=headers)
