"""Where an agency is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registrar", "0002_domain_expires_on")]
    operations = [
        migrations.AddField(
            model_name="agency",
            name="city",
            field=models.CharField(blank=True, max_length=100),
        ),
    ]
