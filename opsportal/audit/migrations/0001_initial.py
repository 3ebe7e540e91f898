"""The trail's two tables, and the triggers that make them append-only."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from opsportal.audit import triggers


def protect(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Put the triggers up."""
    triggers.install(schema_editor.connection)


def unprotect(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Take them down, so that the tables can be removed."""
    triggers.remove(schema_editor.connection)


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Head",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveBigIntegerField(default=0)),
                (
                    "hash",
                    models.CharField(
                        default="0000000000000000000000000000000000000000000000000000000000000000",
                        max_length=64,
                    ),
                ),
                ("broken_at", models.PositiveBigIntegerField(blank=True, null=True)),
                ("seal", models.CharField(blank=True, max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("number", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_index=True)),
                ("actor", models.CharField(db_index=True, max_length=150)),
                ("actor_kind", models.CharField(default="person", max_length=20)),
                ("action", models.CharField(db_index=True, max_length=100)),
                ("target", models.CharField(blank=True, max_length=300)),
                ("target_kind", models.CharField(blank=True, max_length=50)),
                ("reason", models.TextField(blank=True)),
                ("result", models.CharField(default="done", max_length=50)),
                ("origin", models.CharField(blank=True, max_length=100)),
                ("details", models.JSONField(blank=True, default=dict)),
                ("previous_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name_plural": "entries",
                "ordering": ["-number"],
                "indexes": [
                    models.Index(fields=["target_kind", "target", "-number"], name="audit_by_target")
                ],
            },
        ),
        migrations.RunPython(protect, unprotect),
    ]
