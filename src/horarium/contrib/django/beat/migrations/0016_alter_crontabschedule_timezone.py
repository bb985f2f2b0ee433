"""Zones are those of Python's own zoneinfo; no column changes."""

import timezone_field
from django.db import migrations

from horarium.contrib.django.beat.models import crontab_schedule_celery_timezone

HELP = "Where the clock hangs. Unless another one is chosen: the project's CELERY_TIMEZONE, else UTC."


class Migration(migrations.Migration):
    dependencies = (("django_celery_beat", "0015_edit_solarschedule_events_choices"),)
    operations = (
        migrations.AlterField(
            model_name="crontabschedule",
            name="timezone",
            field=timezone_field.TimeZoneField(
                default=crontab_schedule_celery_timezone,
                use_pytz=False,
                verbose_name="Cron Timezone",
                help_text=HELP,
            ),
        ),
    )
