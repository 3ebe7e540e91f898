"""Operations, their steps and their output. These rows are the truth; Celery only rings the bell.

State is changed in one place, :mod:`opsportal.operations.store`, and claimed in the database (architecture.md).
"""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from opsportal.accounts.grants import ROLES
from opsportal.environments.models import Environment, EnvironmentKind


class State(models.TextChoices):
    """Where an operation stands. One vocabulary everywhere (pages.md)."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    NEEDS_YOU = "needs_you", "Needs you"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    UNKNOWN = "unknown", "Unknown"


#: States in which an operation holds its environment. Unknown holds it too: nothing may go on before it is settled.
HOLDING = (State.RUNNING, State.NEEDS_YOU, State.UNKNOWN)
UNDER_WAY = (State.WAITING, *HOLDING)
ENDED = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

#: Kinds that destroy data. The database refuses such a row for stable, whoever writes it (product.md: never on stable).
NEVER_ON_STABLE = ("load_fixtures", "reset_database", "recreate_database", "copy_database", "destroy_sandbox")


class StepState(models.TextChoices):
    """Where a step stands."""

    PENDING = "pending", "Not started"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    NEEDS_YOU = "needs_you", "Needs you"
    SUCCEEDED = "succeeded", "Succeeded"
    SKIPPED = "skipped", "Not needed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    UNKNOWN = "unknown", "Unknown"


class WhoseMove(models.TextChoices):
    """Errors are sorted by whose move it is."""

    YOURS = "yours", "Yours"
    OURS = "ours", "Ours"
    PLATFORM = "platform", "The platform's"
    CANCELLED = "cancelled", "Cancelled"


class Operation(models.Model):
    """One thing done to one environment, from the click to the record.

    ``id`` is also the value of the label ``opsportal-operation`` on everything it makes on the platform.
    ``params``: what was asked for, plain values. ``facts``: what the steps found out and share (guids, commits).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="operations")
    environment_kind = models.CharField(max_length=12, choices=EnvironmentKind.choices)
    params = models.JSONField(default=dict)
    facts = models.JSONField(default=dict)
    headline = models.CharField(max_length=400, help_text="what it does, in words: 'Deploy main (1a2b3c4d)'")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="operations"
    )
    requester = models.CharField(max_length=150, help_text="username, kept when the person goes")
    via = models.CharField(max_length=20, default="page", help_text="page, shell, schedule")
    reason = models.TextField(blank=True)

    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    outcome = models.CharField(
        max_length=10, blank=True, help_text="how it will end once tidied up: failed or cancelled"
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=0, help_text="raised at every change, for live pages")

    due_at = models.DateTimeField(default=timezone.now)
    undo_until = models.DateTimeField(
        null=True, help_text="nothing begins before this moment, so that one click can be undone"
    )
    passed_hold = models.PositiveBigIntegerField(
        null=True, help_text="id of the hold that whoever asked said they pass"
    )
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_expires_at = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(
        default=0, help_text="raised at every claim; writes of an earlier claim fail"
    )

    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.CharField(max_length=150, blank=True)

    error_id = models.CharField(max_length=80, blank=True)
    whose_move = models.CharField(max_length=10, choices=WhoseMove.choices, blank=True)
    problem = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    notes = models.JSONField(
        default=list, help_text="what a reader of the receipt must know: differences, warnings"
    )
    output_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"]),
            models.Index(fields=["environment", "-created_at"]),
            models.Index(fields=["state", "due_at"]),
            models.Index(fields=["kind", "state", "-ended_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["environment"],
                condition=models.Q(state__in=["running", "needs_you", "unknown"]),
                name="one_operation_changes_an_environment",
            ),
            models.CheckConstraint(
                condition=~models.Q(environment_kind="stable", kind__in=NEVER_ON_STABLE),
                name="never_on_stable",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.headline} on {self.environment_id}"

    @property
    def short_id(self) -> str:
        """The first eight characters of the id, for people."""
        return str(self.id)[:8]

    @property
    def who(self) -> str:
        """Who asked for it, as people know them; a schedule of theirs where nobody clicked."""
        name = str(self.requested_by or self.requester)
        return f"Schedule of {name}" if self.via == "schedule" else name

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will happen without a person."""
        return self.state in ENDED

    @property
    def can_be_undone(self) -> bool:
        """Whether it was asked for so lately that nothing has begun, and a cancel leaves no trace."""
        within = self.undo_until is not None and timezone.now() < self.undo_until
        return within and self.state in {State.WAITING, State.RUNNING}

    @property
    def is_stopping(self) -> bool:
        """Cancelled or failed, but still putting things back."""
        return self.state == State.RUNNING and (bool(self.outcome) or self.cancel_requested_at is not None)


class Step(models.Model):
    """One step of an operation. ``memo`` is the step's own memory between calls (guids, cursors, intents)."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    title = models.CharField(max_length=120)
    tidy = models.BooleanField(
        default=False, help_text="runs only after a failure or a cancel, to put things back"
    )
    state = models.CharField(max_length=10, choices=StepState.choices, default=StepState.PENDING)
    attempt = models.PositiveSmallIntegerField(default=1)
    calls = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    progress = models.FloatField(null=True, help_text="0 to 1, or null when not known")
    detail = models.CharField(max_length=500, blank=True)
    memo = models.JSONField(default=dict)

    class Meta:
        ordering = ["position"]
        indexes = [models.Index(fields=["name", "state", "-ended_at"])]
        constraints = [
            models.UniqueConstraint(fields=["operation", "position"], name="one_step_per_position")
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.title}"

    @property
    def seconds(self) -> float | None:
        """Time taken so far, in seconds; None before it started."""
        if self.started_at is None:
            return None
        return ((self.ended_at or timezone.now()) - self.started_at).total_seconds()


class Output(models.Model):
    """One line an operation printed. ``number`` counts from 1 over the whole operation and has no gaps."""

    class Stream(models.TextChoices):
        """Who said it."""

        OUT = "out", "Standard output"
        ERR = "err", "Standard error"
        NOTE = "note", "The portal"

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="output")
    number = models.PositiveIntegerField()
    step = models.PositiveSmallIntegerField(help_text="position of the step")
    at = models.DateTimeField()
    stream = models.CharField(max_length=4, choices=Stream.choices)
    text = models.TextField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["operation", "number"], name="output_numbers_have_no_repeats")
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.text[:60]}"


