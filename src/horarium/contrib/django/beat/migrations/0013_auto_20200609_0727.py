"""A crontab's zone is the project's unless another one is chosen; no column changes."""

import timezone_field
from django.db import migrations

from horarium.contrib.django.beat.models import crontab_schedule_celery_timezone


class Migration(migrations.Migration):
    dependencies = (("django_celery_beat", "0012_periodictask_expire_seconds"),)
    operations = (
        migrations.AlterField(
            model_name="crontabschedule",
            name="timezone",
            field=timezone_field.TimeZoneField(
                default=crontab_schedule_celery_timezone,
                use_pytz=False,
                verbose_name="Cron Timezone",
                help_text="Where the clock hangs.",
            ),
        ),
    )
