"""Tickets and what happened to them. Rows are changed through :mod:`opsportal.bugs.actions` alone."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from opsportal.bugs import rules


class Priority(models.TextChoices):
    """product.md's four priorities: of fixing, not of severity."""

    CRITICAL = rules.CRITICAL, "Critical"
    HIGH = rules.HIGH, "High"
    MEDIUM = rules.MEDIUM, "Medium"
    LOW = rules.LOW, "Low"


class Stage(models.TextChoices):
    """Where on its path a ticket is."""

    REPORTED = rules.REPORTED, "Reported"
    TRIAGED = rules.TRIAGED, "Triaged"
    REFINED = rules.REFINED, "Refined"
    ASSIGNED = rules.ASSIGNED, "Assigned"
    IN_REVIEW = rules.IN_REVIEW, "In review"
    APPROVED = rules.APPROVED, "Approved"
    MERGED = rules.MERGED, "Merged"
    TAGGED = rules.TAGGED, "Tagged"
    ON_STAGING = rules.ON_STAGING, "On staging"
    ON_STABLE = rules.ON_STABLE, "On stable"
    CLOSED = rules.CLOSED, "Closed"


class FoundBy(models.TextChoices):
    """Who found a bug."""

    TEAM = "team", "The team"
    END_USER = "end_user", "An end user"


_PERSON = settings.AUTH_USER_MODEL


class Ticket(models.Model):
    """One bug. Its number is its key's: ``BUG-12`` (the prefix is a setting)."""

    title = models.CharField(max_length=200)
    happens = models.TextField("what happens")
    should = models.TextField("what should happen")
    steps = models.TextField("steps", blank=True)
    environment = models.CharField(max_length=63, blank=True, help_text="its name; empty: not on one alone")
    found_by = models.CharField(max_length=10, choices=FoundBy.choices, default=FoundBy.TEAM)
    user_facing = models.BooleanField("user-facing", default=True)
    evidence = models.JSONField(
        default=dict, blank=True,
        help_text="what was so then, redacted: {headline, facts: [[name, words]], entries: [{at, text, url}]}",
    )  # fmt: skip

    reporter = models.ForeignKey(_PERSON, on_delete=models.PROTECT, related_name="tickets_reported")
    reported_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    #: Grows with every change; a form that was opened before the last change is told so.
    version = models.PositiveIntegerField(default=1)

    priority = models.CharField(max_length=8, choices=Priority.choices)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.REPORTED)
    engineer = models.ForeignKey(
        _PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="tickets_assigned"
    )
    duplicate_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="duplicates"
    )
    closed_because = models.TextField(blank=True)

    github_issue = models.PositiveIntegerField(null=True, blank=True, unique=True)
    github_mirrored = models.JSONField(
        default=dict, blank=True,
        help_text="what GitHub last showed: {title, state, labels, updated_at}, and ours then: {title, open, …}",
    )  # fmt: skip
    #: The version that GitHub shows; behind ``version``: something is still to be told there.
    github_version = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["stage", "priority"], name="tickets_by_stage"),
            models.Index(fields=["-updated_at"], name="tickets_by_change"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="ticket_priority_known"),
            models.CheckConstraint(condition=Q(stage__in=Stage.values), name="ticket_stage_known"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.title}"

    @property
    def key(self) -> str:
        """``BUG-12``."""
        return f"{settings.TICKET_PREFIX}-{self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self.stage != Stage.CLOSED


