"""The outbox, its threads, and who wants to be told how.

``key`` and ``destination`` together are unique: the same fact is told once to each.
"""

import uuid

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

#: A Slack member's id as Slack shows it in a profile.
MEMBER_ID = RegexValidator(
    r"\A[UW][A-Z0-9]{5,20}\Z", "A Slack member ID looks like U024BE7LH. It is in your Slack profile."
)
CHANNEL_NAME = RegexValidator(
    r"\A#?[^\s#<>@&,]{1,80}\Z", "A channel is its name, like #dev, or its ID, like C024BE91L."
)


class Way(models.TextChoices):
    """How something is told."""

    SLACK = "slack", "Slack"
    EMAIL = "email", "E-mail"


class State(models.TextChoices):
    """Where a message stands. Only *waiting* and *sending* are still under way."""

    WAITING = "waiting", "Waiting"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    GATHERED = "gathered", "Told in a digest"
    UNKNOWN = "unknown", "Perhaps sent"
    GIVEN_UP = "given_up", "Given up"


_LOOKS = {"sent": "succeeded", "sending": "running", "gathered": "skipped", "given_up": "failed"}


class Message(models.Model):
    """One thing told to one destination: a row of the outbox.

    ``destination`` is ``channel:<group>`` or ``person:<id>``, with the way before it. ``payload`` holds the words as
    they were when the fact was kept. ``intent_at`` stands while it may have gone out without our knowing: set before
    the request, taken back when it surely did not arrive. ``due_at`` in the past and no lease: it may be claimed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.CharField(max_length=40)
    topic = models.CharField(
        max_length=120, blank=True, help_text="what it is about; one thread in Slack for each topic"
    )
    key = models.CharField(max_length=250, help_text="names the fact; the same one is told once")
    way = models.CharField(max_length=5, choices=Way.choices)
    destination = models.CharField(max_length=120)
    group = models.CharField(max_length=40, blank=True, help_text="whose channel; empty: a person's")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    payload = models.JSONField(default=dict)

    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    intent_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    place = models.CharField(max_length=120, blank=True, help_text="Slack's channel ID, or the address")
    thread = models.CharField(max_length=40, blank=True, help_text="Slack's ts of the thread it went to")
    ts = models.CharField(max_length=40, blank=True, help_text="Slack's ts: its name of the message")
    error = models.CharField(max_length=500, blank=True)
    gathered_in = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="gathered"
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, help_text="when it is given up; null: as the settings say")

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["state", "due_at"], name="outbox_due"),
            models.Index(fields=["destination", "state", "created_at"], name="outbox_by_destination"),
            models.Index(fields=["-created_at"], name="outbox_newest"),
        ]
        constraints = [models.UniqueConstraint(fields=["key", "destination"], name="a_fact_is_told_once")]

    def __str__(self) -> str:
        return f"{self.event} to {self.destination}"

    @property
    def look(self) -> str:
        """The state whose icon and colour pages show it with."""
        return _LOOKS.get(self.state, self.state)

    @property
    def can_go_again(self) -> bool:
        """Whether a person may have it sent once more."""
        return self.state in {State.GIVEN_UP, State.UNKNOWN}


class Thread(models.Model):
    """Where a topic's thread begins in a Slack channel: the ``ts`` of its first message."""

    topic = models.CharField(max_length=120)
    place = models.CharField(max_length=120, help_text="Slack's channel ID")
    ts = models.CharField(max_length=40)
    began_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["topic", "place"], name="one_thread_per_topic")]

    def __str__(self) -> str:
        return f"{self.topic} in {self.place}"


class Preference(models.Model):
    """How one person wants to be told: ``ways`` maps a subject of :mod:`.words` to slack, email, both or none.

    ``member_id``: as the person gave it; empty: Slack is asked by their e-mail address. ``direct``: ID of their direct
    messages, as found.
    """

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    ways = models.JSONField(default=dict, blank=True)
    member_id = models.CharField(max_length=24, blank=True, validators=[MEMBER_ID])
    direct = models.CharField(max_length=24, blank=True)

    def __str__(self) -> str:
        return f"of {self.person_id}"


class Channel(models.Model):
    """The Slack channel of a group, where an admin set another one than the settings name. Empty: none."""

    group = models.CharField(max_length=40, primary_key=True)
    name = models.CharField(max_length=80, blank=True, validators=[CHANNEL_NAME])

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"
