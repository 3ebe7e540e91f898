"""What exists and what is really there: environments, the mirror of Git, comparisons of commits.

Pages read these rows; only the worker's tasks fill them (product.md, Environments).
"""

from django.conf import settings
from django.db import models
from django.utils import timezone


class EnvironmentKind(models.TextChoices):
    """The four kinds of product.md's table."""

    SANDBOX = "sandbox", "Sandbox"
    DEVELOPMENT = "development", "Development"
    STAGING = "staging", "Staging"
    STABLE = "stable", "Stable"


class Health(models.TextChoices):
    """One vocabulary for an environment's health, everywhere."""

    HEALTHY = "healthy", "Healthy"
    DEGRADED = "degraded", "Degraded"
    DOWN = "down", "Down"
    STOPPED = "stopped", "Stopped"
    UNKNOWN = "not_known", "Not known"


class Environment(models.Model):
    """One environment: found from its manifest in the repository, matched with the platform's space and app."""

    name = models.CharField(max_length=63, unique=True)
    kind = models.CharField(max_length=12, choices=EnvironmentKind.choices)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="sandboxes"
    )
    app_name = models.CharField(max_length=200)
    space_name = models.CharField(max_length=200)

    # Git: what the repository's default branch says.
    in_repository = models.BooleanField(default=True)
    manifest_problem = models.TextField(blank=True)

    # What the portal last deployed here, written when a deploy succeeds.
    deployed_commit = models.CharField(max_length=40, blank=True)
    deployed_ref = models.CharField(max_length=300, blank=True)
    deployed_ref_kind = models.CharField(max_length=10, blank=True)
    deployed_subject = models.CharField(max_length=300, blank=True)
    deployed_at = models.DateTimeField(null=True, blank=True)
    deployed_by = models.CharField(max_length=150, blank=True)
    deployed_operation = models.UUIDField(null=True, blank=True)

    # The platform: what is really there.
    space_guid = models.CharField(max_length=64, blank=True)
    app_guid = models.CharField(max_length=64, blank=True)
    app_state = models.CharField(max_length=10, blank=True)
    platform_commit = models.CharField(max_length=64, blank=True)
    platform_ref = models.CharField(max_length=300, blank=True)
    droplet_guid = models.CharField(max_length=64, blank=True)
    instances_wanted = models.PositiveIntegerField(default=0)
    instances_running = models.PositiveIntegerField(default=0)
    instances = models.JSONField(
        default=list, blank=True, help_text="[{index, state, uptime_s, cpu, memory_bytes, details}]"
    )
    memory_mb = models.PositiveIntegerField(default=0)
    routes = models.JSONField(default=list, blank=True, help_text="urls as the portal reaches them")
    services = models.JSONField(default=list, blank=True, help_text="names of bound service instances")
    last_crash = models.TextField(blank=True)
    versions = models.JSONField(
        default=list,
        blank=True,
        help_text="earlier versions that the platform still has, newest first: "
        "[{number, revision, droplet, commit, ref, at, by, deployable, operation}]",
    )

    # The application's own word.
    app_commit = models.CharField(max_length=64, blank=True)
    app_ref = models.CharField(max_length=300, blank=True)
    app_health = models.CharField(
        max_length=200, blank=True, help_text="empty: answered well; else what was wrong"
    )

    health = models.CharField(max_length=10, choices=Health.choices, default=Health.UNKNOWN)
    drift = models.TextField(blank=True, help_text="empty: the witnesses agree; else which differ, in words")
    refreshed_at = models.DateTimeField(null=True, blank=True)
    refresh_due_at = models.DateTimeField(default=timezone.now, db_index=True)
    refresh_problem = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_sandbox(self) -> bool:
        """Whether it belongs to a person or team rather than to the release train."""
        return self.kind == EnvironmentKind.SANDBOX