class AssetBuild(models.Model):
    """A build of the repository's assets, kept by what went into it: inputs and command (product.md, Deploy)."""

    key = models.CharField(
        max_length=64, unique=True, help_text="sha256 over the inputs' tree ids and the command"
    )
    commit = models.CharField(max_length=40)
    built_at = models.DateTimeField(null=True, help_text="null: under way, or given up")
    seconds = models.FloatField(default=0)
    operation = models.UUIDField(null=True, help_text="whose operation builds or built it")
    lease_expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.key[:12]


class SavedCommand(models.Model):
    """A command for run task that the team keeps, with typed parameters, offered to some roles.

    ``command`` holds ``{name}`` for each parameter; ``parameters``: ``[{name, title, type, choices, required}]``
    with a type of :data:`opsportal.operations.saved_commands.TYPES`. ``roles``: empty for all who may run a task.
    """

    title = models.CharField(max_length=80, unique=True)
    what = models.CharField(max_length=300, blank=True, help_text="what it does, for who chooses it")
    command = models.CharField(max_length=2000)
    parameters = models.JSONField(default=list, blank=True)
    roles = models.JSONField(default=list, blank=True)
    places = models.JSONField(
        default=list, blank=True, help_text="kinds of environment it is offered on; empty: all"
    )
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

    @property
    def who(self) -> str:
        """The roles it is offered to, in words; empty for all who may run a task."""
        return ", ".join(ROLES.get(each, each) for each in self.roles)


class Schedule(models.Model):
    """An operation that is asked for again and again, in the name of the person who set it up.

    It runs on ``weekdays`` (0 is Monday) at ``times`` ("HH:MM", in ``zone``). ``next_at`` is computed; one scheduler
    of many claims a run by moving it on.
    """

    kind = models.CharField(max_length=40)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="schedules")
    given = models.JSONField(default=dict, blank=True, help_text="the parameters as typed")
    reason = models.TextField(blank=True)
    weekdays = models.JSONField(default=list)
    times = models.JSONField(default=list)
    zone = models.CharField(max_length=60)
    enabled = models.BooleanField(default=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    owner_name = models.CharField(max_length=150, help_text="username, kept when the person goes")
    made_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(null=True, db_index=True)
    last_at = models.DateTimeField(null=True)
    last_operation = models.ForeignKey(Operation, null=True, on_delete=models.SET_NULL, related_name="+")
    last_refusal = models.TextField(blank=True, help_text="why the last run was not asked for; empty: it was")

    class Meta:
        ordering = ["environment__name", "kind", "pk"]

    def __str__(self) -> str:
        return f"{self.kind} on {self.environment_id}"


class Push(models.Model):
    """What the portal decided about a push to the default branch: deploy it to development, or why not."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="pushes")
    base = models.CharField(max_length=40, blank=True)
    commit = models.CharField(max_length=40)
    seen_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    operation = models.ForeignKey(Operation, null=True, on_delete=models.SET_NULL, related_name="+")
    words = models.TextField(blank=True, help_text="what was decided, and why")

    class Meta:
        ordering = ["-seen_at"]
        constraints = [
            models.UniqueConstraint(fields=["environment", "commit"], name="one_decision_on_a_push")
        ]

    def __str__(self) -> str:
        return f"{self.commit[:8]} on {self.environment_id}"
