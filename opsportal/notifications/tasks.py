"""What Celery runs: send what is due in the outbox. Safe to run twice, at any time, by anyone."""

from celery import shared_task


@shared_task(name="notifications.send_due", soft_time_limit=60, time_limit=90)
def send_due() -> None:
    """Send the messages that are due, for a bounded time."""
