"""What Celery runs for Critical bugs whose lead is late. Safe to run twice, at any time, by anyone."""

from celery import shared_task

from opsportal.bugs import assigning


@shared_task(name="bugs.look_after_leads", soft_time_limit=60, time_limit=90)
def look_after_leads() -> None:
    """Ask for volunteers, once, for each Critical that nobody was assigned in time."""
    assigning.look_after_leads()
