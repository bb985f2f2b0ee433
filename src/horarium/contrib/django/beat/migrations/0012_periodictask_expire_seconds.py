"""A run expires so long after it was due."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("django_celery_beat", "0011_auto_20190508_0153"),)
    operations = (
        migrations.AddField(
            model_name="periodictask",
            name="expire_seconds",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                verbose_name="Expires timedelta with seconds",
                help_text="A run that has not begun so long after it was due does not begin any more.",
            ),
        ),
    )