class Hold(models.Model):
    """Nothing changes an environment while a hold lies on it, but for those whom the hold lets pass.

    It ends by itself at ``ends_at`` (never, where that is null) or when somebody releases it. It is kept afterwards.
    """

    class Passes(models.TextChoices):
        """Who may pass a hold; said when it is set, seen by everybody."""

        NOBODY = "nobody", "Nobody"
        HOLDER = "holder", "Only who set it"
        LEAD = "lead", "Engineering leads and admins"

    class Origin(models.TextChoices):
        """What set it."""

        PERSON = "person", "A person"
        ROLL_BACK = "roll_back", "A roll back"

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="holds")
    reason = models.TextField()
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.PERSON)
    passes = models.CharField(max_length=8, choices=Passes.choices, default=Passes.LEAD)
    set_by = models.CharField(max_length=150, help_text="username, kept when the person goes")
    set_by_name = models.CharField(max_length=200, blank=True)
    set_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True, help_text="null: until somebody releases it")
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=150, blank=True, help_text="empty: it ended by itself")

    class Meta:
        ordering = ["-set_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["environment"],
                condition=models.Q(released_at__isnull=True),
                name="one_hold_on_an_environment",
            )
        ]

    def __str__(self) -> str:
        return f"{self.environment_id}: {self.reason[:60]}"

    @property
    def who(self) -> str:
        """Who set it, as people know them."""
        return self.set_by_name or self.set_by


class Repository(models.Model):
    """The one repository's state as the worker last saw it. A single row, ``pk=1``."""

    default_branch = models.CharField(max_length=300, blank=True)
    head = models.CharField(max_length=40, blank=True)
    refreshed_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.default_branch} {self.head[:8]}"


class GitRef(models.Model):
    """A branch or tag of the repository, mirrored so that forms can search without touching Git."""

    class Kind(models.TextChoices):
        """What a ref is."""

        BRANCH = "branch", "Branch"
        TAG = "tag", "Tag"

    kind = models.CharField(max_length=6, choices=Kind.choices)
    name = models.CharField(max_length=300)
    commit = models.CharField(max_length=40, db_index=True)
    subject = models.CharField(max_length=300, blank=True)
    author = models.CharField(max_length=200, blank=True)
    committed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-committed_at", "name"]
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="one_row_per_ref")]

    def __str__(self) -> str:
        return self.name


class GitCommit(models.Model):
    """A recent commit of the default branch or of any ref's tip, mirrored for search."""

    sha = models.CharField(max_length=40, primary_key=True)
    subject = models.CharField(max_length=300, blank=True)
    author = models.CharField(max_length=200, blank=True)
    committed_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        ordering = ["-committed_at"]

    def __str__(self) -> str:
        return f"{self.sha[:8]} {self.subject}"


class Comparison(models.Model):
    """What lies between two commits, asked for by a page and answered by the worker. Never stale: commits are fixed.

    ``commits``: ``[{sha, subject, author, at, migrations: [path]}]``, newest first, in ``head`` and not in ``base``.
    ``lost``: how many commits of ``base`` are not in ``head`` (they would go away).
    """

    base = models.CharField(max_length=40, blank=True, help_text="empty: nothing runs yet")
    head = models.CharField(
        max_length=300, help_text="a commit; a short or unknown one is resolved by the worker"
    )
    environment = models.CharField(max_length=63, help_text="whose manifest is looked at, at head")
    asked_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True)
    resolved_head = models.CharField(max_length=40, blank=True)
    commits = models.JSONField(default=list)
    ahead = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0)
    migrations = models.JSONField(default=list, help_text="paths of migrations between the two")
    problem = models.TextField(
        blank=True, help_text="why it cannot be deployed: no such commit, bad manifest"
    )
    warnings = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["base", "head", "environment"], name="one_answer_per_comparison")
        ]

    def __str__(self) -> str:
        return f"{self.base[:8] or 'nothing'}..{self.head[:8]} on {self.environment}"
