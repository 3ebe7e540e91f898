"""Agencies and their domains."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Agency",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200, unique=True)),
            ],
            options={"ordering": ["name"], "verbose_name_plural": "agencies"},
        ),
        migrations.CreateModel(
            name="Domain",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=253, unique=True)),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="domains",
                        to="registrar.agency",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("ready", "Ready"), ("dns needed", "DNS needed"), ("on hold", "On hold")],
                        default="dns needed",
                        max_length=20,
                    ),
                ),
            ],
            options={"ordering": ["name"]},
        ),
    ]
