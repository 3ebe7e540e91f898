"""Whom to tell about a weakness."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registrar", "0003_agency_city")]
    operations = [
        migrations.AddField(
            model_name="domain",
            name="security_contact",
            field=models.EmailField(blank=True, max_length=254),
        ),
    ]
