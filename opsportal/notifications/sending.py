"""One round of sending: what is due, oldest first, for a bounded time."""

import logging
import time

from opsportal.notifications import by_email, by_slack, flood, store
from opsportal.notifications.models import Message, Way

log = logging.getLogger(__name__)

#: Messages looked at together; seconds after which a round begins no further message.
BATCH, ROUND_SECONDS = 50, 20.0


def send_all_due(seconds: float = ROUND_SECONDS) -> int:
    """Send until nothing is due or the time is over. Gives how many messages were tried."""
    until, tried, slack_away = time.monotonic() + seconds, 0, False
    while time.monotonic() < until:
        flood.gather()
        rows = [row for row in store.due(BATCH) if not (slack_away and row.way == Way.SLACK)]
        if not rows:
            break
        for row in rows:
            if time.monotonic() >= until:
                break
            if slack_away and row.way == Way.SLACK:
                continue
            tried += 1
            slack_away = not _send(row) or slack_away
    return tried


def _send(message: Message) -> bool:
    """Send one; False when Slack is away. One that cannot be sent keeps no other from being sent."""
    if not store.claim(message):
        return True
    try:
        (by_slack if message.way == Way.SLACK else by_email).send(message)
    except by_slack.Away:
        return False
    except Exception:
        log.exception("message %s could not be sent", message.pk)
        store.put_off(message, "The portal failed at it; see its log.", perhaps=message.intent_at is not None)
    return True
