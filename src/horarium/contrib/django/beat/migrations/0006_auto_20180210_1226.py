"""Room for a list of all days, hours and minutes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("django_celery_beat", "0005_add_solarschedule_events_choices"),)
    operations = (
        *(
            migrations.AlterField(
                model_name="crontabschedule",
                name=field,
                field=models.CharField(max_length=length, default="*", verbose_name=field.replace("_", " ")),
            )
            for field, length in (("day_of_month", 124), ("hour", 96), ("minute", 240))
        ),
    )
