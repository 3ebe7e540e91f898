"""What is kept of the logs: entries, and per environment where the reading of its source stands."""

from django.db import models
from django.utils import timezone

from opsportal.environments.models import Environment

LONGEST_LAYER, LONGEST_INSTANCE = 200, 40


class Entry(models.Model):
    """One entry: a line, or lines that belong together. It never changes; the retention task deletes the oldest.

    Ids rise in the order in which entries were kept (which the live tail follows); ``at_ns`` is when they were
    printed, in nanoseconds since the epoch, as the platform stamped them. A router's line has its request's columns.
    """

    id = models.BigAutoField(primary_key=True)
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="log_entries", db_index=False
    )
    at_ns = models.BigIntegerField()
    layer = models.CharField(max_length=LONGEST_LAYER)
    instance = models.CharField(max_length=LONGEST_INSTANCE, blank=True)
    stream = models.CharField(max_length=3, default="OUT")
    level = models.PositiveSmallIntegerField(default=0, help_text="as opsportal.logs.levels.Level")
    lines = models.PositiveIntegerField(default=1)
    size = models.PositiveIntegerField(default=0, help_text="bytes of text")
    text = models.TextField()
    method = models.CharField(max_length=16, blank=True)
    path = models.CharField(max_length=200, blank=True, help_text="template: ids taken out")
    status = models.PositiveSmallIntegerField(null=True)
    took_ms = models.PositiveIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["environment", "at_ns", "level"], name="logs_by_time"),
            models.Index(fields=["environment", "id"], name="logs_in_order_kept"),
            models.Index(fields=["environment", "layer", "instance", "at_ns"], name="logs_by_source"),
            models.Index(
                fields=["environment", "at_ns", "method", "path", "status", "took_ms"],
                condition=models.Q(status__isnull=False),
                name="logs_requests",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.layer}/{self.instance} {self.text[:60]}"


class Tail(models.Model):
    """How far one environment's source was read, and which worker reads it now.

    One worker at a time: it is claimed by one conditional UPDATE, and every write checks the ``fence`` (the number of
    the claim), so that one that lost its lease writes nothing.
    """

    environment = models.OneToOneField(
        Environment, on_delete=models.CASCADE, primary_key=True, related_name="log_tail"
    )
    source = models.CharField(max_length=64, blank=True, help_text="the app's guid")
    from_ns = models.BigIntegerField(default=0)
    last_ns = models.BigIntegerField(default=0)
    seen = models.JSONField(default=list, help_text="[moment, digest] of lines taken since from_ns")
    looked_ns = models.BigIntegerField(default=0, help_text="when the source was last read to its end")
    due_at = models.DateTimeField(default=timezone.now, db_index=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveBigIntegerField(default=0)
    idle_looks = models.PositiveIntegerField(default=0, help_text="looks in a row that found nothing")
    problem = models.CharField(max_length=500, blank=True)
    kept_bytes = models.BigIntegerField(default=0)
    layers = models.JSONField(default=list)
    instances = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"tail of {self.environment_id}"
