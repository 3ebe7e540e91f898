"""What Celery runs: send what is due in the outbox. Safe to run twice, at any time, by anyone."""

from datetime import timedelta

from celery import shared_task
from django.core.cache import cache
from django.utils import timezone

from opsportal.notifications import sending, store
from opsportal.notifications.models import Message, Thread

#: Days for which what was told is remembered.
KEEP_DAYS = 180
_AT_ONCE = 5_000


@shared_task(name="notifications.send_due", soft_time_limit=90, time_limit=120)
def send_due() -> None:
    """Send the messages that are due, for a bounded time. One round at a time: a hanging Slack takes one thread."""
    if cache.add("notifications-sending", 1, timeout=60):
        try:
            sending.send_all_due()
        finally:
            cache.delete("notifications-sending")


@shared_task(name="notifications.forget_old", soft_time_limit=60, time_limit=90)
def forget_old() -> None:
    """Forget messages and threads that ended long ago, a bounded number at once."""
    before = timezone.now() - timedelta(days=KEEP_DAYS)
    old = Message.objects.filter(created_at__lt=before).exclude(state__in=store.UNDER_WAY)
    Message.objects.filter(pk__in=list(old.order_by().values_list("pk", flat=True)[:_AT_ONCE])).delete()
    threads = Thread.objects.filter(began_at__lt=before).order_by().values_list("pk", flat=True)
    Thread.objects.filter(pk__in=list(threads[:_AT_ONCE])).delete()
