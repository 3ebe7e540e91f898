"""The append-only trail: entries in a chain of hashes, and the sealed head that knows where the chain ends.

Nobody can edit it, and a gap or an edit shows (product.md, Always). It knows no domain package: who and
what are words, never foreign keys. Triggers in the database (:mod:`opsportal.audit.triggers`) refuse what
these models refuse.
"""

from datetime import UTC
from typing import Any, NoReturn

from django.db import models

from opsportal.kit.crypto import canonical_json, sha256_hex

#: What the first entry carries as the hash before it.
GENESIS = "0" * 64

#: What an entry's hash covers beside ``at``. A column added later must not join: it would break what is
#: written.
HASHED = (
    "number",
    "actor",
    "actor_kind",
    "action",
    "target",
    "target_kind",
    "reason",
    "result",
    "origin",
    "details",
    "previous_hash",
)


class AppendOnly(TypeError):
    """Somebody tried to change or remove what is only ever added to."""


class EntryQuerySet(models.QuerySet["Entry"]):
    """Reads. What changes rows is refused here already; the database's triggers refuse it again."""

    def update(self, **values: Any) -> NoReturn:
        """Refused."""
        raise AppendOnly("An audit entry is never changed.")

    def delete(self) -> NoReturn:
        """Refused."""
        raise AppendOnly("An audit entry is never removed.")


class Entry(models.Model):
    """One thing done: by whom (``actor``, a username), what, to what, from where, why, with what result.

    ``number`` counts from 1 without gaps. ``hash`` covers every other field and, through ``previous_hash``,
    everything before it.
    """

    number = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=150, db_index=True)
    actor_kind = models.CharField(max_length=20, default="person")
    action = models.CharField(max_length=100, db_index=True)
    target = models.CharField(max_length=300, blank=True)
    target_kind = models.CharField(max_length=50, blank=True)
    reason = models.TextField(blank=True)
    result = models.CharField(max_length=50, default="done")
    origin = models.CharField(max_length=100, blank=True)
    details = models.JSONField(default=dict, blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = EntryQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        verbose_name_plural = "entries"
        indexes = [models.Index(fields=["target_kind", "target", "-number"], name="audit_by_target")]

    def __str__(self) -> str:
        return f"{self.number}: {self.actor} {self.action} {self.target}"

    def save(self, *args: Any, **options: Any) -> None:
        """Insert once; refused ever after."""
        if not self._state.adding:
            raise AppendOnly("An audit entry is never changed.")
        options["force_insert"] = True
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        """Refused."""
        raise AppendOnly("An audit entry is never removed.")

    def computed_hash(self) -> str:
        """The hash that follows from the fields as they are now."""
        fields = {name: getattr(self, name) for name in HASHED}
        moment = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return sha256_hex(canonical_json({**fields, "at": moment}))


class Head(models.Model):
    """Where the chain ends: a single row, ``pk=1``. Its lock makes numbers follow each other.

    ``seal`` is keyed with the site's secret: who can write to the database but lacks the secret can neither
    cut off the newest entries nor write the chain anew unnoticed. ``broken_at``: the entry at which the seal
    was first found not to hold; it stays, so that later entries do not cover up what happened before.
    """

    number = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=GENESIS)
    broken_at = models.PositiveBigIntegerField(null=True, blank=True)
    seal = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.number}: {self.hash[:8]}"

    def sealed_message(self) -> bytes:
        """What the seal is put under."""
        return canonical_json({"number": self.number, "hash": self.hash, "broken_at": self.broken_at})

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        """Refused."""
        raise AppendOnly("The audit trail's head is never removed.")
