"""When a domain expires."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registrar", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="domain",
            name="expires_on",
            field=models.DateField(blank=True, null=True),
        ),
    ]
