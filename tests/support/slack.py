"""The local cloud's Slack as the portal sees it in a test: settings that point there, and what was told in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import requests
from django.core.cache import cache
from django.test import override_settings
from django.utils import timezone

from opsportal.notifications import sending
from opsportal.notifications.models import Message

TOKEN = "xoxb-local"
PORTAL = "https://ops.example.gov"


class Workspace:
    """A running local Slack. ``cloud`` is the local cloud it lives in."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        self.url = f"{cloud.url}/slack/api"
        listed = self._call("conversations.list")["channels"]
        self.channels = {one["name"]: one["id"] for one in listed}
        self._since: dict[str, str] = {}

    def _call(self, method: str, **form: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = requests.post(f"{self.url}/{method}", data=form, headers=headers, timeout=20).json()
        assert answer["ok"], answer
        return dict(answer)

    def begin(self) -> None:
        """Forget what was told before this test, and have nothing go wrong."""
        self.cloud.knobs(faults=[])
        for place in [*self.channels.values()]:
            if place not in (self.channels["elsewhere"],):
                found = self._call("conversations.history", channel=place, limit="1")["messages"]
                self._since[place] = found[0]["ts"] if found else "0"

    def told(self, channel: str = "dev", place: str = "") -> list[dict[str, Any]]:
        """What stands in a channel since the test began, oldest first; replies that are shown there included."""
        place = place or self.channels[channel]
        since = self._since.get(place, "0")
        asked = {"channel": place, "oldest": since, "limit": "500"}
        return list(reversed(self._call("conversations.history", **asked)["messages"]))

    def replies(self, ts: str, channel: str = "dev") -> list[dict[str, Any]]:
        """The replies of a thread."""
        return list(
            self._call("conversations.replies", channel=self.channels[channel], ts=ts)["messages"][1:]
        )

    def titles(self, channel: str = "dev") -> list[str]:
        """The titles told in a channel."""
        return [one["text"] for one in self.told(channel)]

    def direct(self, email: str) -> list[dict[str, Any]]:
        """What was told to one person."""
        user = self._call("users.lookupByEmail", email=email)["user"]["id"]
        place = self._call("conversations.open", users=user)["channel"]["id"]
        return self.told(place=place)

    def fault(self, method: str = "chat.postMessage", **what: Any) -> None:
        """Have the next call of a method go wrong."""
        self.cloud.fault(f"POST ^/slack/api/{method}", **what)


@contextmanager
def portal_with(url: str, **more: Any) -> Iterator[None]:
    """The portal's settings, with Slack at ``url`` and e-mail in memory."""
    values = {
        "SLACK_API_URL": url,
        "SLACK_TOKEN": TOKEN,
        "SLACK_CHANNEL_DEV": "#dev",
        "SLACK_CHANNEL_PRODUCT": "#product",
        "SLACK_CHANNEL_ADMINS": "",
        "SLACK_MESSAGES_PER_MINUTE": 100,
        "EMAIL_URL": "memory://",
        "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
        "PUBLIC_URL": PORTAL,
        **more,
    }
    with override_settings(**values):
        yield
    cache.clear()


def send() -> int:
    """Be the worker: one round, with everything that waits due now."""
    make_due()
    return sending.send_all_due()


def make_due() -> None:
    """Whatever waits is due, and whoever held a lease has lost it."""
    past = timezone.now() - timedelta(seconds=1)
    Message.objects.filter(state="waiting").update(due_at=past)
    Message.objects.filter(state="sending").update(lease_until=past)
