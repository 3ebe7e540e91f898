"""The demo's Slack is the local cloud's; its letters are files."""

from __future__ import annotations

from opsportal.demo.layout import Layout
from opsportal.demo.ports import Ports


def inbox(cloud_url: str) -> str:
    """Where people read what was told in Slack."""
    return f"{cloud_url}/slack/"


def telling_settings(layout: Layout, ports: Ports) -> dict[str, str]:
    """The settings for telling: Slack at the local cloud, whose tokens open nothing else; letters in ``mail/``."""
    return {
        "SLACK_API_URL": f"{ports.cloud_url}/slack/api",
        "SLACK_TOKEN": "xoxb-local-demo",
        "SLACK_CHANNEL_PRODUCT": "#product",
        "SLACK_CHANNEL_ADMINS": "#admins",
        "EMAIL_URL": f"filemail:///{layout.root / 'mail'}",
    }