class Reached(models.Model):
    """A stage that a ticket has reached, since when and by whom; gone again when it no longer holds (reopened)."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="reached")
    stage = models.CharField(max_length=10, choices=Stage.choices)
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=150, help_text="user name, or who told: github, the portal")
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["ticket", "stage"], name="a_stage_is_reached_once"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.stage}"


class Consent(models.Model):
    """Critical was proposed; a product owner consents or declines. Nobody else's word counts."""

    class Decision(models.TextChoices):
        """What became of it; empty while it waits."""

        WAITING = "", "Waits for a product owner"
        CONSENTED = "consented", "Consented"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="consents")
    breaks = models.TextField("what breaks")
    for_whom = models.CharField("for whom", max_length=300)
    since = models.CharField("since when", max_length=300)
    proposed_by = models.ForeignKey(_PERSON, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(default=timezone.now)
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True, default="")
    decided_by = models.ForeignKey(_PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)
    other_priority = models.CharField(max_length=8, choices=Priority.choices, blank=True)

    class Meta:
        ordering = ["proposed_at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["ticket"], condition=Q(decision=""), name="one_consent_is_asked_for_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(decision="") | Q(decided_at__isnull=False, decided_by__isnull=False),
                name="a_decision_says_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.get_decision_display()}"


class Reviewer(models.Model):
    """One of a ticket's two reviewers; ``place`` 1 or 2, so that the database itself knows no third."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="reviewers")
    person = models.ForeignKey(_PERSON, on_delete=models.PROTECT, related_name="tickets_to_review")
    place = models.PositiveSmallIntegerField()
    since = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True, blank=True, help_text="when told that a pull request waits")

    class Meta:
        ordering = ["place"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["ticket", "place"], name="two_reviewers_at_most"),
            models.UniqueConstraint(fields=["ticket", "person"], name="nobody_reviews_twice"),
            models.CheckConstraint(condition=Q(place__in=(1, 2)), name="a_reviewer_is_first_or_second"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.person_id}"


class Event(models.Model):
    """One thing that happened to a ticket, for its timeline: who, when, what. Never changed."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=150, help_text="user name, or github, or opsportal")
    actor_name = models.CharField(max_length=150, blank=True)
    kind = models.CharField(max_length=30)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["ticket", "at"], name="events_of_a_ticket")
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.kind}"


class Comment(models.Model):
    """Something said about a ticket, in Markdown. ``author`` is empty where it was said on GitHub by no one we know."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(_PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    author_name = models.CharField(max_length=150)
    body = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    github_id = models.PositiveBigIntegerField(null=True, blank=True, unique=True)
    from_github = models.BooleanField(default=False)
    github_said = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the body that was sent to GitHub last"
    )

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.author_name}"


class Attachment(models.Model):
    """A file kept with a ticket: pictures and plain text only, held in the database, given out as a download."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=150)
    content_type = models.CharField(max_length=60)
    size = models.PositiveIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()
    by = models.ForeignKey(_PERSON, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["ticket", "sha256"], name="a_file_is_attached_once"),
        ]

    def __str__(self) -> str:
        return self.name


class PullRequest(models.Model):
    """A pull request that names a ticket, as GitHub last showed it."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="pull_requests")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=300)
    url = models.URLField(max_length=500)
    branch = models.CharField(max_length=300)
    head = models.CharField(max_length=40)
    author = models.CharField(max_length=150, help_text="GitHub login")
    state = models.CharField(
        max_length=6, choices=[("open", "Open"), ("closed", "Closed"), ("merged", "Merged")]
    )
    draft = models.BooleanField(default=False)
    reviews = models.JSONField(
        default=list, blank=True, help_text="newest per reviewer: [{login, state, at}]"
    )
    opened_at = models.DateTimeField()
    merged_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["opened_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["ticket", "number"], name="a_pull_request_is_tied_once"),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"


class SavedView(models.Model):
    """A search that a person keeps under a name; ``shared`` ones are offered to everybody."""

    person = models.ForeignKey(_PERSON, on_delete=models.CASCADE, related_name="ticket_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, help_text="the address's query string")
    shared = models.BooleanField(default=False)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person", "name"], name="a_view_is_kept_once"),
        ]

    def __str__(self) -> str:
        return self.name


class GitHubReading(models.Model):
    """How far a repository on GitHub was read, who reads it now, and what keeps it from being read."""

    repository = models.CharField(max_length=200, unique=True, help_text="owner/name")
    pulls_mark = models.DateTimeField(
        null=True, blank=True, help_text="newest change that was seen, by GitHub's clock"
    )
    issues_mark = models.DateTimeField(null=True, blank=True)
    comments_mark = models.DateTimeField(null=True, blank=True)
    whole_at = models.DateTimeField(null=True, blank=True, help_text="when every open pull request was read")
    read_at = models.DateTimeField(null=True, blank=True, help_text="when all of it was last read")
    leased_until = models.DateTimeField(
        null=True, blank=True, help_text="somebody reads it now, until then at most"
    )
    resting_until = models.DateTimeField(
        null=True, blank=True, help_text="GitHub asked not to be asked before"
    )
    problem = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    problem_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "GitHub, as it was read"
        verbose_name_plural = "GitHub, as it was read"

    def __str__(self) -> str:
        return self.repository
