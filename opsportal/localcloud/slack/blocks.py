"""What Slack lets a message be, as far as a bot can get it wrong: Block Kit's limits."""

from __future__ import annotations

from typing import Any

LONGEST_TEXT = 40_000
MOST_BLOCKS = 50
_LIMITS = {"header": 150, "section": 3000}
_TEXTS = {"plain_text", "mrkdwn"}


def problem_of(text: str, blocks: Any, metadata: Any) -> str:
    """Slack's error for a message; "" for one that it takes."""
    if not text.strip() and not blocks:
        return "no_text"
    if len(text) > LONGEST_TEXT:
        return "msg_too_long"
    if blocks is not None and not (
        isinstance(blocks, list) and len(blocks) <= MOST_BLOCKS and all(map(_is_block, blocks))
    ):
        return "invalid_blocks"
    if metadata is not None and not _is_metadata(metadata):
        return "invalid_metadata_format"
    return ""


def _is_block(block: Any) -> bool:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "divider":
        return True
    if kind in _LIMITS:
        text = block.get("text")
        return _is_text(text, _LIMITS[kind]) and (kind != "header" or text["type"] == "plain_text")
    if kind == "context":
        elements = block.get("elements")
        return (
            isinstance(elements, list)
            and 0 < len(elements) <= 10
            and all(_is_text(one, 3000) for one in elements)
        )
    if kind == "actions":
        elements = block.get("elements")
        return isinstance(elements, list) and 0 < len(elements) <= 25 and all(map(_is_button, elements))
    return False


def _is_text(text: Any, limit: int) -> bool:
    return (
        isinstance(text, dict)
        and text.get("type") in _TEXTS
        and isinstance(text.get("text"), str)
        and 0 < len(text["text"]) <= limit
    )


def _is_button(button: Any) -> bool:
    return (
        isinstance(button, dict)
        and button.get("type") == "button"
        and _is_text(button.get("text"), 75)
        and button["text"]["type"] == "plain_text"
        and len(str(button.get("url", ""))) <= 3000
    )


def _is_metadata(metadata: Any) -> bool:
    return (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and isinstance(metadata.get("event_payload"), dict)
    )
