"""A message's words as Slack and e-mail write them. Pure. ``payload``: title, lines, button and url, as plain text."""

from collections.abc import Mapping
from typing import Any

_TITLE, _SECTION, _BUTTON = 150, 2900, 75
#: A zero-width character after these @ keeps Slack's clients from taking them for a call to everybody.
_CALLS = ("@channel", "@here", "@everyone")


def slack_escaped(text: str) -> str:
    """Text in which nothing is markup: no link, no mention of a person, a group or everybody."""
    return _uncalled(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def slack_text(payload: Mapping[str, Any]) -> str:
    """What stands in Slack's own notifications, and where blocks cannot be shown."""
    return slack_escaped(_cut(str(payload["title"]), 300))


def slack_blocks(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Title, lines, and a button that is a link. ``verbatim``: Slack makes no links of what people wrote."""
    lines = _cut(slack_escaped("\n".join(map(str, payload["lines"]))), _SECTION)
    title = _plain(_cut(str(payload["title"]), _TITLE))
    button = {
        "type": "button",
        "text": _plain(_cut(str(payload["button"]), _BUTTON)),
        "url": str(payload["url"]),
        "action_id": "open",
    }
    body = [{"type": "section", "text": {"type": "mrkdwn", "text": lines, "verbatim": True}}] if lines else []
    return [{"type": "header", "text": title}, *body, {"type": "actions", "elements": [button]}]


def email_subject(payload: Mapping[str, Any]) -> str:
    """The title on one line."""
    return _cut(" ".join(str(payload["title"]).split()), 200)


def email_text(payload: Mapping[str, Any], settings_url: str) -> str:
    """Title, lines, and the link; where to choose otherwise at the end."""
    parts = [str(payload["title"]), "", *map(str, payload["lines"])]
    parts += [
        "",
        f"{payload['button']}: {payload['url']}",
        "",
        "--",
        f"What you are told, and how: {settings_url}",
    ]
    return "\n".join(parts) + "\n"


def _plain(text: str) -> dict[str, Any]:
    """Text that Slack shows as it is. Angle brackets are replaced: clients differ in whether they undo escapes here."""
    safe = _uncalled(text.replace("<", "‹").replace(">", "›"))
    return {"type": "plain_text", "text": safe, "emoji": False}


def _uncalled(text: str) -> str:
    for call in _CALLS:
        text = text.replace(call, f"@\u2060{call[1:]}")
    return text


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
