"""A crontab has a zone; room for long lists, for those who come by this way."""

import timezone_field
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("django_celery_beat", "0005_add_solarschedule_events_choices"),)
    operations = (
        migrations.AlterModelOptions(
            name="crontabschedule",
            options={
                "ordering": ("month_of_year", "day_of_month", "day_of_week", "hour", "minute", "timezone"),
                "verbose_name": "crontab",
                "verbose_name_plural": "crontabs",
            },
        ),
        migrations.AddField(
            model_name="crontabschedule",
            name="timezone",
            field=timezone_field.TimeZoneField(default="UTC", use_pytz=False),
        ),
        *(
            migrations.AlterField(
                model_name="crontabschedule",
                name=field,
                field=models.CharField(max_length=length, default="*", verbose_name=field.replace("_", " ")),
            )
            for field, length in (("day_of_month", 124), ("hour", 96), ("minute", 240))
        ),
    )
